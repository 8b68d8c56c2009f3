"""The Deployment that workloadRef names gives its pods up, if that is wanted (contract §1.5)."""

from datetime import datetime

from rollouts.api import reasons
from rollouts.planner.actions import ScaleDeployment
from rollouts.planner.draft import Draft
from rollouts.planner.snapshot import Snapshot, revision_of, target

STAGE = "give_up_workload"


def give_up_workload(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """workloadRef.scaleDown: the Deployment gives its pods to the first revision (contract §1.5)."""
    _ = now
    ref, workload = snapshot.spec.workload_ref, snapshot.workload
    if ref is None or workload is None or snapshot.canary is None or revision_of(snapshot.canary.metadata) != 1:
        return draft
    wanted = _left(snapshot, ref.scale_down, workload.spec.replicas)
    if wanted >= workload.spec.replicas:
        return draft
    why = f"scaleDown {ref.scale_down}: {workload.metadata.name} {workload.spec.replicas} → {wanted}"
    return draft.act(ScaleDeployment(target(workload.metadata), wanted, why), stage=STAGE)


def _left(snapshot: Snapshot, mode: str, now_has: int) -> int:
    """How many pods the Deployment keeps."""
    if mode in {"onsuccess", "progressively"} and snapshot.status.phase == reasons.PHASE_HEALTHY:
        return 0
    ready = snapshot.status.ready_replicas
    if mode == "progressively" and ready > 0:
        return min(now_has, max(snapshot.replicas - ready, 0))
    return now_has
