"""How many pods each revision should have now, and whether it has them."""

from rollouts.api.workloads import ReplicaSet
from rollouts.planner.arithmetic import Counts, Routed, Size, approximate_split, routed_counts, threshold_met
from rollouts.planner.draft import Draft
from rollouts.planner.dynamic import descent, is_dynamic, stable_rest
from rollouts.planner.rollback import is_within_window
from rollouts.planner.snapshot import Snapshot
from rollouts.steps.base import Goal, goal_of


def index_of(snapshot: Snapshot, draft: Draft) -> int | None:
    """The current step's index; None without steps, at most their number (a person may have written anything)."""
    if not snapshot.steps:
        return None
    if is_within_window(snapshot, draft):
        return len(snapshot.steps)
    index = draft.status.current_step_index
    return min(max(index if index is not None else 0, 0), len(snapshot.steps))


def goal_now(snapshot: Snapshot, draft: Draft) -> Goal | None:
    """What the steps up to the current one want; None when there is no current step."""
    index = index_of(snapshot, draft)
    if index is None or index >= len(snapshot.steps):
        return None
    return goal_of(snapshot.steps[: index + 1])


def weight_in_force(snapshot: Snapshot, draft: Draft) -> int:
    """The weight the steps stand for (contract §3.6): 0 when aborted, everything when no step is left."""
    if draft.is_aborted:
        return descent(snapshot) if is_dynamic(snapshot) else 0
    goal = goal_now(snapshot, draft)
    return snapshot.total if goal is None else goal.weight


def size_of(revision: ReplicaSet | None) -> Size:
    """Wanted and available pods; nothing for no ReplicaSet."""
    return Size(revision.spec.replicas, revision.status.available_replicas) if revision else Size(0, 0)


def is_whole(snapshot: Snapshot, draft: Draft) -> bool:
    """The canary is to have every pod: the first deploy, a full promotion, or nothing left to release."""
    return draft.status.promote_full or draft.status.stable_rs == "" or draft.is_promoted or snapshot.stable is None


def wanted_counts(snapshot: Snapshot, draft: Draft) -> Counts:
    """The counts that the current step is about; on the way there the basic canary passes through others."""
    if is_whole(snapshot, draft):
        return Counts(snapshot.replicas, _stable_rest(snapshot))
    if snapshot.routers:
        return _never_weight_without_pods(routed(snapshot, draft))
    limits = snapshot.limits
    return approximate_split(limits.replicas, weight_in_force(snapshot, draft), snapshot.total, limits.surge)


def _never_weight_without_pods(wanted: Routed) -> Counts:
    """Ours: setCanaryScale cannot take the last pod of a canary that has weight."""
    counts = routed_counts(wanted)
    return counts._replace(canary=max(counts.canary, 1)) if wanted.weight and wanted.replicas else counts


def _stable_rest(snapshot: Snapshot) -> int:
    """With a router the old pods stay, whole, until traffic has left them."""
    if snapshot.stable is None or snapshot.stable is snapshot.canary:
        return 0
    if is_dynamic(snapshot):
        return stable_rest(snapshot)
    return snapshot.replicas if snapshot.routers else 0


def routed(snapshot: Snapshot, draft: Draft) -> Routed:
    """The inputs of the arithmetic with a router."""
    strategy = snapshot.strategy
    goal = goal_now(snapshot, draft)
    sticks = goal is not None and (not draft.is_aborted or strategy.abort_scale_down_delay is None)
    scale = goal.scale if goal and sticks else None
    weights = snapshot.status.canary.weights
    return Routed(
        replicas=snapshot.replicas,
        weight=weight_in_force(snapshot, draft),
        total=snapshot.total,
        override=scale.replicas if scale else None,
        override_weight=scale.weight if scale and scale.replicas is None else None,
        min_pods=strategy.min_pods_per_replica_set or 0,
        is_dynamic=strategy.dynamic_stable_scale,
        weight_canary=weights.canary.weight if weights else 0,
        weight_stable=weights.stable.weight if weights else 0,
        is_aborted=draft.is_aborted,
    )


def missing_pods(snapshot: Snapshot, draft: Draft) -> str:
    """Why counts are not as the current step wants them, with numbers; "" when they are."""
    wanted = wanted_counts(snapshot, draft)
    return (
        _missing_canary(snapshot, draft, wanted.canary)
        or _missing_stable(snapshot, draft, wanted.stable)
        or _lingering(snapshot)
    )


def _missing_canary(snapshot: Snapshot, draft: Draft, wanted: int) -> str:
    canary = size_of(snapshot.canary)
    if is_enough(snapshot, canary.available, wanted, planned(snapshot.canary, draft)):
        return ""
    return f"canary has {canary.available} of {wanted} pods available"


def is_enough(snapshot: Snapshot, available: int, wanted: int, asked: int) -> bool:
    """The canary's pods suffice: all of them, or as many as replicaProgressThreshold asks for."""
    threshold = snapshot.strategy.replica_progress_threshold
    if threshold is None or threshold.value < 0:
        return available == wanted == asked
    return threshold_met(threshold.type, threshold.value, available, wanted)


def planned(revision: ReplicaSet | None, draft: Draft) -> int:
    """The size the ReplicaSet will have after this plan."""
    return 0 if revision is None else draft.sizes.get(revision.metadata.name, revision.spec.replicas)


def _missing_stable(snapshot: Snapshot, draft: Draft, wanted: int) -> str:
    stable = snapshot.stable
    if stable is None or stable is snapshot.canary:
        return ""
    if snapshot.routers and snapshot.strategy.dynamic_stable_scale:
        return ""
    if planned(stable, draft) == stable.status.replicas == wanted:
        return ""
    return f"stable has {stable.status.replicas} of {wanted} pods"


def _lingering(snapshot: Snapshot) -> str:
    left = sum(rs.status.available_replicas for rs in snapshot.others)
    if snapshot.routers or not left:
        return ""
    return f"{left} pods of older revisions are still available"
