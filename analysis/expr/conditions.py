"""Judging a provider's result by the conditions of a metric, and the times of a range query."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from analysis.expr.check import Scope, check
from analysis.expr.errors import ExprError
from analysis.expr.evaluate import Frame, evaluate
from analysis.expr.functions import Builtin, Setting, always
from analysis.expr.parse import parse
from analysis.expr.texts import shown
from analysis.expr.types import ANY, BOOL, FLOAT, INT, NUMBERS, Base, go_type, type_of
from analysis.expr.values import Budget
from rollouts.api.analysis import Phase
from rollouts.api.model import cut

MAX_STEPS: Final = 1_000_000

NO_DATA: Final = "metric result is nil or empty: no data returned from the metric provider"


class Verdict(NamedTuple):
    """What the conditions say of one result; *message* explains an Error."""

    phase: Phase
    message: str = ""


def judge(result: Any, success: str, failure: str, now: datetime) -> Verdict:
    """Judge *result*: a failure wins over a success; with both conditions and neither true it is Inconclusive.

    *now* is what `now()` means in a condition.
    """
    try:
        succeeded = bool(success) and _condition("successCondition", success, result, now)
        failed = bool(failure) and _condition("failureCondition", failure, result, now)
    except ExprError as error:
        return Verdict(Phase.ERROR, str(error))
    if failed:
        return Verdict(Phase.FAILED)
    if succeeded or not success:
        return Verdict(Phase.SUCCESSFUL)
    return Verdict(Phase.INCONCLUSIVE if failure else Phase.FAILED)


def evaluate_condition(text: str, result: Any, now: datetime) -> bool:
    """Whether *text* holds for *result*. Raises ExprError, also when the value is not a boolean."""
    value = _value(text, {"result": result}, _functions(result), now)
    if not isinstance(value, bool):
        raise ExprError(f"expected bool, but got {go_type(value)}")
    return value


def evaluate_time(text: str, now: datetime) -> datetime:
    """The moment that *text* means: `now() - duration("1h")`. Raises ExprError."""
    value = _value(text, {}, {}, now)
    if not isinstance(value, datetime):
        raise ExprError(f"expected time.Time, but got {go_type(value)}")
    return value


def _condition(field: str, text: str, result: Any, now: datetime) -> bool:
    try:
        return evaluate_condition(text, result, now)
    except ExprError as error:
        cause = NO_DATA if result is None or result == [] else str(error)
        raise ExprError(f'could not evaluate {field} "{cut(text)}": {cut(cause)}') from error


def _value(text: str, variables: Mapping[str, Any], functions: Mapping[str, Builtin], now: datetime) -> Any:
    try:
        node = parse(text)
        check(node, Scope({name: type_of(value) for name, value in variables.items()}, functions))
        return evaluate(node, Frame(variables, functions, Budget(MAX_STEPS), now))
    except RecursionError as error:
        raise ExprError("expression or result is nested too deeply") from error


def _as_int(_: Setting, value: Any) -> int:
    """Argo Rollouts behaviour: a float is cut off, a string must be a whole number."""
    try:
        if type(value) in (int, float, str):
            return int(value)
    except (ValueError, OverflowError) as error:
        raise ExprError(f'strconv.ParseInt: parsing "{value}": invalid syntax') from error
    raise ExprError(f"asInt() not supported on {go_type(value)} {shown(value)}")


def _as_float(_: Setting, value: Any) -> float:
    try:
        if type(value) in (int, float, str):
            return float(value)
    except ValueError as error:
        raise ExprError(f'strconv.ParseFloat: parsing "{value}": invalid syntax') from error
    raise ExprError(f"asFloat() not supported on {go_type(value)} {shown(value)}")


def _real(value: Any) -> float:
    if type(value) not in (int, float):
        raise ExprError(f"interface conversion: interface {{}} is {go_type(value)}, not float64")
    return float(value)


_FLOAT_WANTED: Final = "cannot use {type} as argument (type float64) to call {name} "
_REAL: Final = (frozenset((*NUMBERS, Base.ANY)),)

_FIXED: Final[Mapping[str, Builtin]] = {
    "asInt": Builtin(_as_int, returns=always(INT)),
    "asFloat": Builtin(_as_float, returns=always(FLOAT)),
    "isNaN": Builtin(lambda _, value: (real := _real(value)) != real, _REAL, always(BOOL), refusal=_FLOAT_WANTED),
    "isInf": Builtin(
        lambda _, value: _real(value) in (float("inf"), float("-inf")), _REAL, always(BOOL), refusal=_FLOAT_WANTED
    ),
}


def _functions(result: Any) -> Mapping[str, Builtin]:
    """Functions of a condition; `isNil` and `default` look at *result*, whatever they are given."""

    def default(_: Setting, __: Any, otherwise: Any) -> Any:
        return otherwise if result is None else result

    return {
        **_FIXED,
        "isNil": Builtin(lambda _, __: result is None, returns=always(BOOL)),
        "default": Builtin(default, returns=always(ANY), fewest=2, most=2),
    }
