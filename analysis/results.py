"""Answers of providers → results of metrics."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from analysis.answers import Answer, Failure, Pending, Reading, redacted, without_secrets
from analysis.arguments import ArgumentError, fill_in
from analysis.assess import Case, assess, counted
from analysis.content import Content
from analysis.expr.conditions import Verdict, judge
from analysis.limits import KEPT_MEASUREMENTS
from rollouts.api.analysis import COMPLETED, Measurement, Metric, MetricResult, Phase

METRIC_TERMINATED: Final = "Metric Terminated"
# A status must fit into an object of the API server, whatever a provider answers.
MAX_VALUE: Final = 16_384
MAX_MESSAGE: Final = 2_048


def with_answers(
    content: Content, results: Iterable[MetricResult], answers: Iterable[Answer], *, terminating: bool
) -> tuple[MetricResult, ...]:
    """*results* with *answers* counted in; a new metric comes last, so the order is that of first answers."""
    found = {result.name: result for result in results}
    metrics = {metric.name: metric for metric in content.metrics}
    for answer in map(redacted, answers):
        new = MetricResult(name=answer.name, phase=Phase.RUNNING, dry_run=answer.name in content.dry)
        result = found.get(answer.name, new)
        if answer.name not in metrics or result.phase in COMPLETED:
            continue
        measurement = _storable(_measurement(metrics[answer.name], answer, terminating=terminating))
        result = _with_measurement(result, measurement, content.kept.get(answer.name, KEPT_MEASUREMENTS))
        found[answer.name] = replace(result, metadata={**result.metadata, **answer.outcome.about})
    return tuple(found.values())


def _with_measurement(result: MetricResult, measurement: Measurement, kept: int) -> MetricResult:
    """*result* with *measurement* after, or in place of, the last one; only the newest are kept."""
    before = result.measurements
    if before and before[-1].finished_at is None:
        measurement = replace(measurement, started_at=before[-1].started_at)
        before = before[:-1]
    if measurement.finished_at is not None:
        result = counted(result, measurement)
    return replace(result, measurements=(*before, measurement)[-kept:])


def _measurement(metric: Metric, answer: Answer, *, terminating: bool) -> Measurement:
    outcome = answer.outcome
    base = Measurement(started_at=whole_second(answer.started_at), metadata=dict(outcome.metadata))
    if isinstance(outcome, Pending):
        return replace(base, phase=Phase.RUNNING, resume_at=outcome.resume_at)
    base = replace(base, finished_at=whole_second(answer.finished_at))
    if isinstance(outcome, Failure):
        return replace(base, phase=Phase.ERROR, message=outcome.message)
    if outcome.phase is None:
        return _judged(base, outcome, metric, answer)
    stopped = terminating and outcome.phase in (Phase.SUCCESSFUL, Phase.INCONCLUSIVE)
    return replace(base, phase=outcome.phase, value=outcome.shown, message=METRIC_TERMINATED if stopped else "")


def _judged(base: Measurement, reading: Reading, metric: Metric, answer: Answer) -> Measurement:
    """*base* with what the metric's conditions say of *reading*; a value that cannot be judged is not stored."""
    try:
        whole = fill_in(metric, answer.secrets)
        success, failure = whole.success_condition, whole.failure_condition
        verdict = judge(reading.value, success, failure, answer.finished_at)
    except ArgumentError as error:
        verdict = Verdict(Phase.ERROR, str(error))
    if verdict.phase is Phase.ERROR:
        message = without_secrets(verdict.message, answer.secrets.values())
        return replace(base, phase=Phase.ERROR, message=message)
    return replace(base, phase=verdict.phase, value=reading.shown)


def _storable(measurement: Measurement) -> Measurement:
    """*measurement* with texts of bounded length that are valid Unicode."""
    return replace(
        measurement,
        value=_bounded(measurement.value, MAX_VALUE),
        message=_bounded(measurement.message, MAX_MESSAGE),
        metadata={key: _bounded(text, MAX_MESSAGE) for key, text in measurement.metadata.items()},
    )


def _bounded(text: str, most: int) -> str:
    cut = text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"
    return cut.encode(errors="replace").decode()


def assessed(content: Content, results: Iterable[MetricResult], *, terminating: bool) -> tuple[MetricResult, ...]:
    """*results* with their phases as they are now."""
    return tuple(
        _with_phase(result, Case(content.limits[result.name], result, terminating))
        if result.name in content.limits
        else result
        for result in results
    )


def _with_phase(result: MetricResult, case: Case) -> MetricResult:
    """*result* with its phase; when that changes, also with the last measurement's message."""
    found = assess(case)
    if found.phase == result.phase:
        return result
    message = case.last.message if case.last else ""
    if result.dry_run and found.why:
        message = f"Metric assessed {found.phase} due to {found.why}"
    return replace(result, phase=found.phase, message=message)


def whole_second(moment: datetime) -> datetime:
    """*moment* as a status keeps it."""
    return moment.replace(microsecond=0)
