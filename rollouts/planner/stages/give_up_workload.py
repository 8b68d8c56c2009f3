"""The Deployment that workloadRef names gives its pods up, if that is wanted (contract §1.5)."""

from datetime import datetime

from rollouts.planner.actions import ScaleDeployment
from rollouts.planner.draft import Draft
from rollouts.planner.snapshot import Snapshot, target
from rollouts.planner.takeover import giving_up, left_to

STAGE = "give_up_workload"


def give_up_workload(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """workloadRef.scaleDown: the Deployment gives its pods to the first revision, unless an autoscaler has its size."""
    _ = now
    ref = snapshot.spec.workload_ref
    if ref is not None and snapshot.autoscaler:
        text = (
            f"Deployment {ref.name} keeps its pods: HorizontalPodAutoscaler {snapshot.autoscaler} sets its size; let "
            f"that scale Rollout {snapshot.key.name}, or delete it"
        )
        return draft.say(STAGE, "hold", text)
    workload = giving_up(snapshot)
    if ref is None or workload is None:
        return draft
    wanted = left_to(workload, snapshot)
    if wanted >= workload.spec.replicas:
        return draft
    why = f"scaleDown {ref.scale_down}: {workload.metadata.name} {workload.spec.replicas} → {wanted}"
    return draft.act(ScaleDeployment(target(workload.metadata), wanted, why), stage=STAGE)
