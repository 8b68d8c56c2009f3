"""JSON merge patches (RFC 7386), the form of every status write."""

from collections.abc import Mapping
from itertools import starmap
from typing import Any

from rollouts.wire.gojson import Json


def diff(old: Json, new: Json) -> dict[str, Any]:
    """The smallest merge patch from *old* to *new*: removed keys are null, lists go whole; {} when nothing differs.

    A merge patch cannot store null, so null in *new* means absent.
    """
    patch: dict[str, Any] = {key: None for key, value in old.items() if value is not None and new.get(key) is None}
    for key, wanted in new.items():
        found = old.get(key)
        if wanted is None or same(found, wanted):
            continue
        patch[key] = diff(found, wanted) if isinstance(found, Mapping) and isinstance(wanted, Mapping) else wanted
    return patch


def apply(target: Json, patch: Json) -> dict[str, Any]:
    """*target* after *patch*; neither is changed, unpatched parts are shared with *target*."""
    merged = dict(target)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            found = merged.get(key)
            merged[key] = apply(found if isinstance(found, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged


def same(left: Any, right: Any) -> bool:
    """Whether two JSON values are the same to a reader of the API: true is not 1, and null in an object is absent."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return all(same(left.get(key), right.get(key)) for key in left.keys() | right.keys())
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(starmap(same, zip(left, right, strict=True)))
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)
