"""What workloadRef names, and who else sets its size."""

from rollouts.api.kinds import DEPLOYMENT, POD_TEMPLATE, REPLICA_SET, STATEFUL_SET
from rollouts.api.workloads import Deployment, StatefulSet, Workload
from rollouts.planner.cluster import Work


def named_by(work: Work) -> Workload | StatefulSet | None:
    """The object that workloadRef names, if it is there."""
    ref = work.reading.spec.workload_ref
    if ref is None:
        return None
    key = work.key(ref.name)
    match ref.kind:
        case STATEFUL_SET.name:
            return work.cluster.stateful_set(key)
        case DEPLOYMENT.name:
            return work.cluster.deployment(key)
        case REPLICA_SET.name:
            return work.cluster.plain_replica_set(key)
        case POD_TEMPLATE.name:
            return work.cluster.pod_template(key)
    return None


def autoscaler_of(work: Work, workload: Workload | StatefulSet | None) -> str:
    """The HorizontalPodAutoscaler that sets the size of the Deployment that is to give its pods up; "" for none."""
    ref = work.reading.spec.workload_ref
    if ref is None or not isinstance(workload, Deployment) or ref.scale_down in {"", "never"}:
        return ""
    if workload.spec.replicas == 0:
        # an autoscaler leaves what is at 0 alone
        return ""
    found = work.cluster.autoscalers(workload.metadata.namespace)
    names = (one.metadata.name for one in found if one.scales(DEPLOYMENT.name, workload.metadata.name))
    return min(names, default="")
