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


class _Side(NamedTuple):
    """One of the two ReplicaSets on its way: as it is, what it should become, and its count after growing."""

    size: Size
    wanted: int
    grown: int


def basic_canary(
    limits: Limits, weight: int, total: int, canary: Size, stable: Size | None, others: tuple[Size, ...]
) -> Counts:
    """Sizes to give the two ReplicaSets now, on the way to `approximate_split`.

    *stable* is None when it is missing or is the canary itself: then the canary gets everything.
    Grows within maxSurge, then shrinks within maxUnavailable, the latter only once *others* are gone.
    """
    wanted = approximate_split(limits.replicas, weight, total, limits.surge) if stable else Counts(limits.replicas, 0)
    before = Counts(canary.spec, stable.spec if stable else 0)
    grown = _grow(limits, wanted, before, sum(size.spec for size in others))
    if any(size.spec > 0 for size in others):
        return grown
    canary_side = _Side(canary, wanted.canary, grown.canary)
    stable_side = _Side(stable or Size(0, 0), wanted.stable, grown.stable)
    if wanted.canary < canary.spec:
        return Counts(*_drain(limits, canary_side, stable_side))
    stable_count, canary_count = _drain(limits, stable_side, canary_side)
    return Counts(canary_count, stable_count)


def _grow(limits: Limits, wanted: Counts, before: Counts, others: int) -> Counts:
    """Fill the room under maxSurge, the stable ReplicaSet first."""
    room = max(0, limits.most - sum(before) - others)
    to_stable = min(room, max(0, wanted.stable - before.stable))
    to_canary = min(room - to_stable, max(0, wanted.canary - before.canary))
    return Counts(before.canary + to_canary, before.stable + to_stable)


def _drain(limits: Limits, side: _Side, other: _Side) -> tuple[int, int]:
    """Shrink *side* as far as maxUnavailable lets it; its count and the other's.

    Its own availability is ignored: pods that never become ready must not block those that replace them.
    """
    capacity = removable(side.size, ignores_availability=True) + removable(other.size, ignores_availability=False)
    surplus = capacity - limits.least
    if surplus <= 0:
        return side.grown, other.grown
    count = max(side.wanted, side.size.spec - surplus)
    return _within_limits(limits, Size(count, side.size.available), Size(other.grown, other.size.available))


def _within_limits(limits: Limits, side: Size, other: Size) -> tuple[int, int]:
    """Take the pods beyond maxSurge from *other*; those maxUnavailable still needs are taken from *side* instead."""
    kept = other.spec - max(0, side.spec + other.spec - limits.most)
    lost = max(0, other.available - kept)
    needed = max(0, limits.least - min(side.available, side.spec) - min(other.available, kept))
    kept += min(lost, needed)
    return side.spec - max(0, side.spec + kept - limits.most), kept


def shrink_others(limits: Limits, all_available: int, others: Sequence[Size]) -> tuple[int, ...]:
    """Old ReplicaSets after this pass, in the order given, which is the order of shrinking (newest revision first).

    *all_available* counts available pods of every ReplicaSet; only those beyond replicas - maxUnavailable go.
    """
    budget = max(0, all_available - limits.least)
    counts: list[int] = []
    for size in others:
        removed = min(size.spec, budget)
        budget -= removed
        counts.append(size.spec - removed)
    return tuple(counts)


# With a traffic router: weights are the router's, pods only have to carry them.


class Routed(NamedTuple):
    """What decides the sizes with a router; maxSurge, maxUnavailable and the present sizes do not.

    *weight* is the weight in force, or that of `abort_weight`. *override* is `setCanaryScale.replicas` in pods,
    *override_weight* `setCanaryScale.weight` in percent of *replicas*; the caller drops those not in force.
    *min_pods* is `minPodsPerReplicaSet` (0: none), *is_dynamic* `dynamicStableScale`. The last three matter only with
    the latter: the weights in `status.canary.weights` (0 when none are recorded), and whether the update is aborted.
    """

    replicas: int
    weight: int
    total: int = 100
    override: int | None = None
    override_weight: int | None = None
    min_pods: int = 0
    is_dynamic: bool = False
    weight_canary: int = 0
    weight_stable: int = 0
    is_aborted: bool = False


def routed_counts(routed: Routed) -> Counts:
    """Sizes that carry the wanted weight and, with `dynamicStableScale`, the weight traffic still has.

    The canary's minimum does not apply to `setCanaryScale.replicas`, except with `dynamicStableScale`.
    """
    canary = _routed_canary(routed)
    if not routed.is_dynamic:
        return Counts(canary, routed.replicas)
    if routed.is_aborted:
        canary = max(canary, weight_to_replicas(routed.weight_canary, routed.replicas, routed.total))
    return Counts(_at_least_min_pods(canary, routed), _at_least_min_pods(_dynamic_stable(routed), routed))


def _routed_canary(routed: Routed) -> int:
    """Pods of the canary by the steps alone."""
    if routed.override is not None:
        return routed.override
    weight, total = _scale_weight(routed)
    return _at_least_min_pods(weight_to_replicas(weight, routed.replicas, total), routed)


def _dynamic_stable(routed: Routed) -> int:
    """Pods for the greater of the weight the stable side should have and the one it still has."""
    weight, total = _scale_weight(routed)
    future = weight_to_replicas(total - weight, routed.replicas, total)
    return max(future, weight_to_replicas(routed.weight_stable, routed.replicas, routed.total))


def _scale_weight(routed: Routed) -> tuple[int, int]:
    """Weight and total that sizes follow; a count set by hand says nothing about weight, so it takes none."""
    if routed.override is not None:
        return 0, routed.total
    if routed.override_weight is not None:
        return routed.override_weight, 100
    return routed.weight, routed.total


def _at_least_min_pods(count: int, routed: Routed) -> int:
    """A ReplicaSet that has pods has at least *min_pods*, but none is made larger than `spec.replicas` by that."""
    return max(count, min(routed.min_pods, routed.replicas)) if count else 0


def abort_weight(
    routed: Routed, weights: Sequence[int], *, canary: Size | None, stable: Size | None, stays: bool
) -> int:
    """Weight an aborted canary steps down to with `dynamicStableScale`, while the stable side regains pods.

    *weights* are those of all `setWeight` steps in spec order. The last that needs fewer pods than the canary must
    still carry wins; 0 when none does or a ReplicaSet is missing (None).
    *stays*: the canary keeps its pods for a while or for ever, so they are no reason to keep traffic.
    Ours: a weight needs `minPodsPerReplicaSet`. Argo Rollouts goes by the weight alone and stays at one for which the
    minimum keeps the same pods, with the traffic on what was aborted.
    """
    if canary is None or stable is None:
        return 0
    missing = routed.replicas - stable.available
    bound = missing if stays else max(missing, canary.available)
    return next((weight for weight in reversed(weights) if _pods_for(weight, routed) < bound), 0)


def _pods_for(weight: int, routed: Routed) -> int:
    return _at_least_min_pods(weight_to_replicas(weight, routed.replicas, routed.total), routed)


def rollback_weight(replicas: int, total: int, *, stable_available: int, desired: int, recorded: int | None) -> int:
    """Traffic weight of the canary while `dynamicStableScale` gives way to the stable side, step by step.

    *desired* comes from `abort_weight`; *recorded* is the weight traffic has now, None when none is recorded.
    """
    share = available_share(stable_available, replicas, total)
    if recorded is None:
        return max(total - share, desired)
    if desired <= 0:
        return min(total - share, recorded)
    return recorded if share < total - desired else min(desired, recorded)


def threshold_met(kind: str | None, value: float, available: int, desired: int) -> bool:
    """Whether `replicaProgressThreshold` of type *kind* is met: a percentage of *desired*, or a number of pods.

    Absent (None) or negative it stands for exactly *desired*.
    """
    if kind is None or value < 0:
        return available == desired
    if kind in PERCENT_TYPES:
        return available * 100 >= value * desired
    return available >= value


# Sizes that wait for a deadline, blue-green, workloadRef.


def aborted_count(spec: int, *, is_expired: bool) -> int:
    """Pods of an aborted preview whose delay has begun: as they stand until its deadline, then 0."""
    return 0 if is_expired else spec


def delayed_count(spec: int, kept: int, *, is_over_limit: bool, is_expired: bool) -> int:
    """Pods of an old ReplicaSet that may stay until its deadline.

    *kept* is what it has meanwhile (canary: *spec*, blue-green: `spec.replicas`); *is_over_limit* says that
    `scaleDownDelayRevisionLimit` newer ones stay already.
    """
    return 0 if spec == 0 or is_over_limit or is_expired else kept


def preview_count(
    replicas: int,
    preview: int | None,
    *,
    has_other_active: bool,
    is_recorded: bool,
    is_past_checkpoint: bool,
    is_fully_promoted: bool,
) -> int:
    """Pods of a blue-green preview: *replicas*, unless a smaller *preview* is asked for and has not passed yet.

    *has_other_active*: another ReplicaSet is active. *is_recorded*: this one's hash is `status.currentPodHash`.
    *is_past_checkpoint*: `scaleUpPreviewCheckPoint` is set and nothing pauses.
    """
    if preview is None or not has_other_active or is_fully_promoted:
        return replicas
    return replicas if is_recorded and is_past_checkpoint else preview


def scale_down_workload(replicas: int, ready: int) -> int:
    """Pods to leave to the Deployment that `workloadRef.scaleDown: progressively` drains, as *ready* replace them."""
    return max(0, replicas - ready)


def workload_count(
    size: int, replicas: int, ready: int, *, is_first_revision: bool, is_healthy: bool, is_shrinking: bool
) -> int:
    """Next size of that Deployment, now at *size*; only a Rollout's first revision drains it.

    *is_shrinking*: the ReplicaSet that takes over is about to lose pods.
    """
    if not is_first_revision:
        return size
    if is_healthy:
        return 0
    return scale_down_workload(replicas, ready) if ready > 0 or is_shrinking else size
