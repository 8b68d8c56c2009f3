import msgspec
import pytest

from rollouts.api.kinds import POD
from rollouts.api.meta import Key
from rollouts.kube.objects import decode_object, named, object_decoder, split_page

BODY = b'{"metadata":{"name":"a","namespace":"shop","resourceVersion":"7","labels":{"x":"y"}},"spec":{"z":[1]}}'


def test_metadata_is_read_and_the_rest_is_kept():
    found = decode_object(BODY)
    assert (found.metadata.key, found.metadata.labels, found.raw["spec"]) == (Key("shop", "a"), {"x": "y"}, {"z": [1]})


def test_a_decoder_of_a_kind_adds_what_lists_leave_out():
    found = object_decoder(POD)(BODY)
    assert (found.raw["apiVersion"], found.raw["kind"], found.raw["spec"]) == ("v1", "Pod", {"z": [1]})


@pytest.mark.parametrize(
    "body", [BODY, b'{"metadata":{"name":"a","namespace":"shop","resourceVersion":"7","labels":5}}']
)
def test_the_name_is_found_whatever_else_is_wrong(body):
    assert named(body) == (Key("shop", "a"), "7")


def test_a_page_gives_its_version_and_items():
    assert split_page(b'{"metadata":{"resourceVersion":"9"},"items":[{"a":1},{"b":2}]}') == (
        "9",
        [b'{"a":1}', b'{"b":2}'],
    )


@pytest.mark.parametrize("items", [b"null", b"[]"])
def test_a_page_may_be_empty(items):
    assert split_page(b'{"metadata":{"resourceVersion":"9"},"items":' + items + b"}") == ("9", [])


def test_what_is_no_list_is_refused():
    with pytest.raises(msgspec.MsgspecError):
        split_page(b"<html>")
