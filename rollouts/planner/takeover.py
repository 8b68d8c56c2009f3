"""A Deployment gives its pods to the first revision: how many it keeps, and how many may stand beside them.

Ours: with scaleDown `progressively` both together never have more pods than the Rollout has room for (`maxSurge`), or
than the Deployment had. Argo Rollouts makes all of the first revision at once, so that twice the pods stand.
"""

from rollouts.api import reasons
from rollouts.api.workloads import Deployment
from rollouts.planner.arithmetic import workload_count
from rollouts.planner.bluegreen import strategy_of
from rollouts.planner.draft import Draft
from rollouts.planner.sizes import planned
from rollouts.planner.snapshot import Snapshot, available, revision_of

MODES = ("onsuccess", "progressively")


def giving_up(snapshot: Snapshot) -> Deployment | None:
    """The Deployment that is to lose its pods to the canary, while it has some and nobody else sets its size."""
    ref, workload = snapshot.spec.workload_ref, snapshot.workload
    if ref is None or ref.scale_down not in MODES or not isinstance(workload, Deployment):
        return None
    is_first = snapshot.canary is not None and revision_of(snapshot.canary.metadata) == 1
    return workload if is_first and workload.spec.replicas > 0 and not snapshot.autoscaler else None


def left_to(workload: Deployment, snapshot: Snapshot) -> int:
    """How many pods the Deployment keeps now."""
    size, is_healthy = workload.spec.replicas, snapshot.status.phase == reasons.PHASE_HEALTHY
    if not _is_progressive(snapshot):
        return 0 if is_healthy else size
    wanted = workload_count(
        size,
        snapshot.replicas,
        available(snapshot.canary) + _ahead(snapshot),
        is_first_revision=True,
        is_healthy=is_healthy,
        is_shrinking=False,
    )
    return min(size, wanted)


def _ahead(snapshot: Snapshot) -> int:
    """Pods that the Deployment gives up before others replace them: without room for a surge none could come."""
    limits = snapshot.limits
    return limits.unavailable if limits.surge == 0 and strategy_of(snapshot) is None else 0


def room_beside(snapshot: Snapshot, draft: Draft, wanted: int) -> int:
    """How many of the *wanted* pods the canary may have beside those of the Deployment; never fewer than it has.

    Blue-green needs all of them before its switch, so that both stand in any case.
    """
    workload = giving_up(snapshot)
    if workload is None or not _is_progressive(snapshot) or strategy_of(snapshot) is not None:
        return wanted
    size, stand = workload.spec.replicas, max(workload.spec.replicas, workload.status.replicas)
    room = max(snapshot.replicas, size) + snapshot.limits.surge - stand
    return min(wanted, max(room, planned(snapshot.canary, draft)))


def _is_progressive(snapshot: Snapshot) -> bool:
    ref = snapshot.spec.workload_ref
    return ref is not None and ref.scale_down == "progressively"
