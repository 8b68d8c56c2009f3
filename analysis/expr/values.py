"""What operators do with values, as Go does it: no truthiness, numbers of both kinds compared, 64-bit whole numbers."""

import math
import operator
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import re2

from analysis.expr.errors import ExprError
from analysis.expr.types import Ints, go_type, is_number

MAX_RANGE: Final = 10_000
MAX_TEXT: Final = 1_000_000


class Budget:
    """Steps an evaluation may still take; keeps an expression over a large result from holding up everything else."""

    def __init__(self, steps: int) -> None:
        self._steps = steps

    def spend(self, steps: int = 1) -> None:
        """Raises ExprError when nothing is left."""
        self._steps -= steps
        if self._steps < 0:
            raise ExprError("expression takes too many steps")


def equal(left: Any, right: Any) -> bool:
    """Same value: 1 equals 1.0, but true does not equal 1; lists and maps by content."""
    if is_number(left) and is_number(right):
        return bool(left == right)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    return type(left) is type(right) and bool(left == right)


def compare(sign: str, left: Any, right: Any) -> bool:
    """`< > <= >=` of two numbers, strings, times or durations."""
    if (is_number(left) and is_number(right)) or (
        type(left) is type(right) and isinstance(left, (str, datetime, timedelta))
    ):
        return bool(_COMPARE[sign](left, right))
    raise mismatched(sign, left, right)


_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


def mismatched(sign: str, left: Any, right: Any) -> ExprError:
    """The error for two values an operator cannot take."""
    return ExprError(f"invalid operation: {go_type(left)} {sign} {go_type(right)}")


def truth(value: Any) -> bool:
    """The value itself, which must be a boolean."""
    if not isinstance(value, bool):
        raise ExprError(f"interface conversion: interface {{}} is {go_type(value)}, not bool")
    return value


def whole(value: Any) -> int:
    """The value as a Go int: floats are cut off."""
    if not is_number(value) or not math.isfinite(value):
        raise ExprError(f"invalid operation: int({go_type(value)})")
    return _wrapped(int(value))


def number(value: Any) -> float:
    """The value as a float64."""
    if not is_number(value):
        raise ExprError(f"invalid operation: float({go_type(value)})")
    return float(value)


def add(left: Any, right: Any) -> Any:
    """Numbers, strings, times and durations."""
    if isinstance(left, str) and isinstance(right, str):
        if len(left) + len(right) > MAX_TEXT:
            raise ExprError(f"string is longer than {MAX_TEXT} characters")
        return left + right
    return _computed("+", operator.add, left, right)


def subtract(left: Any, right: Any) -> Any:
    """Numbers, times and durations."""
    return _computed("-", operator.sub, left, right)


def multiply(left: Any, right: Any) -> Any:
    """Numbers, and durations by numbers."""
    return _computed("*", operator.mul, left, right)


def divide(left: Any, right: Any) -> float:
    """Always a float; by zero an infinity or NaN."""
    if not (is_number(left) and is_number(right)):
        raise mismatched("/", left, right)
    dividend, divisor = float(left), float(right)
    if divisor != 0:
        return dividend / divisor
    if dividend == 0 or math.isnan(dividend):
        return math.nan
    return math.copysign(math.inf, dividend) * math.copysign(1, divisor)


def power(left: Any, right: Any) -> float:
    """Always a float; what has no value is NaN."""
    if not (is_number(left) and is_number(right)):
        raise mismatched("**", left, right)
    try:
        return math.pow(left, right)
    except OverflowError:
        return math.inf
    except ValueError:
        return math.inf if left == 0 else math.nan


def remainder(left: Any, right: Any) -> int:
    """Of whole numbers, with the sign of the dividend."""
    if type(left) is not int or type(right) is not int:
        raise mismatched("%", left, right)
    if right == 0:
        raise ExprError("integer divide by zero")
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def between(left: Any, right: Any) -> Ints:
    """`left..right`, both included; at most MAX_RANGE long."""
    start, end = whole(left), whole(right)
    if end - start >= MAX_RANGE:
        raise ExprError(f"range is longer than {MAX_RANGE}")
    return Ints(range(start, end + 1))


def contains(element: Any, container: Any) -> bool:
    """`element in container`: a list's element or a map's key."""
    if container is None:
        return False
    if isinstance(container, list):
        return any(equal(element, item) for item in container)
    if isinstance(container, dict):
        return isinstance(element, str) and element in container
    raise ExprError(f'operator "in" not defined on {go_type(container)}')


def matches(text: Any, expression: Any) -> bool:
    """RE2 found anywhere in *text*: linear in time, whatever the expression."""
    left, right = both_strings("matches", text, expression)
    # JSON can hold half a surrogate pair, which has no UTF-8 form.
    return pattern(right).search(left.encode(errors="replace").decode()) is not None


@lru_cache(maxsize=256)
def pattern(expression: str) -> Any:
    """The compiled RE2 expression. Raises ExprError."""
    try:
        return re2.compile(expression.encode(errors="replace").decode(), _quiet())
    except re2.error as error:
        cause = error.args[0] if error.args else b""
        raise ExprError(f"error parsing regexp: {cause.decode() if isinstance(cause, bytes) else cause}") from error


def _quiet() -> Any:
    options = re2.Options()
    options.log_errors = False
    return options


def both_strings(sign: str, left: Any, right: Any) -> tuple[str, str]:
    """Both values, which must be strings."""
    if not isinstance(left, str) or not isinstance(right, str):
        raise mismatched(sign, left, right)
    return left, right


def fetch(base: Any, index: Any) -> Any:
    """`base[index]`: a missing key is nil, an index out of range an error, a negative one counts from the end."""
    if isinstance(base, dict):
        return base.get(index) if isinstance(index, str) else None
    if isinstance(base, list) and is_number(index):
        at = whole(index)
        at += len(base) if at < 0 else 0
        if not 0 <= at < len(base):
            raise ExprError(f"index out of range: {at} (array length is {len(base)})")
        return base[at]
    raise ExprError(f"cannot fetch {index} from {go_type(base)}")


def cut(base: Any, start: int | None, end: int | None) -> Any:
    """`base[start:end]`; bounds beyond the ends are brought back."""
    if not isinstance(base, (list, str)):
        raise ExprError(f"cannot slice {go_type(base)}")
    size = len(base)
    low, high = (0 if start is None else start), (size if end is None else end)
    low, high = (max(0, bound + size if bound < 0 else bound) for bound in (low, high))
    return base[low:high]


def _wrapped(value: int) -> int:
    return (value + 2**63) % 2**64 - 2**63


_TIMES: Final = (datetime, timedelta)


def _computed(sign: str, compute: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    numbers = is_number(left) and is_number(right)
    if not numbers and not isinstance(left, _TIMES) and not isinstance(right, _TIMES):
        raise mismatched(sign, left, right)
    try:
        value = compute(left, right)
    except (TypeError, OverflowError) as error:
        raise mismatched(sign, left, right) from error
    return _wrapped(value) if type(value) is int else value
