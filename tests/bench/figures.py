"""What was measured, as values; and what is aimed at. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

MEGABYTE = 1e6
TIMES = "\u00d7"


class Spread(msgspec.Struct, frozen=True):
    """Seconds: half of the values are at most *p50*."""

    p50: float
    p99: float
    max: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """Of at least one value."""
        ordered = sorted(values)
        return cls(_at(ordered, 0.5), _at(ordered, 0.99), ordered[-1])


class Release(msgspec.Struct, frozen=True):
    """All bumped at once: *each* from its patch's answer, *seconds* from the first patch sent to the last one done.

    *least* is what nothing could beat, in seconds.
    """

    each: Spread
    seconds: float
    least: float


class Cost(msgspec.Struct, frozen=True):
    """Per update: requests by "verb resource", CPU seconds of the controller's process, and looks with a decision."""

    requests: Mapping[str, float]
    writes: float
    events: float
    conflicts: float
    cpu_seconds: float
    passes: float


class Idle(msgspec.Struct, frozen=True):
    """What is done where nothing is to do, in *seconds*."""

    seconds: float
    renewals: int
    others: Mapping[str, int]
    cpu_seconds: float


class Results(msgspec.Struct, frozen=True):
    """Everything; None and empty where only the release was asked for. Memory is in bytes."""

    rollouts: int
    release: Release
    cost: Cost
    memory_idle: int
    memory_peak: int
    deployments: Release | None = None
    idle: Idle | None = None
    aborts: Mapping[str, Spread] = {}

    @property
    def against_deployments(self) -> float | None:
        """How many times as long as the Deployment controller all Rollouts took."""
        return self.release.seconds / self.deployments.seconds if self.deployments else None


class Verdict(NamedTuple):
    """One aim; *measured* is None where that was left out. *first* is what release 0.1.0 had, on four cores, N=200."""

    what: str
    aim: float
    first: float
    measured: float | None
    unit: str

    @property
    def is_met(self) -> bool:
        """Whether it was measured and is good enough."""
        return self.measured is not None and self.measured <= self.aim


def verdicts(results: Results) -> Sequence[Verdict]:
    """Every aim and what became of it."""
    idle = results.idle
    # The way in which other controllers are aborted, so that figures compare; the other ways are printed beside it.
    abort = results.aborts.get("Degraded, by status.abort")
    return (
        Verdict("time of the Deployment controller", 1.6, 1.497, results.against_deployments, TIMES),
        Verdict("writes per update, besides events", 11, 11, results.cost.writes, ""),
        Verdict("CPU per update", 43, 24.3, results.cost.cpu_seconds * 1000, "ms"),
        Verdict("abort by status.abort, p50", 0.15, 0.165, abort and abort.p50, "s"),
        Verdict("resident memory, idle", 110, 88.9, results.memory_idle / MEGABYTE, "MB"),
        Verdict("requests when idle, besides the Lease", 0, 0, idle and float(sum(idle.others.values())), ""),
        Verdict("CPU when idle", 0.5, 0.07, idle and 100 * idle.cpu_seconds / idle.seconds, "%"),
    )


def as_json(results: Results) -> dict[str, Any]:
    """For machines."""
    judged = [
        {
            "what": v.what,
            "aim": v.aim,
            "first_release": v.first,
            "measured": v.measured,
            "unit": v.unit,
            "met": v.is_met,
        }
        for v in verdicts(results)
    ]
    plain: dict[str, Any] = msgspec.to_builtins(results)
    return {**plain, "against_deployments": results.against_deployments, "aims": judged}


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
