"""The rules of a metric as numbers, and whether they can be kept together."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import re2

from rollouts.api.analysis import DryRun, MeasurementRetention, Metric
from rollouts.wire.durations import parse_go_duration

DEFAULT_ERROR_LIMIT: Final = 4
KEPT_MEASUREMENTS: Final = 10
_NUMBER: Final = re.compile(r"[+-]?\d{1,18}", re.ASCII)


class InvalidMetricError(Exception):
    """Rules of a run that contradict each other or cannot be read; the text is Argo Rollouts' where it has one."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How often a metric is measured and what ends it. *count* 0: no end; *failure* -1: any number tolerated."""

    count: int
    failure: int
    inconclusive: int
    consecutive_error: int
    consecutive_success: int
    interval: timedelta | None
    initial_delay: timedelta


def limits_of(metric: Metric) -> Limits:
    """The rules as numbers. Raises InvalidMetricError."""
    interval = _duration(metric.interval, "invalid interval string")
    count = _number(metric, "count", 0)
    return Limits(
        count=1 if not count and interval is None else count,
        failure=_number(metric, "failureLimit", 0),
        inconclusive=_number(metric, "inconclusiveLimit", 0),
        consecutive_error=_number(metric, "consecutiveErrorLimit", DEFAULT_ERROR_LIMIT),
        consecutive_success=_number(metric, "consecutiveSuccessLimit", 0),
        interval=interval,
        initial_delay=_duration(metric.initial_delay, "invalid startDelay string") or timedelta(),
    )


def validate(metrics: Sequence[Metric]) -> None:
    """Raises InvalidMetricError with the first metric that cannot be run."""
    if not metrics:
        raise InvalidMetricError("no metrics specified")
    names: set[str] = set()
    for at, metric in enumerate(metrics):
        if metric.name in names:
            raise InvalidMetricError(f"metrics[{at}]: duplicate name '{metric.name}'")
        names.add(metric.name)
        try:
            _validate(metric)
        except InvalidMetricError as error:
            raise InvalidMetricError(f"metrics[{at}]: {error}") from error


def dry_run_names(rules: Sequence[DryRun], metrics: Sequence[Metric]) -> frozenset[str]:
    """Names of metrics that never decide. Raises InvalidMetricError for a rule that names none."""
    names = [metric.name for metric in metrics]
    return frozenset(
        name for at, rule in enumerate(rules) for name in _matching(rule.metric_name, names, f"dryRun[{at}]")
    )


def retention(rules: Sequence[MeasurementRetention], metrics: Sequence[Metric]) -> dict[str, int]:
    """How many measurements each metric keeps where it is not 10. Raises InvalidMetricError."""
    names = [metric.name for metric in metrics]
    return {
        name: rule.limit
        for at, rule in enumerate(rules)
        for name in _matching(rule.metric_name, names, f"measurementRetention[{at}]")
        if rule.limit > 0
    }


def _matching(pattern: str, names: Collection[str], where: str) -> list[str]:
    """Argo Rollouts behaviour: the pattern is searched anywhere; one that is no pattern matches nothing."""
    try:
        expression = re2.compile(pattern, _quiet())
    except re2.error:
        expression = None
    found = [name for name in names if expression and expression.search(name)]
    if not found:
        raise InvalidMetricError(f"{where}: Rule didn't match any metric name(s)")
    return found


def _quiet() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    return options


def _validate(metric: Metric) -> None:
    limits = limits_of(metric)
    for refused, text in _contradictions(metric, limits):
        if refused:
            raise InvalidMetricError(text)
    match metric.provider.chosen:
        case ():
            raise InvalidMetricError("no provider specified")
        case (_, _, *_):
            raise InvalidMetricError("multiple providers specified")


def _contradictions(metric: Metric, limits: Limits) -> tuple[tuple[bool, str], ...]:
    """Every rule with whether it is broken, in the order in which they are told."""
    # a count of 0 says nothing: one measurement is made without an interval, but no limit is held against that
    counted = _number(metric, "count", 0) > 0
    needed = max(limits.failure, 0) + limits.consecutive_success
    return (
        (
            counted and limits.count < needed,
            "count must be >= failureLimit + consecutiveSuccessLimit"
            if limits.consecutive_success
            else "count must be >= failureLimit",
        ),
        (counted and limits.count < limits.inconclusive, "count must be >= inconclusiveLimit"),
        (limits.count < 0, "count must be >= 0"),
        (limits.count > 1 and limits.interval is None, "interval must be specified when count > 1"),
        (limits.failure < -1, "failureLimit must be >= -1"),
        (limits.consecutive_success < 0, "consecutiveSuccessLimit must be >= 0"),
        (
            limits.failure == -1 and limits.consecutive_success == 0,
            "failureLimit and consecutiveSuccessLimit cannot both be disabled",
        ),
        (limits.inconclusive < 0, "inconclusiveLimit must be >= 0"),
        (limits.consecutive_error < 0, "consecutiveErrorLimit must be >= 0"),
    )


def _number(metric: Metric, field: str, absent: int) -> int:
    name = "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in field)
    value = getattr(metric, name)
    if value is None:
        return absent
    if not _NUMBER.fullmatch(str(value)):
        raise InvalidMetricError(f'{field} "{value}" is not a whole number')
    return int(value)


def _duration(text: str, refusal: str) -> timedelta | None:
    if not text:
        return None
    try:
        return parse_go_duration(text)
    except ValueError as error:
        raise InvalidMetricError(f"{refusal}: {error}") from error
