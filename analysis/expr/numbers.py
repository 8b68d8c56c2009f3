"""Functions of numbers, bits, types and time."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from analysis.expr.errors import ExprError
from analysis.expr.functions import INTS, LISTS, NUMERIC, STRINGS, Builtin, Setting, always
from analysis.expr.types import DURATION, FLOAT, INT, STRING, TIME, Base, Type, go_type, is_number
from analysis.expr.values import number, whole
from rollouts.wire.durations import parse_go_duration

_KINDS: Final[Mapping[str, str]] = {
    "<nil>": "nil",
    "bool": "bool",
    "int": "int",
    "float64": "float",
    "string": "string",
    "map[string]interface {}": "map",
    "time.Time": "time.Time",
    "time.Duration": "time.Duration",
}


def _type(_: Setting, value: Any) -> str:
    return _KINDS.get(go_type(value), "array")


def _int(_: Setting, value: Any) -> int:
    if not isinstance(value, str):
        return whole(value)
    try:
        return whole(int(value, 10))
    except ValueError as error:
        raise ExprError(f"invalid operation: int({value})") from error


def _float(_: Setting, value: Any) -> float:
    if not isinstance(value, str):
        return number(value)
    try:
        return float(value)
    except ValueError as error:
        raise ExprError(f"invalid operation: float({value})") from error


def _rounded(how: Callable[[float], float]) -> Callable[[Setting, Any], float]:
    def rounded(_: Setting, value: Any) -> float:
        found = number(value)
        return float(how(found)) if math.isfinite(found) else found

    return rounded


def _half_away(value: float) -> float:
    """Go's math.Round: halves go away from zero."""
    whole_part = math.trunc(value)
    return whole_part + math.copysign(1, value) if abs(value - whole_part) >= 0.5 else whole_part


def _absolute(_: Setting, value: Any) -> Any:
    if not is_number(value):
        raise ExprError(f"invalid argument for abs (type {go_type(value)})")
    return abs(value)


def _flat(arguments: Sequence[Any], name: str) -> list[Any]:
    """All numbers in the arguments, which are numbers and lists of numbers."""
    found: list[Any] = []
    for value in arguments:
        found.extend(_flat(value, name) if isinstance(value, list) else (value,))
    for value in found:
        if not is_number(value):
            raise ExprError(f"invalid argument for {name} (type {go_type(value)})")
    return found


def _extreme(name: str, pick: Callable[[list[Any]], Any]) -> Builtin:
    def extreme(setting: Setting, *arguments: Any) -> Any:
        found = _flat(arguments, name)
        setting.budget.spend(len(found))
        return pick(found) if found else None

    return Builtin(extreme, (NUMERIC | LISTS,), fewest=1, most=None)


def _average(name: str, compute: Callable[[list[Any]], float]) -> Builtin:
    def average(setting: Setting, *arguments: Any) -> float:
        found = _flat(arguments, name)
        setting.budget.spend(len(found))
        return float(compute(found)) if found else 0.0

    return Builtin(average, (NUMERIC | LISTS,), always(FLOAT), fewest=1, most=None)


def _mean(values: list[Any]) -> float:
    return sum(map(float, values)) / len(values)


def _same(types: Sequence[Type]) -> Type:
    return types[0]


def _bits(compute: Callable[[int, int], int]) -> Builtin:
    def combined(_: Setting, left: Any, right: Any) -> int:
        return whole(compute(whole(left), whole(right)))

    return Builtin(combined, (INTS, INTS), always(INT), fewest=2, most=2)


def _shifted(compute: Callable[[int, int], int]) -> Builtin:
    def checked(value: int, by: int) -> int:
        if by < 0:
            raise ExprError("invalid operation: negative shift count")
        return compute(value, min(by, 64))

    return _bits(checked)


def _duration(_: Setting, text: Any) -> timedelta:
    try:
        return parse_go_duration(text)
    except (ValueError, TypeError) as error:
        raise ExprError(f'time: invalid duration "{text}"') from error


def _now(setting: Setting) -> datetime:
    return setting.now


def _date(_: Setting, text: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except (ValueError, TypeError) as error:
        raise ExprError(f"invalid date {text}") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_CONVERTIBLE: Final = NUMERIC | STRINGS

NUMBER_FUNCTIONS: Final[Mapping[str, Builtin]] = {
    "type": Builtin(_type, returns=always(STRING)),
    "int": Builtin(_int, (_CONVERTIBLE,), always(INT)),
    "float": Builtin(_float, (_CONVERTIBLE,), always(FLOAT)),
    "abs": Builtin(_absolute, (NUMERIC,), _same),
    "ceil": Builtin(_rounded(math.ceil), (NUMERIC,), always(FLOAT)),
    "floor": Builtin(_rounded(math.floor), (NUMERIC,), always(FLOAT)),
    "round": Builtin(_rounded(_half_away), (NUMERIC,), always(FLOAT)),
    "max": _extreme("max", max),
    "min": _extreme("min", min),
    "mean": _average("mean", _mean),
    "median": _average("median", statistics.median),
    "bitand": _bits(int.__and__),
    "bitor": _bits(int.__or__),
    "bitxor": _bits(int.__xor__),
    "bitnand": _bits(lambda left, right: left & ~right),
    "bitnot": Builtin(lambda _, value: ~whole(value), (INTS,), always(INT)),
    "bitshl": _shifted(int.__lshift__),
    "bitshr": _shifted(int.__rshift__),
    "bitushr": _shifted(lambda value, by: (value % 2**64) >> by),
    "now": Builtin(_now, returns=always(TIME), fewest=0, most=0),
    "duration": Builtin(_duration, (STRINGS,), always(DURATION)),
    "date": Builtin(_date, (frozenset({Base.STRING}),), always(TIME)),
}
