"""One AnalysisRun: what to ask now, and what follows from the answers. Between the two lies the only I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from msgspec.structs import replace

from analysis.agenda import Query, next_due
from analysis.answers import Answer
from analysis.arguments import ArgumentError, names_used, secret_args
from analysis.assess import Case, assess_run, summary
from analysis.content import Content, cases_of, content_of, has_bad
from analysis.limits import KEPT_MEASUREMENTS, InvalidMetricError
from analysis.results import assessed, whole_second, with_answers
from rollouts.api import events
from rollouts.api.analysis import (
    COMPLETED,
    AnalysisRun,
    AnalysisRunSpec,
    AnalysisRunStatus,
    Metric,
    MetricResult,
    Phase,
    RunSummary,
    parse_run_spec,
)
from rollouts.api.model import SpecError
from rollouts.planner.actions import Announcement


@dataclass(frozen=True)
class RunSnapshot:
    """One run as it was seen."""

    run: AnalysisRun

    @property
    def status(self) -> AnalysisRunStatus:
        """The status as it was."""
        return self.run.status

    @cached_property
    def spec(self) -> AnalysisRunSpec | None:
        """The specification; None when it cannot be read, see `problem`."""
        try:
            return parse_run_spec(self.run.spec)
        except SpecError:
            return None

    @cached_property
    def content(self) -> Content | None:
        """What is measured; None when that is not clear, see `problem`."""
        found = self._content
        return found if isinstance(found, Content) else None

    @property
    def problem(self) -> str:
        """Why the run cannot be carried out, "" when it can."""
        return self._content if isinstance(self._content, str) else ""

    @cached_property
    def _content(self) -> Content | str:
        try:
            return content_of(parse_run_spec(self.run.spec))
        except SpecError as error:
            return f"Analysis spec invalid: {error}"
        except ArgumentError as error:
            return f"Unable to resolve metric arguments: {error}"
        except InvalidMetricError as error:
            return f"Analysis spec invalid: {error}"

    @property
    def is_requested(self) -> bool:
        """Somebody asked for the run's end."""
        return self.spec is not None and self.spec.terminate


@dataclass(frozen=True)
class Agenda:
    """What to ask now, in the order of the spec, and when to look again if nothing changes."""

    queries: tuple[Query, ...] = ()
    wake_at: datetime | None = None


@dataclass(frozen=True)
class RunPlan:
    """The whole status to be, what to say once it is written, when to look again, and whether the run is to go."""

    status: AnalysisRunStatus
    events: tuple[Announcement, ...] = ()
    wake_at: datetime | None = None
    delete: bool = False


def agenda(snapshot: RunSnapshot, now: datetime) -> Agenda:
    """What is due by *now*. Nothing for a finished run or one that cannot be carried out."""
    content = snapshot.content
    if content is None or snapshot.status.completed:
        return Agenda()
    cases = cases_of(content, snapshot.status.metric_results, terminating=_is_terminating(snapshot, content))
    dues = {name: next_due(case, snapshot.status.started_at) for name, case in cases.items()}
    queries = (
        _query(snapshot, metric, cases[metric.name], content.kept.get(metric.name, KEPT_MEASUREMENTS))
        for metric in content.metrics
        if (due := dues[metric.name]) is not None and due <= now
    )
    return Agenda(tuple(queries), min((due for due in dues.values() if due and due > now), default=None))


def conclude(snapshot: RunSnapshot, answers: Sequence[Answer], now: datetime) -> RunPlan:
    """What the run is now that *answers*, in the order in which they came, are known.

    An answer to a metric that the run does not have is ignored, so an answer may come late.
    """
    if snapshot.status.completed:
        return _kept_until(snapshot, snapshot.status, now)
    if snapshot.content is None:
        status = replace(snapshot.status, phase=Phase.ERROR, message=snapshot.problem)
        return RunPlan(status, (_run_event(Phase.ERROR),), _expiry(snapshot, status))
    return _judged(snapshot, snapshot.content, answers, now)


def _judged(snapshot: RunSnapshot, content: Content, answers: Sequence[Answer], now: datetime) -> RunPlan:
    before = snapshot.status
    was_terminating = _is_terminating(snapshot, content)
    results = with_answers(content, before.metric_results, answers, terminating=was_terminating)
    results = assessed(content, results, terminating=was_terminating)
    if not was_terminating and has_bad(content, results):
        # One bad metric ends the others; what is already measured decides.
        results = assessed(content, results, terminating=True)
    terminating = was_terminating or has_bad(content, results)
    cases = cases_of(content, results, terminating=terminating)
    found = assess_run(cases, content.dry, is_requested=snapshot.is_requested)
    status = replace(
        before,
        phase=found.phase,
        message=found.why if found.phase != before.phase else before.message,
        metric_results=results,
        started_at=before.started_at or whole_second(now),
        run_summary=_run_summary(content, results, before),
        dry_run_summary=summary((result for result in results if result.dry_run), len(content.dry)),
        completed_at=whole_second(now) if found.phase in COMPLETED else None,
    )
    if status.completed:
        return RunPlan(status, _events(before, status), _expiry(snapshot, status))
    return RunPlan(status, _events(before, status), _next_look(cases, status))


def _is_terminating(snapshot: RunSnapshot, content: Content) -> bool:
    return snapshot.is_requested or has_bad(content, snapshot.status.metric_results)


def _query(snapshot: RunSnapshot, metric: Metric, case: Case, kept: int) -> Query:
    args = snapshot.spec.args if snapshot.spec else ()
    used = names_used(metric)
    under_way = case.last if case.last and case.last.finished_at is None else None
    return Query(
        metric,
        tuple(arg for arg in secret_args(args) if arg.name in used),
        under_way,
        cancel=under_way is not None and case.is_terminating,
        number=case.result.count + case.result.error + 1,
        kept=kept,
    )


def _run_summary(content: Content, results: Sequence[MetricResult], before: AnalysisRunStatus) -> RunSummary | None:
    deciding = summary((result for result in results if not result.dry_run), len(content.metrics) - len(content.dry))
    return deciding if deciding != RunSummary() else before.run_summary


def _next_look(cases: Mapping[str, Case], status: AnalysisRunStatus) -> datetime | None:
    dues = (next_due(case, status.started_at) for case in cases.values())
    return min((due for due in dues if due is not None), default=None)


def _events(before: AnalysisRunStatus, after: AnalysisRunStatus) -> tuple[Announcement, ...]:
    known = {result.name: result.phase for result in before.metric_results}
    said = [
        Announcement(
            f"Metric{result.phase}", events.metric_completed(result.name, result.phase), _is_warning(result.phase)
        )
        for result in after.metric_results
        if result.phase in COMPLETED and known.get(result.name) != result.phase
    ]
    return (*said, _run_event(after.phase)) if after.completed else tuple(said)


def _run_event(phase: str) -> Announcement:
    return Announcement(events.run_reason(phase), events.run_completed(phase), _is_warning(phase))


def _is_warning(phase: str) -> bool:
    return phase in (Phase.FAILED, Phase.ERROR)


def _kept_until(snapshot: RunSnapshot, status: AnalysisRunStatus, now: datetime) -> RunPlan:
    expires = _expiry(snapshot, status)
    if expires is not None and expires < now and snapshot.run.metadata.deletion_timestamp is None:
        return RunPlan(status, delete=True)
    return RunPlan(status, wake_at=expires)


def _expiry(snapshot: RunSnapshot, status: AnalysisRunStatus) -> datetime | None:
    """When a finished run is to go: an early error has no completion, so it counts from the run's creation."""
    ttl = snapshot.spec.ttl_strategy if snapshot.spec else None
    ended = status.completed_at or snapshot.run.metadata.creation_timestamp
    if ttl is None or ended is None:
        return None
    own = {Phase.SUCCESSFUL: ttl.seconds_after_success, Phase.FAILED: ttl.seconds_after_failure}
    seconds = own.get(Phase(status.phase))
    seconds = ttl.seconds_after_completion if seconds is None else seconds
    return None if seconds is None else ended + timedelta(seconds=seconds)
