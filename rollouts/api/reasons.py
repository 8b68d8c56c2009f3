"""Wire-visible words: condition types, reasons, phases, and the exact sentences that clients and dashboards parse.

Source: Argo Rollouts behaviour. Hashes, names and numbers are filled in; nothing here decides when a sentence is said.
"""

from typing import Final

# Condition types.
PROGRESSING: Final = "Progressing"
AVAILABLE: Final = "Available"
PAUSED: Final = "Paused"
COMPLETED: Final = "Completed"
HEALTHY: Final = "Healthy"
INVALID_SPEC: Final = "InvalidSpec"  # type, reason and the phase message's first word
REPLICA_FAILURE: Final = "ReplicaFailure"

# Reasons of condition Progressing; some are reasons of events too.
NEW_REPLICA_SET_CREATED: Final = "NewReplicaSetCreated"
FOUND_NEW_REPLICA_SET: Final = "FoundNewReplicaSet"
REPLICA_SET_UPDATED: Final = "ReplicaSetUpdated"
NEW_REPLICA_SET_AVAILABLE: Final = "NewReplicaSetAvailable"
REPLICA_SET_NOT_AVAILABLE: Final = "ReplicaSetNotAvailable"
REPLICA_SET_CREATE_ERROR: Final = "ReplicaSetCreateError"
PROGRESS_DEADLINE_EXCEEDED: Final = "ProgressDeadlineExceeded"
ROLLOUT_PAUSED: Final = "RolloutPaused"  # also of condition Paused
ROLLOUT_RESUMED: Final = "RolloutResumed"
ROLLOUT_RETRY: Final = "RolloutRetry"
ROLLOUT_ABORTED: Final = "RolloutAborted"

# Reasons of the other conditions, whatever their status.
AVAILABLE_REASON: Final = "AvailableReason"
ROLLOUT_COMPLETED: Final = "RolloutCompleted"
ROLLOUT_HEALTHY: Final = "RolloutHealthy"

# Messages of conditions that need no filling in.
MINIMUM_AVAILABILITY: Final = "Rollout has minimum availability"
NO_MINIMUM_AVAILABILITY: Final = "Rollout does not have minimum availability"
IS_PAUSED: Final = "Rollout is paused"
IS_RESUMED: Final = "Rollout is resumed"
IS_RETRIED: Final = "Retrying Rollout after abort"
IS_COMPLETED: Final = "RolloutCompleted"
IS_HEALTHY: Final = "Rollout is healthy"
IS_NOT_HEALTHY: Final = "Rollout is not healthy"

# Reasons in status.pauseConditions.
CANARY_PAUSE_STEP: Final = "CanaryPauseStep"
BLUE_GREEN_PAUSE: Final = "BlueGreenPause"
INCONCLUSIVE_ANALYSIS_RUN: Final = "InconclusiveAnalysisRun"
INCONCLUSIVE_EXPERIMENT: Final = "InconclusiveExperiment"

# status.phase.
PHASE_HEALTHY: Final = "Healthy"
PHASE_PROGRESSING: Final = "Progressing"
PHASE_PAUSED: Final = "Paused"
PHASE_DEGRADED: Final = "Degraded"

# status.message.
MANUALLY_PAUSED: Final = "manually paused"
RESTARTING: Final = "rollout is restarting"
MORE_TO_UPDATE: Final = "more replicas need to be updated"
BECOMING_AVAILABLE: Final = "updated replicas are still becoming available"
CUTOVER_PENDING: Final = "active service cutover pending"
WAITING_FOR_ANALYSIS: Final = "waiting for analysis to complete"
WAITING_FOR_VERIFICATION: Final = "waiting for post-promotion verification to complete"
TERMINATION_PENDING: Final = "old replicas are pending termination"
WAITING_FOR_STEPS: Final = "waiting for all steps to complete"
# Shown by clients in place of the status when it is older than the spec or a promotion.
WAITING_FOR_OBSERVATION: Final = "waiting for rollout spec update to be observed"
WAITING_FOR_WORKLOAD: Final = "waiting for rollout spec update to be observed for the reference workload"
WAITING_FOR_UNPAUSE: Final = "waiting for rollout to unpause"

# status.duration.completionStatus.
PROMOTED: Final = "Promoted"
FAST_PROMOTED: Final = "FastPromoted"
ABORTED: Final = "Aborted"
SUPERSEDED: Final = "Superseded"
ROLLED_BACK: Final = "RolledBack"
FAST_ROLLED_BACK: Final = "FastRolledBack"

# Why a revision was promoted: the end of RolloutCompleted's message.
INITIAL_DEPLOY: Final = "Initial deploy"
FULL_PROMOTION: Final = "Full promotion requested"
ROLLBACK_WITHIN_WINDOW: Final = "Rollback within window"
FAST_ROLLBACK: Final = "Fast rollback"
COMPLETED_BLUE_GREEN: Final = "Completed blue-green update"

# What failed, as the cause of an abort.
STEP_ANALYSIS: Final = "Step-based analysis phase error/failed"
BACKGROUND_ANALYSIS: Final = "Background analysis phase error/failed"
PRE_PROMOTION_ANALYSIS: Final = "Blue/green pre-promotion analysis phase error/failed"
POST_PROMOTION_ANALYSIS: Final = "Blue/green post-promotion analysis phase error/failed"
EXPERIMENT_ANALYSIS: Final = "Experiment analysis phase is error/failed"


def creating(replica_set: str) -> str:
    """Progressing, NewReplicaSetCreated."""
    return f'Created new replica set "{replica_set}"'


def found(replica_set: str) -> str:
    """Progressing, FoundNewReplicaSet."""
    return f'Found new replica set "{replica_set}"'


def progressing(replica_set: str) -> str:
    """Progressing, ReplicaSetUpdated."""
    return f'ReplicaSet "{replica_set}" is progressing.'


def progressed(replica_set: str) -> str:
    """Progressing, NewReplicaSetAvailable."""
    return f'ReplicaSet "{replica_set}" has successfully progressed.'


def timed_out(replica_set: str) -> str:
    """Progressing, ProgressDeadlineExceeded; also the cause of an abort for it."""
    return f'ReplicaSet "{replica_set}" has timed out progressing.'


def aborted(revision: int, cause: str = "") -> str:
    """Progressing and event RolloutAborted; a person's abort has no cause."""
    return f"Rollout aborted update to revision {revision}" + (f": {cause}" if cause else "")


def because(what: str, message: str) -> str:
    """Cause of an abort: what failed, and its own message if it has one."""
    return f"{what}: {message}" if message else what


def invalid(rollout: str, problem: object) -> str:
    """Condition InvalidSpec, for the first problem found."""
    return f'The Rollout "{rollout}" is invalid: {problem}'


def degraded(reason: str, message: str) -> str:
    """status.message of phase Degraded."""
    return f"{reason}: {message}"


def completed_steps(count: int) -> str:
    """Why a canary was promoted, at the end of its steps."""
    return f"Completed all {count} canary steps"


# Ours: a condition, with this as its reason too, and an Event.
SELECTOR_OVERLAP: Final = "SelectorOverlap"

# Ours, of Rollouts of StatefulSets: conditions, with these as their reasons too, and Events.
PARTITION_CONTESTED: Final = "PartitionContested"
EVICTION_REFUSED: Final = "EvictionRefused"
REVISION_LOST: Final = "RevisionLost"
PARTITION_RESET: Final = "PartitionReset"
PARTITION_MOVED: Final = "PartitionMoved"
PARTITION_LEFT: Final = "PartitionLeft"
PARTITION_RESTORED: Final = "PartitionRestored"
POD_EVICTED: Final = "PodEvicted"
POD_DELETED: Final = "PodDeleted"
REPLICAS_IGNORED: Final = "ReplicasIgnored"
FIELDS_IGNORED: Final = "FieldsIgnored"
CANARY_OVERLOADED: Final = "CanaryOverloaded"
SERVICE_CREATED: Final = "ServiceCreated"
