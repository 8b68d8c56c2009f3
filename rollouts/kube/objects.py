"""Decoding for kinds that nobody models: metadata read, the rest kept as it came."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from rollouts.api.meta import Key, Kind, Metadata, Object


class _Identity(msgspec.Struct):
    metadata: Metadata


class _Version(msgspec.Struct, rename="camel"):
    name: str = ""
    namespace: str = ""
    resource_version: str = ""


class _Named(msgspec.Struct):
    metadata: _Version


class _Page(msgspec.Struct):
    metadata: _Version
    items: list[msgspec.Raw] | None = None


class Named(NamedTuple):
    """Which object something is, and which version of it."""

    key: Key
    version: str


def named(body: bytes | msgspec.Raw) -> Named:
    """Key and version of an object, whatever else is wrong with it. Raises msgspec.DecodeError."""
    found = msgspec.json.decode(body, type=_Named).metadata
    return Named(Key(found.namespace, found.name), found.resource_version)


def decode_object(body: bytes) -> Object:
    """An object as it came. Items of lists carry no apiVersion and kind: see `object_decoder`."""
    return Object(msgspec.json.decode(body, type=_Identity).metadata, msgspec.json.decode(body))


def object_decoder(kind: Kind) -> Callable[[bytes], Object]:
    """Like `decode_object`, with the apiVersion and kind that the API server leaves out in lists."""
    named = {"apiVersion": kind.api_version, "kind": kind.name}

    def decode(body: bytes) -> Object:
        found = decode_object(body)
        return Object(found.metadata, named | dict(found.raw))

    return decode


def split_page(page: bytes) -> tuple[str, list[bytes]]:
    """A list's resourceVersion and its items, copied so that the page can be freed."""
    read = msgspec.json.decode(page, type=_Page)
    return read.metadata.resource_version, [bytes(item) for item in read.items or ()]
