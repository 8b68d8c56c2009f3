import pytest

from rollouts.sandbox.addresses import Addresses


def test_a_freed_address_is_not_the_next_one():
    addresses = Addresses("10.244.0.0/16")
    first = addresses.take()
    addresses.free(first)
    assert (first, addresses.take()) == ("10.244.1.0", "10.244.1.1")


def test_taken_addresses_are_left_out_and_all_others_are_used_once():
    addresses = Addresses("10.244.0.0/16", ["10.244.1.1"])
    handed_out = [addresses.take() for _ in range(254 * 256 - 1)]
    assert len(set(handed_out)) == len(handed_out)
    assert "10.244.1.1" not in handed_out
    with pytest.raises(RuntimeError, match="no free pod address"):
        addresses.take()
