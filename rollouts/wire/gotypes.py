"""Go structs as tables, compiled into functions that write a JSON object the way Go would after reading it.

A table names each type at the start of a line and lists its fields in Go's order on indented lines:

    name      scalar, left out when "", 0 or false     name?     pointer to one, left out only when absent or null
    name!     string, always written                   name!0    number, always written
    name=T    T by value, always written               name?T    pointer to T
    name[]    list of scalars, name[T] list of T       name{}    map to scalars, name{T} map to T
    +T        all fields of T

Lists and maps are left out when empty. `!` before `?`, `[` or `{` writes null instead of leaving a nil one out.
T is a type of the table or one of `quantity`, `intorstring`, `time` and `any`. What is not in the table is dropped.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from rollouts.wire import gojson, quantities
from rollouts.wire.gojson import Json

Writer = Callable[[Any], str]

_FIELD: Final = re.compile(r"(?P<key>\w+)(?P<always>!?)(?P<zero>0?)(?P<shape>[=?\[{]?)(?P<type>\w*)[\]}]?")


class MisfitError(ValueError):
    """A value that does not fit its type: *path* leads to it from what was to be written, such as `.spec.ports[0]`."""

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(path, detail)
        self.path = path
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.path.lstrip('.')}: {self.detail}" if self.path else self.detail


class Dialect(NamedTuple):
    """Where a writer differs from plain Go.

    *defaults* are put in for absent or zero fields, by type and field. *prepare* turns an object of a type into the
    one to write. *leaves* replace writers of leaf types. *empty* is written for an always-written nil list or map.
    """

    defaults: Mapping[str, Mapping[str, Any]] = {}
    prepare: Mapping[str, Callable[[Json], Json]] = {}
    leaves: Mapping[str, Writer] = {}
    empty: str = "null"


class Field(NamedTuple):
    """One field of a struct; *shape* is "" for a scalar, or one of `=`, `?`, `[`, `{`."""

    key: str
    is_always_written: bool
    is_number: bool
    shape: str
    type: str


class _Member(NamedTuple):
    """A field ready to write: *absent* is the text when there is no value, None to leave the field out."""

    key: str
    prefix: str
    keeps_zero: bool
    is_struct: bool
    default: Any
    absent: str | None
    write: Writer


def parse(table: str) -> dict[str, tuple[Field, ...]]:
    """The fields of every type of *table*, inclusions resolved."""
    types: dict[str, tuple[Field, ...]] = {}
    name = ""
    for line in table.strip().splitlines():
        if not line.startswith(" "):
            name = line.strip()
            types[name] = ()
            continue
        for word in line.split():
            types[name] += types[word[1:]] if word.startswith("+") else (_field(word),)
    return types


def compile_writer(types: Mapping[str, tuple[Field, ...]], root: str, dialect: Dialect = Dialect()) -> Writer:  # noqa: B008 - immutable
    """A function that writes objects of type *root*; it raises MisfitError where a value does not fit its type."""
    writers: dict[str, Writer] = {"": _scalar, **_LEAVES, **dialect.leaves}
    members: dict[str, list[_Member]] = {name: [] for name in types}
    for name in types:
        writers[name] = _struct(members[name], dialect.prepare.get(name))
    for name, fields in types.items():
        defaults = dialect.defaults.get(name, {})
        members[name] += [_member(field, writers, dialect.empty, defaults.get(field.key)) for field in fields]
    return writers[root]


def compile_list_writer(types: Mapping[str, tuple[Field, ...]], root: str) -> Writer:
    """The same for lists of *root*."""
    return _list(compile_writer(types, root))


def _field(word: str) -> Field:
    match = _FIELD.fullmatch(word)
    if match is None:
        raise ValueError(f"{word} is not a field in this notation")
    return Field(match["key"], match["always"] == "!", match["zero"] == "0", match["shape"], match["type"])


def _member(field: Field, writers: Mapping[str, Writer], empty: str, default: Any) -> _Member:
    write = writers[field.type]
    if field.shape == "[":
        write = _list(write)
    elif field.shape == "{":
        write = _map(write)
    keeps_zero = field.shape in {"?", "="} or (field.is_always_written and field.shape != "")
    prefix = gojson.encode_string(field.key) + ":"
    return _Member(field.key, prefix, keeps_zero, field.shape == "=", default, _absent(field, empty), write)


def _absent(field: Field, empty: str) -> str | None:
    if not field.is_always_written:
        return None
    if field.shape == "":
        return "0" if field.is_number else '""'
    return "null" if field.shape == "?" else empty


def _struct(members: list[_Member], prepare: Callable[[Json], Json] | None) -> Writer:
    def write(value: Any) -> str:
        found = {} if value is None else value
        if not isinstance(found, dict | Mapping):
            raise _misfit("expected an object", value)
        if prepare is not None:
            found = prepare(found)
        parts = []
        for member in members:
            try:
                text = _written(member, found.get(member.key))
            except ValueError as wrong:
                raise _under(f".{member.key}", wrong) from None
            if text is not None:
                parts.append(member.prefix + text)
        return "{" + ",".join(parts) + "}"

    return write


def _written(member: _Member, value: Any) -> str | None:
    if value is None or (not value and not member.keeps_zero):
        value = member.default
        if value is None and not member.is_struct:
            return member.absent
    return member.write(value)


def _list(write: Writer) -> Writer:
    def write_all(value: Any) -> str:
        if not isinstance(value, list | tuple):
            raise _misfit("expected a list", value)
        return "[" + ",".join([_item(write, f"[{index}]", item) for index, item in enumerate(value)]) + "]"

    return write_all


def _map(write: Writer) -> Writer:
    def write_all(value: Any) -> str:
        if not isinstance(value, dict | Mapping):
            raise _misfit("expected an object", value)
        # Code points sort like the UTF-8 bytes that Go compares.
        texts = ((name, _item(write, f".{name}", value[name])) for name in sorted(value))
        return "{" + ",".join([f"{gojson.encode_string(name)}:{text}" for name, text in texts]) + "}"

    return write_all


def _item(write: Writer, segment: str, value: Any) -> str:
    try:
        return write(value)
    except ValueError as wrong:
        raise _under(segment, wrong) from None


def _under(segment: str, wrong: ValueError) -> MisfitError:
    """*wrong*, seen from the object in which it stands at *segment*."""
    if isinstance(wrong, MisfitError):
        return MisfitError(segment + wrong.path, wrong.detail)
    return MisfitError(segment, str(wrong))


def _misfit(wish: str, value: Any) -> MisfitError:
    return MisfitError("", f"{wish}, found {_kind(value)}")


def _kind(value: Any) -> str:
    """A type in the words of whoever wrote the value."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    return {str: "text", bool: "a boolean", int: "a number", float: "a number"}.get(type(value), "null")


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return gojson.encode_string(value)
    if isinstance(value, bool | int | float):
        return gojson.encode_scalar(value)
    raise _misfit("expected a string, number or boolean", value)


def _int_or_string(value: Any) -> str:
    return _scalar(0 if value is None else value)


def _quantity(value: Any) -> str:
    return f'"{quantities.canonical("0" if value is None else value)}"'


def _any(value: Any) -> str:
    return gojson.encode(value, sort_keys=True)


_LEAVES: Final[Mapping[str, Writer]] = {
    "quantity": _quantity,
    "intorstring": _int_or_string,
    "time": _scalar,
    "any": _any,
}
