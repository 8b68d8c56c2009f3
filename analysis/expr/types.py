"""Types of values, named as in Go: what can be known of an expression before it is evaluated."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any, Final


class Base(Enum):
    """What distinguishes types where operators are concerned."""

    NIL = auto()
    ANY = auto()
    BOOL = auto()
    INT = auto()
    FLOAT = auto()
    STRING = auto()
    LIST = auto()
    MAP = auto()
    TIME = auto()
    DURATION = auto()


@dataclass(frozen=True, slots=True)
class Type:
    """A type, with its element's for lists and maps."""

    base: Base
    name: str
    element: "Type | None" = None

    def __str__(self) -> str:
        return self.name

    @property
    def item(self) -> "Type":
        """What an element is; ANY where that is not known."""
        return self.element or ANY

    def is_one_of(self, *bases: Base) -> bool:
        """The type's base is among *bases*."""
        return self.base in bases


NIL: Final = Type(Base.NIL, "nil")
ANY: Final = Type(Base.ANY, "unknown")
BOOL: Final = Type(Base.BOOL, "bool")
INT: Final = Type(Base.INT, "int")
FLOAT: Final = Type(Base.FLOAT, "float64")
STRING: Final = Type(Base.STRING, "string")
LIST: Final = Type(Base.LIST, "[]interface {}")
MAP: Final = Type(Base.MAP, "map[string]interface {}")
TIME: Final = Type(Base.TIME, "time.Time")
DURATION: Final = Type(Base.DURATION, "time.Duration")

NUMBERS: Final = (Base.INT, Base.FLOAT)


class Floats(list[float]):
    """A list whose elements are known to be floats, as a Prometheus vector gives."""


class Ints(list[int]):
    """A list whose elements are known to be whole numbers, as a range gives."""


def list_of(item: Type) -> Type:
    """The type of a list of *item*."""
    return LIST if item.base in (Base.ANY, Base.NIL) else Type(Base.LIST, f"[]{item.name}", item)


_BY_CLASS: Final[Mapping[type, Type]] = {
    type(None): NIL,
    bool: BOOL,
    int: INT,
    float: FLOAT,
    str: STRING,
    list: LIST,
    Floats: list_of(FLOAT),
    Ints: list_of(INT),
    dict: MAP,
    datetime: TIME,
    timedelta: DURATION,
}


def type_of(value: Any) -> Type:
    """The type of a value; elements of lists and maps that came as JSON are ANY."""
    return _BY_CLASS[type(value)]


def go_type(value: Any) -> str:
    """The type as Go's `%T` prints it."""
    return "<nil>" if value is None else type_of(value).name


def is_number(value: object) -> bool:
    """The value is an int or a float, and no boolean."""
    return type(value) in (int, float)
