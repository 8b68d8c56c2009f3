from datetime import UTC, datetime

import msgspec
import pytest

from rollouts.wire.decode import decode, without_nulls


class Pod(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    labels: dict[str, str] = {}
    owner_references: tuple[str, ...] = ()
    started_at: datetime | None = None


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-01-31T08:00:00Z", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("2026-01-31T08:00:00.123456Z", datetime(2026, 1, 31, 8, microsecond=123_456, tzinfo=UTC)),
        ("2026-01-31T10:00:00+02:00", datetime(2026, 1, 31, 8, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("as_bytes", [True, False])
def test_objects_and_times_are_read(written, moment, as_bytes):
    body = {"name": "web", "ownerReferences": ["a"], "startedAt": written, "unknown": {"a": None}}
    found = decode(Pod, msgspec.json.encode(body) if as_bytes else body)
    assert found == Pod("web", {}, ("a",), moment)


@pytest.mark.parametrize("as_bytes", [True, False])
def test_null_is_an_empty_list_or_map(as_bytes):
    body = {"name": None, "labels": None, "ownerReferences": None, "startedAt": None}
    assert decode(Pod, msgspec.json.encode(body) if as_bytes else body) == Pod()


def test_an_error_names_the_field():
    with pytest.raises(ValueError, match=r"not a Pod: .*\$\.labels"):
        decode(Pod, {"labels": 1})


def test_what_is_no_json_is_refused():
    with pytest.raises(ValueError, match="not JSON"):
        decode(Pod, b"<html>")


def test_nulls_go_at_every_depth_but_stay_in_lists():
    assert without_nulls({"a": None, "b": [{"c": None}, None]}) == {"b": [{}, None]}
