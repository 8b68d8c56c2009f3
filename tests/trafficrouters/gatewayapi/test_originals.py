"""How rules are found again after their user edited them."""

import msgspec
import pytest

from rollouts.api.meta import Metadata, Object
from trafficrouters.gatewayapi.originals import ORIGINALS, Original, Record, encoded, originals, presumed, records_of
from trafficrouters.gatewayapi.rules import Pair, fingerprint

SERVICES = Pair("s", "c")


def rule(name, path, *weights):
    refs = [{"name": service, "weight": weight} for service, weight in zip(SERVICES, weights, strict=True)]
    return {**({"name": name} if name else {}), "matches": [{"path": path}], "backendRefs": refs}


def known(name, path, *weights):
    return Original(name, fingerprint(rule(name, path, 0, 0)), weights)


@pytest.mark.parametrize(
    ("remembered", "found", "weights"),
    [
        ([known("a", "/", 1, 2)], [rule("a", "/", 80, 20)], [(1, 2)]),
        (
            [known("a", "/", 1, 2), known("b", "/", 3, 4)],
            [rule("b", "/", 9, 9), rule("a", "/", 9, 9)],
            [(3, 4), (1, 2)],
        ),
        (
            [known("a", "/", 1, 2), known("b", "/x", 3, 4)],
            [rule("b", "/new", 9, 9), rule("a", "/", 9, 9)],
            [(3, 4), (1, 2)],
        ),
        (
            [known("a", "/", 1, 2), known("b", "/x", 3, 4)],
            [rule("new", "/x", 9, 9), rule("a", "/", 9, 9)],
            [(3, 4), (1, 2)],
        ),
        ([known("", "/", 1, 2), known("", "/x", 3, 4)], [rule("", "/x", 9, 9), rule("", "/", 9, 9)], [(3, 4), (1, 2)]),
        (
            [known("", "/", 1, 2), known("", "/x", 3, 4)],
            [rule("", "/new", 9, 9), rule("", "/", 9, 9)],
            [(3, 4), (1, 2)],
        ),
        ([known("a", "/", 1, 2)], [rule("b", "/b", 5, 6), rule("a", "/", 9, 9)], [(5, 6), (1, 2)]),
        ([], [rule("a", "/", None, 6)], [(None, 6)]),
    ],
    ids=["same", "moved", "matches-edited", "renamed", "nameless-moved", "nameless-edited", "added", "first-write"],
)
def test_what_is_remembered_of_each_rule(remembered, found, weights):
    result = originals(found, SERVICES, remembered)
    assert [original.weights for original in result] == weights
    assert [original.match for original in result] == [fingerprint(rule) for rule in found]


def test_where_the_memory_was_taken_away_all_is_presumed_to_have_been_on_stable():
    found = presumed([rule("a", "/", 75, 25), rule("b", "/b", None, 5)], SERVICES)
    assert [(one.rule, one.weights) for one in found] == [("a", (100, 0)), ("b", (5, 0))]


def test_a_record_can_be_read_back():
    records = {"shop/web": Record(("s", "c"), (known("a", "/", None, 2),), ("m",)), "shop/b": Record(("x", "y"))}
    assert records_of(noted(encoded(records))) == records
    assert encoded({}) is None


@pytest.mark.parametrize("text", ["", "no", "[]", '{"shop/web": 1}', '{"shop/web": {"rules": [{"rule": "a"}]}}'])
def test_what_is_not_of_our_writing_is_refused(text):
    with pytest.raises(msgspec.DecodeError):
        records_of(noted(text))


def noted(text):
    return Object(Metadata(annotations={ORIGINALS: text}), {})
