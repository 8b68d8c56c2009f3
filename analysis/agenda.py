"""When a metric is measured next: one rule, in one place; and what is asked then."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from analysis.assess import Case
from rollouts.api.analysis import COMPLETED, Argument, Measurement, Metric, Phase

AT_ONCE: Final = datetime.min.replace(tzinfo=UTC)
AFTER_ERROR: Final = timedelta(seconds=10)
# A status keeps whole seconds, so a shorter interval would be over as soon as it began (Argo Rollouts measures
# without pause then).
SHORTEST: Final = timedelta(seconds=1)


@dataclass(frozen=True)
class Query:
    """One metric to ask now, or with *cancel* to stop asking.

    In *metric* the places of *secrets* are still open: read them, then `analysis.arguments.fill_in`. *previous* is
    the measurement under way, *number* the measurement's among all of its metric, from 1; the status keeps *kept*.
    """

    metric: Metric
    secrets: tuple[Argument, ...] = ()
    previous: Measurement | None = None
    cancel: bool = False
    number: int = 1
    kept: int = 10


def next_due(case: Case, started_at: datetime | None) -> datetime | None:
    """When to measure, or to look again at a measurement under way; None: not any more, or not before the run began.

    Argo Rollouts behaviour: after an error the pause is 10 s, whatever the interval; times count from the whole
    seconds stored, so the first interval may be short by less than a second.
    """
    if case.result.phase in COMPLETED:
        return None
    last = case.last
    if last is not None and last.finished_at is None:
        return AT_ONCE if case.is_terminating else last.resume_at or AT_ONCE
    if case.is_terminating or case.is_counted_out:
        return None
    if last is not None:
        return _after(case, last)
    if not case.limits.initial_delay:
        return AT_ONCE
    return started_at + case.limits.initial_delay if started_at else None


def _after(case: Case, last: Measurement) -> datetime:
    assert last.finished_at is not None
    if last.phase == Phase.ERROR or case.limits.interval is None:
        return last.finished_at + AFTER_ERROR
    return last.finished_at + max(case.limits.interval, SHORTEST)
