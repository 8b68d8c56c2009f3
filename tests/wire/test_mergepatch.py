from hypothesis import given
from hypothesis import strategies as st

from rollouts.wire.mergepatch import apply, diff, same

LEAVES = st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a", "b"])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


def test_removed_keys_are_null_and_lists_go_whole():
    old = {"phase": "Paused", "canary": {"weight": 1, "hash": "x"}, "list": [1, 2], "kept": {"a": 1}}
    new = {"canary": {"weight": 2}, "list": [1], "kept": {"a": 1}, "fresh": {}}
    assert diff(old, new) == {"phase": None, "canary": {"weight": 2, "hash": None}, "list": [1], "fresh": {}}


def test_nothing_to_say_is_an_empty_patch():
    assert diff({"a": {"b": [1]}, "gone": None}, {"a": {"b": [1], "c": None}}) == {}


def test_true_is_not_one():
    assert diff({"a": 1, "b": [0]}, {"a": True, "b": [False]}) == {"a": True, "b": [False]}


def test_null_in_the_new_object_removes():
    assert diff({"a": 1}, {"a": None}) == {"a": None}


def test_apply_makes_objects_where_none_were_and_drops_nulls():
    assert apply({"a": 1}, {"a": {"b": None, "c": 2}, "d": {"e": None}}) == {"a": {"c": 2}, "d": {}}


def test_apply_leaves_its_arguments_alone():
    target = {"a": {"b": 1}}
    apply(target, {"a": {"b": 2}})
    assert target == {"a": {"b": 1}}


@given(OBJECTS, OBJECTS)
def test_applying_the_difference_gives_the_new_object(old, new):
    assert same(apply(old, diff(old, new)), new)


@given(OBJECTS)
def test_an_object_does_not_differ_from_itself(value):
    assert diff(value, value) == {}
