"""Measurements → phase of the metric → phase of the run, as Argo Rollouts' tables have it."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from analysis.limits import Limits
from rollouts.api.analysis import COMPLETED, Measurement, MetricResult, Phase, RunSummary

# Best to worst; an equal one is not worse.
ORDER: Final = (
    Phase.SUCCESSFUL,
    Phase.RUNNING,
    Phase.PENDING,
    Phase.INCONCLUSIVE,
    Phase.ERROR,
    Phase.FAILED,
)
TERMINATED: Final = "Run Terminated"


class Assessment(NamedTuple):
    """A phase and why, "" where nothing went wrong."""

    phase: Phase
    why: str = ""


class Case(NamedTuple):
    """One metric as far as its phase depends on it."""

    limits: Limits
    result: MetricResult
    is_terminating: bool

    @property
    def last(self) -> Measurement | None:
        """The newest measurement."""
        return self.result.measurements[-1] if self.result.measurements else None

    @property
    def is_counted_out(self) -> bool:
        """As many measurements as wanted are made."""
        return 0 < self.limits.count <= self.result.count


Row = tuple[Callable[[Case], bool], Callable[[Case], Assessment]]


def is_worse(one: str, other: str) -> bool:
    """*one* is a worse phase than *other*."""
    return ORDER.index(Phase(one)) > ORDER.index(Phase(other))


def counted(result: MetricResult, measurement: Measurement) -> MetricResult:
    """*result* with a finished *measurement* in its counters. Errors do not count as measurements made."""
    match measurement.phase:
        case Phase.SUCCESSFUL:
            return replace(
                result,
                count=result.count + 1,
                successful=result.successful + 1,
                consecutive_success=result.consecutive_success + 1,
                consecutive_error=0,
            )
        case Phase.ERROR:
            return replace(
                result,
                error=result.error + 1,
                consecutive_error=result.consecutive_error + 1,
                consecutive_success=0,
            )
        case Phase.FAILED:
            result = replace(result, failed=result.failed + 1)
        case _:
            result = replace(result, inconclusive=result.inconclusive + 1)
    return replace(result, count=result.count + 1, consecutive_success=0, consecutive_error=0)


def assess(case: Case) -> Assessment:
    """The metric's phase: the first row that applies. A finished metric keeps its phase."""
    if case.result.phase in COMPLETED:
        return Assessment(Phase(case.result.phase), _excess(case) or _shortfall(case))
    return next(outcome(case) for applies, outcome in ROWS if applies(case))


def assess_run(cases: Mapping[str, Case], dry: Collection[str], *, is_requested: bool) -> Assessment:
    """The run's phase and message from its metrics, in the order of the spec; *cases* without a result are left out.

    *is_requested*: somebody asked for the run's end. A run that terminates is judged by what is finished.
    """
    deciding = {name: case for name, case in cases.items() if name not in dry}
    worst = Assessment(Phase.SUCCESSFUL, TERMINATED if is_requested else "")
    for name, case in deciding.items():
        found = assess(case)
        if found.phase in COMPLETED and is_worse(found.phase, worst.phase):
            worst = Assessment(found.phase, explained(name, found, case.result))
    terminating = any(case.is_terminating for case in cases.values())
    is_under_way = any(_is_under_way(case, terminating) for case in cases.values())
    return Assessment(Phase.RUNNING) if is_under_way else worst


def explained(name: str, found: Assessment, result: MetricResult) -> str:
    """The run's message about the metric that decides."""
    detail = f': "Error Message: {result.message}"' if result.message else ""
    return f'Metric "{name}" assessed {found.phase}{f" due to {found.why}" if found.why else ""}{detail}'


def summary(results: Iterable[MetricResult], count: int) -> RunSummary:
    """How *count* metrics ended so far."""
    phases: Sequence[str] = [result.phase for result in results]
    return RunSummary(
        count=count,
        successful=phases.count(Phase.SUCCESSFUL),
        failed=phases.count(Phase.FAILED),
        inconclusive=phases.count(Phase.INCONCLUSIVE),
        error=phases.count(Phase.ERROR),
    )


def _is_under_way(case: Case, terminating: bool) -> bool:
    if case.result.phase in COMPLETED or assess(case).phase in COMPLETED:
        return False
    unfinished = case.last is not None and case.last.finished_at is None
    return unfinished or not terminating


def _excess(case: Case) -> str:
    """Which limit is exceeded: the first that counts, "" when none is."""
    limits, result = case.limits, case.result
    if result.consecutive_error > limits.consecutive_error:
        return f"consecutiveErrors ({result.consecutive_error}) > consecutiveErrorLimit ({limits.consecutive_error})"
    if result.inconclusive > limits.inconclusive:
        return f"inconclusive ({result.inconclusive}) > inconclusiveLimit ({limits.inconclusive})"
    if 0 <= limits.failure < result.failed:
        return f"failed ({result.failed}) > failureLimit ({limits.failure})"
    return ""


def _shortfall(case: Case) -> str:
    """What was not reached when all measurements are made. Argo Rollouts gives no reason here."""
    limits, result = case.limits, case.result
    if not case.is_counted_out or not _wants_successes(case) or _reached_successes(case):
        return ""
    least = (
        f"consecutiveSuccess ({result.consecutive_success}) < consecutiveSuccessLimit ({limits.consecutive_success})"
    )
    return f"{least} after count ({limits.count})"


def _wants_successes(case: Case) -> bool:
    return case.limits.consecutive_success > 0


def _reached_successes(case: Case) -> bool:
    return _wants_successes(case) and case.result.consecutive_success >= case.limits.consecutive_success


def _is_unfinished(case: Case) -> bool:
    return case.last is not None and case.last.phase not in COMPLETED


def _fixed(phase: Phase) -> Callable[[Case], Assessment]:
    return lambda _: Assessment(phase)


def _exceeded(phase: Phase) -> Callable[[Case], Assessment]:
    return lambda case: Assessment(phase, _excess(case))


def _short(phase: Phase) -> Callable[[Case], Assessment]:
    return lambda case: Assessment(phase, _shortfall(case))


# Priority order; the last row always applies.
ROWS: Final[tuple[Row, ...]] = (
    (lambda case: case.last is None and case.is_terminating, _fixed(Phase.SUCCESSFUL)),
    (lambda case: case.last is None, _fixed(Phase.PENDING)),
    (_is_unfinished, _fixed(Phase.RUNNING)),
    (lambda case: case.result.consecutive_error > case.limits.consecutive_error, _exceeded(Phase.ERROR)),
    (lambda case: case.result.inconclusive > case.limits.inconclusive, _exceeded(Phase.INCONCLUSIVE)),
    (lambda case: 0 <= case.limits.failure < case.result.failed, _exceeded(Phase.FAILED)),
    (_reached_successes, _fixed(Phase.SUCCESSFUL)),
    (lambda case: case.is_counted_out and not _wants_successes(case), _fixed(Phase.SUCCESSFUL)),
    (lambda case: case.is_counted_out and case.limits.failure < 0, _short(Phase.FAILED)),
    (lambda case: case.is_counted_out, _short(Phase.INCONCLUSIVE)),
    (lambda case: case.is_terminating, _fixed(Phase.SUCCESSFUL)),
    (lambda _: True, _fixed(Phase.RUNNING)),
)
