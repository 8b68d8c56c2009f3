"""Replica counts and the weights that depend on them: integers in, integers out.

Nothing here knows a Kubernetes object, a step or a clock. Every rule is Argo Rollouts' behaviour unless its docstring
says "Ours". A *weight* is a share of *total* (100, or `maxTrafficWeight`; at least 1); counts are pods, never negative.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

PERCENT_TYPES = frozenset({"Percent", "Percentage"})


class Size(NamedTuple):
    """One ReplicaSet: `spec.replicas` and `status.availableReplicas`; *available* may exceed *spec* for a while."""

    spec: int
    available: int


class Counts(NamedTuple):
    """Pods of the canary and of the stable ReplicaSet."""

    canary: int
    stable: int


class Limits(NamedTuple):
    """`spec.replicas`, maxSurge and maxUnavailable, the latter two already resolved to pods."""

    replicas: int
    surge: int
    unavailable: int

    @property
    def most(self) -> int:
        """Pods there may be at once."""
        return self.replicas + self.surge

    @property
    def least(self) -> int:
        """Pods that must stay available."""
        return self.replicas - self.unavailable


def weight_to_replicas(weight: int, replicas: int, total: int = 100) -> int:
    """Fewest whole pods that carry *weight*: ⌈replicas · weight / total⌉."""
    return -(-weight * replicas // total)


def available_share(available: int, replicas: int, total: int) -> int:
    """Weight that *available* of *replicas* pods carry: ⌊total · available / replicas⌋, at most *total*.

    Ours: where no pods are wanted none is missing, hence *total* (Argo Rollouts divides by zero).
    """
    return min(total, total * available // replicas) if replicas else total


def removable(size: Size | None, *, ignores_availability: bool) -> int:
    """Pods of a ReplicaSet that count as capacity when another is to shrink; None: there is no ReplicaSet."""
    if size is None:
        return 0
    return size.spec if ignores_availability else min(size.spec, size.available)


# Without a traffic router: the number of pods is the split.


def approximate_split(replicas: int, weight: int, total: int, surge: int) -> Counts:
    """Split nearest to *weight* of *replicas* pods, or of one more when *surge* allows; ties give the canary more.

    Strictly between 0 and *total* neither side is left without pods, unless there is one pod and no surge.
    Ours: 10 pods at 95 % without surge give 9/1. Argo Rollouts discards both roundings there and gives 0/10.
    """
    if replicas == 0:
        return Counts(0, 0)
    goal = Fraction(weight, total)
    return min(_split_options(replicas, weight, total, surge), key=lambda o: abs(Fraction(o.canary, sum(o)) - goal))


def _split_options(replicas: int, weight: int, total: int, surge: int) -> list[Counts]:
    """Candidates, preferred first; both roundings are of *replicas* even where there is one pod more."""
    upper, lower = weight_to_replicas(weight, replicas, total), replicas * weight // total
    may_be_empty = weight in {0, total} or (replicas == 1 and surge == 0)
    uppers = [upper] if upper < replicas or may_be_empty else []
    lowers = [lower] if lower > 0 or may_be_empty else []
    options = [Counts(count, replicas - count) for count in uppers + lowers]
    if surge > 0:
        options += [Counts(count, replicas + 1 - count) for count in [upper, *lowers]]
    return options


def basic_canary(
    limits: Limits, weight: int, total: int, canary: Size, stable: Size | None, others: tuple[Size, ...]
) -> Counts:
    """Sizes to give the two ReplicaSets now, on the way to `approximate_split`.

    *stable* is None when it is missing or is the canary itself: then the canary gets everything.
    Grows within maxSurge, the stable one first; shrinks within maxUnavailable, and only when *others* are gone.
    """
    wanted = approximate_split(limits.replicas, weight, total, limits.surge) if stable else Counts(limits.replicas, 0)
    stable = stable or Size(0, 0)
    grown = _grow(limits, wanted, canary, stable, others)
    if any(size.spec > 0 for size in others):
        return grown
    if wanted.canary >= canary.spec:
        return Counts(*reversed(_drain(limits, wanted.stable, stable, canary, grown.canary)))
    return Counts(*_drain(limits, wanted.canary, canary, stable, grown.stable))


def _grow(limits: Limits, wanted: Counts, canary: Size, stable: Size, others: Sequence[Size]) -> Counts:
    """Fill the room under maxSurge, the stable ReplicaSet first."""
    room = max(0, limits.most - sum(size.spec for size in (canary, stable, *others)))
    to_stable = min(room, max(0, wanted.stable - stable.spec))
    to_canary = min(room - to_stable, max(0, wanted.canary - canary.spec))
    return Counts(canary.spec + to_canary, stable.spec + to_stable)


def _drain(limits: Limits, wanted: int, drain: Size, other: Size, other_count: int) -> tuple[int, int]:
    """Shrink *drain* towards *wanted* as far as maxUnavailable lets it; return its count and the other's.

    Availability of the one that shrinks does not matter: a crash-looping ReplicaSet must not block its replacement.
    A drained ReplicaSet below *wanted* has been grown before: it never is the one with surplus pods.
    """
    capacity = removable(drain, ignores_availability=True) + removable(other, ignores_availability=False)
    surplus = capacity - limits.least
    if surplus <= 0:
        return drain.spec, other_count
    count = max(wanted, drain.spec - surplus) if drain.spec > wanted else drain.spec
    return _within_limits(limits, Size(count, drain.available), Size(other_count, other.available))


def _within_limits(limits: Limits, drain: Size, other: Size) -> tuple[int, int]:
    """Take pods beyond maxSurge from *other*, but not such that maxUnavailable still needs: those from *drain*."""
    kept = other.spec - max(0, sum_over(limits, drain.spec, other.spec))
    lost = max(0, other.available - kept)
    needed = max(0, limits.least - min(drain.available, drain.spec) - min(other.available, kept))
    kept += min(lost, needed)
    return drain.spec - max(0, sum_over(limits, drain.spec, kept)), kept
