"""Reasons and messages of Kubernetes Events, as Argo Rollouts words them; notifications are triggered by reasons."""

from typing import Final

COMPONENT: Final = "rollouts-controller"

# On a Rollout.
ROLLOUT_ADDED: Final = "RolloutAddedToInformer"
ROLLOUT_DELETED: Final = "RolloutDeleted"
ROLLOUT_UPDATED: Final = "RolloutUpdated"
REPLICA_SET_CREATED: Final = "NewReplicaSetCreated"
REPLICA_SET_CREATE_ERROR: Final = "ReplicaSetCreateError"
REPLICA_SET_UPDATE_ERROR: Final = "ReplicaSetUpdateError"
SCALING_REPLICA_SET: Final = "ScalingReplicaSet"
STEP_COMPLETED: Final = "RolloutStepCompleted"
SKIP_STEPS: Final = "SkipSteps"
PAUSED: Final = "RolloutPaused"
RESUMED: Final = "RolloutResumed"
ABORTED: Final = "RolloutAborted"
COMPLETED: Final = "RolloutCompleted"
NOT_COMPLETED: Final = "RolloutNotCompleted"
SWITCH_SERVICE: Final = "SwitchService"
WEIGHT_UPDATED: Final = "TrafficWeightUpdated"
ROUTING_ERROR: Final = "TrafficRoutingError"
WEIGHT_VERIFY_ERROR: Final = "WeightVerifyError"
EXPERIMENT_CREATED: Final = "ExperimentCreated"
RECONCILIATION_ERROR: Final = "ReconciliationError"
# Of routers.
CREATING_CANARY_INGRESS: Final = "CreatingCanaryIngress"
PATCHING_CANARY_INGRESS: Final = "PatchingCanaryIngress"
PATCHING_ALB_INGRESS: Final = "PatchingALBIngress"
UPDATED_VIRTUAL_SERVICE: Final = "Updated VirtualService"
UPDATED_DESTINATION_RULE: Final = "UpdatedDestinationRule"
# On an AnalysisRun or Experiment.
RUN_TERMINATING: Final = "AnalysisRunTerminating"

WARNINGS: Final = frozenset(
    {
        ABORTED,
        RECONCILIATION_ERROR,
        REPLICA_SET_CREATE_ERROR,
        REPLICA_SET_UPDATE_ERROR,
        ROUTING_ERROR,
        WEIGHT_VERIFY_ERROR,
        "DestinationRuleNotFound",
        "LoadBalancerNotFound",
        "TargetGroupUnverified",
        "TargetGroupVerifyError",
        "VirtualServiceNotFound",
    }
    | {f"{what}{end}" for what in ("AnalysisRun", "Metric", "Experiment", "Template") for end in ("Failed", "Error")}
)

IS_RESUMED: Final = "Rollout is resumed"
SKIPPED_TO_STABLE: Final = "Rollback to stable ReplicaSets"


def added(namespace: str, rollout: str) -> str:
    """RolloutAddedToInformer."""
    return f"Rollout resource added to informer: {namespace}/{rollout}"


def deleted(namespace: str, rollout: str) -> str:
    """RolloutDeleted; name first, unlike everywhere else."""
    return f"Rollout {rollout}/{namespace} is deleted."


def updated(revision: int) -> str:
    """RolloutUpdated."""
    return f"Rollout updated to revision {revision}"


def created(replica_set: str, revision: int) -> str:
    """NewReplicaSetCreated."""
    return f"Created ReplicaSet {replica_set} (revision {revision})"


def scaled(replica_set: str, before: int, after: int, *, revision: int | None = None) -> str:
    """ScalingReplicaSet; those of an Experiment have no revision."""
    way = "up" if after > before else "down"
    numbered = "" if revision is None else f" (revision {revision})"
    return f"Scaled {way} ReplicaSet {replica_set}{numbered} from {before} to {after}"


def step_completed(number: int, count: int, text: str) -> str:
    """RolloutStepCompleted; *number* counts from 1, *text* is the step in short (`setWeight: 20`)."""
    return f"Rollout step {number}/{count} completed ({text})"


def paused(reason: str) -> str:
    """RolloutPaused; *reason* as in status.pauseConditions."""
    return f"Rollout is paused ({reason})"


def completed(revision: int, pod_hash: str, reason: str) -> str:
    """RolloutCompleted; *reason* is why it was promoted."""
    return f"Rollout completed update to revision {revision} ({pod_hash}): {reason}"


def not_completed(revision: int, pod_hash: str) -> str:
    """RolloutNotCompleted."""
    return f"Rollout not completed, started update to revision {revision} ({pod_hash})"


def switched(service: str, before: str, after: str) -> str:
    """SwitchService; *before* is "" for a Service without a hash."""
    return f"Switched selector for service '{service}' from '{before}' to '{after}'"


def weight_updated(before: int | None, after: int | None) -> str:
    """TrafficWeightUpdated: first weight (*before* None), another weight, or only other hashes (*after* None)."""
    if after is None:
        return "Traffic weight updated "
    origin = "" if before is None else f"from {before} "
    return f"Traffic weight updated {origin}to {after}"


def additional_updated(destinations: tuple[tuple[int, str, str], ...]) -> str:
    """TrafficWeightUpdated for an experiment: weight, Service and hash of each of its destinations."""
    listed = " ".join(f"{{{weight} {service} {pod_hash}}}" for weight, service, pod_hash in destinations)
    return f"Traffic weight updated additional: [{listed}]"


def experiment_created(name: str) -> str:
    """ExperimentCreated."""
    return f"Created Experiment '{name}'"


def run_reason(phase: str) -> str:
    """Reason for a run that reached *phase*, on itself, its Rollout or its Experiment."""
    return f"AnalysisRun{phase}"


def run_moved(run_type: str, name: str, phase: str, before: str) -> str:
    """AnalysisRun<Phase> on the Rollout; *run_type* as in label `rollout-type`."""
    return f"{run_type} Analysis Run '{name}' Status New: '{phase}' Previous: '{before}'"


def run_completed(phase: str) -> str:
    """AnalysisRun<Phase> on the run itself."""
    return f"Analysis Completed. Result: {phase}"


def metric_completed(metric: str, phase: str) -> str:
    """Metric<Phase> on the run."""
    return f"Metric '{metric}' Completed. Result: {phase}"


def moved(subject: str, before: str, after: str, message: str = "") -> str:
    """Template<Status>, Experiment<Phase>, AnalysisRun<Phase> on an Experiment; *subject* such as `Template 'a'`."""
    return f"{subject} transitioned from {before} -> {after}" + (f": {message}" if message else "")
