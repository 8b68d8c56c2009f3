from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.wire.quantities import canonical, value
from tests.wire.recorded import vectors

SUFFIXES = ["", "n", "u", "m", "k", "M", "G", "T", "P", "Ki", "Mi", "Gi", "Ti", "e3", "E-3"]
WRITTEN = st.builds(
    "{}{}{}".format, st.integers(0, 10**6), st.sampled_from(["", ".5", ".125", ".050"]), st.sampled_from(SUFFIXES)
)
GO = vectors("quantities")


@pytest.mark.parametrize("written", [text for text in GO if GO[text] is not None])
def test_a_quantity_is_written_as_go_does(written):
    assert canonical(written) == GO[written]


@pytest.mark.parametrize(
    "written", ["", "x", "1x", "1KI", "1 Gi", "Mi1", "--1", *[text for text in GO if GO[text] is None]]
)
def test_what_go_refuses_is_refused(written):
    with pytest.raises(ValueError, match="is not a quantity"):
        canonical(written)


@pytest.mark.parametrize(("number", "text"), [(0.5, "500m"), (1, "1"), (2000, "2k"), (1.5, "1500m"), (0, "0")])
def test_a_number_is_read_as_its_text(number, text):
    assert canonical(number) == text


@pytest.mark.parametrize(
    ("written", "amount"),
    [("1500m", Fraction(3, 2)), ("1Ki", 1024), ("-2k", -2000), ("0.1n", Fraction(1, 10**9)), ("9Ei", 2**63 - 1)],
)
def test_the_value_is_exact_but_for_nano(written, amount):
    assert value(written) == amount


@given(WRITTEN)
def test_the_canonical_form_keeps_the_value_and_is_its_own(written):
    assert value(canonical(written)) == value(written)
    assert canonical(canonical(written)) == canonical(written)
