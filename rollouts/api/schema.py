"""From our types to Kubernetes' structural schemas.

A structural schema has no references, no unions and no defaults of ours: what is stored is what was applied.
"""

import types
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec
from pydantic.fields import FieldInfo

from rollouts.api.model import Model

Schema = dict[str, Any]

OPEN: Final[Schema] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
ANYTHING: Final[Schema] = {"x-kubernetes-preserve-unknown-fields": True}
INT_OR_STRING: Final[Schema] = {"x-kubernetes-int-or-string": True}
SCALARS: Final[Mapping[object, Schema]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer", "format": "int32"},
    float: {"type": "number"},
    datetime: {"type": "string", "format": "date-time"},
    Any: ANYTHING,
}


def structural(annotation: Any) -> Schema:
    """The schema of values of a type. Raises TypeError for a type that has none: unions other than int | str."""
    annotation = _bare(annotation)
    if annotation in SCALARS:
        return dict(SCALARS[annotation])
    if isinstance(annotation, type):
        return _of_class(annotation)
    return _of_generic(get_origin(annotation), get_args(annotation))


def _of_class(cls: type) -> Schema:
    if issubclass(cls, Enum):
        return {"type": "string"}  # as in the contract: unknown values are stored and judged by the controller
    if issubclass(cls, Model):
        return _object(cls, {f.alias or name: _written(f) for name, f in cls.model_fields.items()}, _required(cls))
    if issubclass(cls, msgspec.Struct):
        fields = msgspec.structs.fields(cls)
        properties = {field.encode_name: structural(field.type) for field in fields}
        return _object(cls, properties, [field.encode_name for field in fields if field.required])
    raise TypeError(f"no structural schema for {cls}")


def _of_generic(origin: Any, args: tuple[Any, ...]) -> Schema:
    if origin in (Union, types.UnionType):
        return _of_union([_bare(arg) for arg in args if arg is not types.NoneType])
    if origin is Literal:
        return {"type": "string", "enum": list(args)}
    if origin in (tuple, list):
        return {"type": "array", "items": structural(args[0])}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _of_mapping(structural(args[1]))
    raise TypeError(f"no structural schema for {origin}{args}")


def _of_union(members: list[Any]) -> Schema:
    if len(members) == 1:
        return structural(members[0])
    if set(members) == {int, str}:
        return dict(INT_OR_STRING)
    raise TypeError(f"no structural schema for a choice of {members}")


def _of_mapping(values: Schema) -> Schema:
    if values in (ANYTHING, OPEN):
        return dict(OPEN)
    return {"type": "object", "additionalProperties": values}


def _written(field: FieldInfo) -> Schema:
    """A written field's schema: with its own description if it has one, and Kubernetes' extensions."""
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    described = {"description": field.description} if field.description else {}
    return {**structural(field.annotation), **described, **extra}


def _required(cls: type[Model]) -> list[str]:
    return [field.alias or name for name, field in cls.model_fields.items() if field.is_required()]


def _object(cls: type, properties: Mapping[str, Schema], required: list[str]) -> Schema:
    described = {"description": " ".join((cls.__doc__ or "").split("\n\n")[0].split())}
    needed = {"required": sorted(required)} if required else {}
    return {"type": "object", **described, "properties": dict(properties), **needed}


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
