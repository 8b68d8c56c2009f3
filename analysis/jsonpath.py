"""Kubernetes' JSONPath templates: `{$.items[0].value}`; the part of the language that picks values out of JSON.

Fields, quoted fields, indexes from either end, slices, `*`, `..`, unions and filters `?(@.a == "b")`. Not supported:
`range`, functions.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

MAX_LENGTH: Final = 4096
MAX_VALUES: Final = 100_000


class JsonPathError(Exception):
    """A template that cannot be read, or a value that is not there."""


class Field(NamedTuple):
    """A member by name."""

    name: str


class Everything(NamedTuple):
    """All members or elements."""


class Deep(NamedTuple):
    """The value itself and everything in it, at any depth."""


class Span(NamedTuple):
    """An element, or with *is_range* those from *start* to before *end*."""

    start: int | None
    end: int | None
    step: int
    is_range: bool


@dataclass(frozen=True)
class Union:
    """What any of several selectors picks."""

    parts: tuple["Step", ...]


@dataclass(frozen=True)
class Filter:
    """Elements for which a comparison holds; without *sign*, those where the left side exists."""

    left: "Operand"
    sign: str = ""
    right: "Operand | None" = None


Step = Field | Everything | Deep | Span | Union | Filter


@dataclass(frozen=True)
class Operand:
    """A side of a filter: a path from the element (*steps*) or a literal."""

    steps: tuple[Step, ...] | None
    literal: Any = None


_NAME: Final = re.compile(r"(?:\\.|[^\s.\[\]{}|(),'\"=<>!&$@?:*+])+")
_INDEX: Final = re.compile(r"\s*(-?\d+)?\s*(?::\s*(-?\d+)?\s*)?(?::\s*(-?\d+)?\s*)?")
_QUOTED: Final = re.compile(r"\s*(?:'((?:\\.|[^'\\])*)'|\"((?:\\.|[^\"\\])*)\")\s*")
_FILTER: Final = re.compile(r"\?\((.*)\)\s*", re.DOTALL)
_SIGN: Final = re.compile(r"(==|!=|<=|>=|<|>)(?=(?:[^'\"]|'[^']*'|\"[^\"]*\")*$)")


def find(template: str, value: Any) -> Any:
    """The first value that *template* picks from *value*. Raises JsonPathError."""
    picked = _walk(parse(template), [value])
    if not picked:
        raise JsonPathError("result of web metric produced no value")
    return picked[0]


@lru_cache(maxsize=512)
def parse(template: str) -> tuple[Step, ...]:
    """The steps of *template*, one expression in braces. Raises JsonPathError."""
    if len(template) > MAX_LENGTH:
        raise JsonPathError(f"JSONPath is longer than {MAX_LENGTH} characters")
    text = template.strip()
    if not text.startswith("{"):
        raise JsonPathError(f"JSONPath {template} has no braces: write {{{text or '$'}}}")
    return _Reader(text[1:]).whole()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def whole(self) -> tuple[Step, ...]:
        steps = self.steps()
        if self._rest.strip() != "}":
            raise JsonPathError("unclosed action" if "}" not in self._rest else f"unexpected text {self._rest.strip()}")
        return steps

    @property
    def _rest(self) -> str:
        return self._text[self._at :]

    def steps(self) -> tuple[Step, ...]:
        """Steps up to what cannot be one."""
        self._skip("$", "@")
        steps: list[Step] = []
        while True:
            if self._rest.startswith(".."):
                self._at += 2
                steps.append(Deep())
                steps.extend(() if self._rest.startswith("[") else (self._named(),))
            elif self._rest.startswith("."):
                self._at += 1
                # `.[` and a lone `.` pick nothing by themselves.
                steps.extend(() if self._rest.startswith(("[", "}")) or not self._rest else (self._named(),))
            elif self._rest.startswith("["):
                steps.append(self._bracket())
            elif not steps and (match := _NAME.match(self._rest)):
                self._at += match.end()
                steps.append(_field(match[0]))
            else:
                return tuple(steps)

    def _skip(self, *signs: str) -> None:
        self._at += len(self._rest) - len(self._rest.lstrip())
        self._at += 1 if self._rest.startswith(signs) else 0

    def _named(self) -> Step:
        if self._rest.startswith("*"):
            self._at += 1
            return Everything()
        match = _NAME.match(self._rest)
        if match is None:
            raise JsonPathError(f"unrecognized character in action: {self._rest[:1] or 'end of text'}")
        self._at += match.end()
        return _field(match[0])

    def _bracket(self) -> Step:
        end = _closing(self._rest)
        if end < 0:
            raise JsonPathError("unterminated array" if "?(" not in self._rest else "unterminated filter")
        inside = self._rest[1:end]
        self._at += end + 1
        return _selector(inside)


def _closing(text: str) -> int:
    """Index of the bracket that closes the one at the start; brackets in quotes and filters do not count."""
    depth, quote = 0, ""
    for at, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in "[]":
            depth += 1 if sign == "[" else -1
            if depth == 0:
                return at
    return -1


def _selector(inside: str) -> Step:
    if match := _FILTER.fullmatch(inside.strip()):
        return _filter(match[1])
    parts = [_single(part) for part in _separated(inside)]
    return parts[0] if len(parts) == 1 else Union(tuple(parts))


def _separated(text: str) -> list[str]:
    """*text* cut at commas outside quotes."""
    return re.findall(r"(?:'[^']*'|\"[^\"]*\"|[^,'\"])+", text) or [text]


def _single(text: str) -> Step:
    if text.strip() == "*":
        return Everything()
    if match := _QUOTED.fullmatch(text):
        return _field(match[1] if match[1] is not None else match[2])
    match = _INDEX.fullmatch(text)
    if match is None or not text.strip():
        raise JsonPathError(f"invalid array index {text}")
    start, end, step = (int(found) if found else None for found in match.groups())
    if step is not None and step <= 0:
        raise JsonPathError("step must be > 0")
    return Span(start, end, step or 1, is_range=":" in text)


def _filter(text: str) -> Filter:
    sides = _SIGN.split(text, maxsplit=1)
    if len(sides) == 1:
        return Filter(_operand(text))
    left, sign, right = sides
    return Filter(_operand(left), sign, _operand(right))


def _operand(text: str) -> Operand:
    text = text.strip()
    if text.startswith(("@", "$", ".")):
        reader = _Reader(text + "}")
        return Operand(reader.whole())
    if match := _QUOTED.fullmatch(text):
        return Operand(None, match[1] if match[1] is not None else match[2])
    if text in ("true", "false"):
        return Operand(None, text == "true")
    try:
        return Operand(None, float(text))
    except ValueError as error:
        raise JsonPathError(f"unrecognized filter operand {text}") from error


def _field(name: str) -> Field:
    return Field(re.sub(r"\\(.)", r"\1", name))


def _walk(steps: tuple[Step, ...], values: list[Any]) -> list[Any]:
    forgiving = False
    for step in steps:
        picked: list[Any] = []
        for value in values:
            picked.extend(_picked(step, value, forgiving=forgiving))
            if len(picked) > MAX_VALUES:
                raise JsonPathError(f"JSONPath picks more than {MAX_VALUES} values")
        values = picked
        # After `..` most places lack what comes next; only finding it nowhere is an error.
        if forgiving and not values and isinstance(step, Field):
            raise JsonPathError(f"{step.name} is not found")
        forgiving = isinstance(step, Deep)
    return values


def _picked(step: Step, value: Any, *, forgiving: bool) -> list[Any]:
    try:
        return _PICKS[type(step)](step, value)
    except JsonPathError:
        if forgiving:
            return []
        raise


def _pick_field(step: Field, value: Any) -> list[Any]:
    if not isinstance(value, dict) or step.name not in value:
        raise JsonPathError(f"{step.name} is not found")
    return [value[step.name]]


def _pick_everything(_: Everything, value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value[key] for key in sorted(value)]
    return list(value) if isinstance(value, list) else []


def _pick_deep(_: Deep, value: Any) -> list[Any]:
    found, open_ends = [value], [value]
    while open_ends:
        inside = _pick_everything(Everything(), open_ends.pop(0))
        found.extend(inside)
        open_ends.extend(inside)
        if len(found) > MAX_VALUES:
            raise JsonPathError(f"JSONPath picks more than {MAX_VALUES} values")
    return found


def _pick_span(step: Span, value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise JsonPathError(f"{value} is not array or slice and cannot be indexed")
    if step.is_range:
        return value[slice(step.start, step.end, step.step)]
    at = step.start or 0
    if not -len(value) <= at < len(value):
        raise JsonPathError(f"array index out of bounds: index {at}, length {len(value)}")
    return [value[at]]


def _pick_union(step: Union, value: Any) -> list[Any]:
    return [one for part in step.parts for one in _picked(part, value, forgiving=False)]


def _pick_filtered(step: Filter, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise JsonPathError(f"{value} is not array or slice and cannot be filtered")
    return [one for one in value if _holds(step, one)]


def _holds(step: Filter, element: Any) -> bool:
    left = _side(step.left, element)
    if step.right is None:
        return bool(left)
    right = _side(step.right, element)
    return bool(left) and bool(right) and _compares(step.sign, left[0], right[0])


def _side(operand: Operand, element: Any) -> list[Any]:
    if operand.steps is None:
        return [operand.literal]
    try:
        return _walk(operand.steps, [element])
    except JsonPathError:
        return []


def _compares(sign: str, left: Any, right: Any) -> bool:
    if sign in ("==", "!="):
        return (type(left) is type(right) and left == right) == (sign == "==")
    if type(left) is not type(right) or not isinstance(left, (float, str)):
        raise JsonPathError(f"cannot compare {left} {sign} {right}")
    return bool(_ORDER[sign](left, right))


_ORDER: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
_PICKS: Final[Mapping[type, Callable[[Any, Any], list[Any]]]] = {
    Field: _pick_field,
    Everything: _pick_everything,
    Deep: _pick_deep,
    Span: _pick_span,
    Union: _pick_union,
    Filter: _pick_filtered,
}
