"""Objects of the API server into lean structs."""

from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from rollouts.wire.gojson import Json

T = TypeVar("T")


def decode(form: type[T], body: bytes | Json) -> T:
    """*body* as *form*; unknown fields are dropped. Raises ValueError naming the field that does not fit.

    Go writes a nil list or map as null where we have an empty one, so null means absent.
    """
    try:
        return _decode(form, body)
    except msgspec.ValidationError:
        pass  # perhaps only because of a null: those are rare, so they are taken out in a second go
    except msgspec.DecodeError as error:
        raise ValueError(f"not JSON: {error}") from error
    try:
        return msgspec.convert(without_nulls(msgspec.json.decode(body) if isinstance(body, bytes) else body), form)
    except msgspec.ValidationError as error:
        raise ValueError(f"not a {form.__name__}: {error}") from error


def without_nulls(value: Any) -> Any:
    """*value* without the object members that are null, at any depth."""
    if isinstance(value, dict):
        return {key: without_nulls(member) for key, member in value.items() if member is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def _decode(form: type[T], body: bytes | Json) -> T:
    if isinstance(body, bytes):
        key: Any = form
        decoder: msgspec.json.Decoder[T] = _decoder(key)
        return decoder.decode(body)
    return msgspec.convert(body, form)


@lru_cache(maxsize=256)
def _decoder(form: type[Any]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(form)
