"""dynamicStableScale: the stable side gives pods up as traffic leaves it, and gets them back before traffic returns."""

from rollouts.api.workloads import ReplicaSet
from rollouts.planner.arithmetic import Routed, Size, abort_weight, rollback_weight, weight_to_replicas
from rollouts.planner.draft import Draft
from rollouts.planner.snapshot import Snapshot, available


def is_dynamic(snapshot: Snapshot) -> bool:
    """The strategy asks for it; without a router it means nothing."""
    return bool(snapshot.routers) and snapshot.strategy.dynamic_stable_scale


def descent(snapshot: Snapshot) -> int:
    """The weight for which an aborted canary still needs pods: the next lower setWeight that stable cannot take yet."""
    weights = [step.set_weight for step in snapshot.strategy.steps if step.set_weight is not None]
    least = snapshot.strategy.min_pods_per_replica_set or 0
    return abort_weight(
        Routed(snapshot.replicas, 0, snapshot.total, min_pods=least),
        weights,
        canary=_size(snapshot.canary),
        stable=_size(snapshot.stable),
        stays=snapshot.strategy.abort_scale_down_delay_seconds is not None,
    )


def returned(snapshot: Snapshot, draft: Draft) -> int:
    """The weight that traffic still has on its way back to the stable side (contract §3.8, rollback formula)."""
    weights = snapshot.status.canary.weights
    return rollback_weight(
        snapshot.replicas,
        snapshot.total,
        stable_available=available(snapshot.of_hash(draft.status.stable_rs)),
        desired=descent(snapshot),
        recorded=weights.canary.weight if weights else None,
    )


def full_share(snapshot: Snapshot) -> int:
    """The weight that a canary on its way to full promotion carries by its available pods."""
    if not snapshot.replicas:
        return snapshot.total
    return min(snapshot.total, snapshot.total * available(snapshot.canary) // snapshot.replicas)


def stable_rest(snapshot: Snapshot) -> int:
    """Pods of the stable side while everything goes to the canary: those that carry the traffic it still has."""
    weights = snapshot.status.canary.weights
    kept = weights.stable.weight if weights else snapshot.total
    count = weight_to_replicas(kept, snapshot.replicas, snapshot.total)
    least = min(snapshot.strategy.min_pods_per_replica_set or 0, snapshot.replicas)
    return max(count, least) if count else 0


def regained(snapshot: Snapshot, draft: Draft, stable: ReplicaSet) -> int:
    """Pods of the stable side for the weight that is on its way back to it, whatever the steps want of it next.

    Ours: a canary that was superseded, or that lost its pods, gives its weight back only to pods that are there; the
    steps of the next one would let none come. Where nothing is decided about weight, no pod is given up.
    """
    if not is_dynamic(snapshot):
        return 0
    if draft.routing is None:
        return min(stable.spec.replicas, snapshot.replicas)
    wanted = min(draft.routing.wanted, descent(snapshot)) if draft.is_aborted else draft.routing.wanted
    return weight_to_replicas(max(0, snapshot.total - wanted), snapshot.replicas, snapshot.total)


def _size(revision: ReplicaSet | None) -> Size | None:
    return Size(revision.spec.replicas, available(revision)) if revision else None
