from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

import msgspec
import pytest
from pydantic import Field

from rollouts.api.crds import DEFINITIONS, crd
from rollouts.api.model import IntOrString, Model, OpenObject
from rollouts.api.schema import structural


class Colour(StrEnum):
    RED = "red"


class Leaf(Model):
    """One leaf.

    Not for the schema.
    """

    size: int
    tint: str = Field("", description="How green")


class Seen(msgspec.Struct, rename="camel"):
    """What was seen."""

    first_name: str
    count: int | None = None
    HTTP: str = msgspec.field(default="", name="HTTPStatus")


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (str, {"type": "string"}),
        (bool, {"type": "boolean"}),
        (int, {"type": "integer", "format": "int32"}),
        (float | None, {"type": "number"}),
        (datetime | None, {"type": "string", "format": "date-time"}),
        (Colour, {"type": "string"}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (IntOrString | None, {"x-kubernetes-int-or-string": True}),
        (tuple[str, ...], {"type": "array", "items": {"type": "string"}}),
        (Mapping[str, str], {"type": "object", "additionalProperties": {"type": "string"}}),
        (Any, {"x-kubernetes-preserve-unknown-fields": True}),
        (OpenObject, {"type": "object", "x-kubernetes-preserve-unknown-fields": True}),
        (Mapping[str, OpenObject], {"type": "object", "x-kubernetes-preserve-unknown-fields": True}),
    ],
)
def test_types(annotation, schema):
    assert structural(annotation) == schema


def test_a_written_model_has_descriptions_and_required_fields():
    assert structural(Leaf) == {
        "type": "object",
        "description": "One leaf.",
        "properties": {
            "size": {"type": "integer", "format": "int32"},
            "tint": {"type": "string", "description": "How green"},
        },
        "required": ["size"],
    }


def test_an_observed_struct_has_its_wire_names():
    assert structural(Seen) == {
        "type": "object",
        "description": "What was seen.",
        "properties": {
            "firstName": {"type": "string"},
            "count": {"type": "integer", "format": "int32"},
            "HTTPStatus": {"type": "string"},
        },
        "required": ["firstName"],
    }


@pytest.mark.parametrize("annotation", [str | bool, int | str | bool, bytes, set[str]])
def test_a_type_without_a_structural_schema_is_an_error(annotation):
    with pytest.raises(TypeError, match="no structural schema"):
        structural(annotation)


ALLOWED = frozenset(
    {"type", "format", "description", "properties", "required", "items", "additionalProperties", "enum"}
    | {"x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-validations"}
)


def violations(schema: dict[str, Any], path: str) -> Iterator[str]:
    """What the API server would call not structural, and what this project does not want (defaults)."""
    yield from (f"{path}: {key}" for key in schema.keys() - ALLOWED)
    open_ended = {"x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields"}
    if "type" not in schema and not open_ended & schema.keys():
        yield f"{path}: no type"
    if "properties" in schema and "additionalProperties" in schema:
        yield f"{path}: both properties and additionalProperties"
    if schema.get("type") == "array" and "items" not in schema:
        yield f"{path}: array without items"
    yield from (
        f"{path}: requires unknown {name}" for name in {*schema.get("required", ())} - {*schema.get("properties", {})}
    )
    for name, below in schema.get("properties", {}).items():
        yield from violations(below, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from violations(schema[key], f"{path}.{key}")


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda one: one.kind.name)
def test_every_schema_is_structural(definition):
    schema = crd(definition)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert list(violations(schema, definition.kind.name)) == []


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"type": "array"},
        {"type": "string", "default": ""},
        {"anyOf": [{"type": "string"}]},
        {"type": "object", "properties": {"a": {}}},
        {"type": "object", "required": ["a"]},
        {"type": "object", "properties": {}, "additionalProperties": {"type": "string"}},
    ],
)
def test_the_check_finds_what_is_not_structural(broken):
    assert list(violations(broken, "x"))
