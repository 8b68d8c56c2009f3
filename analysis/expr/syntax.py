"""The tree of an expression: plain values, no behaviour."""

from dataclasses import dataclass
from typing import Union


@dataclass(frozen=True, slots=True)
class Literal:
    """nil, a boolean, a whole number, a float or a string."""

    value: bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Name:
    """A variable or a name of the environment."""

    name: str


@dataclass(frozen=True, slots=True)
class Element:
    """`#`, the element a predicate is asked about; `#acc` and `#index` by *name*."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class Unary:
    """`! not - +`."""

    operator: str
    operand: "Node"


@dataclass(frozen=True, slots=True)
class Binary:
    """All operators with two sides; words and signs of one meaning are told apart only for messages."""

    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Member:
    """`base.property` and `base[property]`; *optional* with `?.`."""

    base: "Node"
    property: "Node"
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Slice:
    """`base[start:end]`, counted from the end when negative."""

    base: "Node"
    start: Union["Node", None]
    end: Union["Node", None]


@dataclass(frozen=True, slots=True)
class Chain:
    """A run of members of which one is optional: nil there makes the whole nil."""

    body: "Node"


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the environment or a builtin, called."""

    name: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Predicate:
    """An argument evaluated once per element."""

    body: "Node"


@dataclass(frozen=True, slots=True)
class Let:
    """`let name = value; body`."""

    name: str
    value: "Node"
    body: "Node"


@dataclass(frozen=True, slots=True)
class Sequence:
    """`first; second`: the last one is the value."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Conditional:
    """`test ? yes : no`, `test ?: no` and `if test {yes} else {no}`."""

    test: "Node"
    yes: "Node"
    no: "Node"


@dataclass(frozen=True, slots=True)
class ListLiteral:
    """`[a, b]`."""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class MapLiteral:
    """`{key: value}`."""

    pairs: tuple[tuple["Node", "Node"], ...]


Node = (
    Literal
    | Name
    | Element
    | Unary
    | Binary
    | Member
    | Slice
    | Chain
    | Call
    | Predicate
    | Let
    | Sequence
    | Conditional
    | ListLiteral
    | MapLiteral
)
