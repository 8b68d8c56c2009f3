"""The status of a Rollout whose ReplicaSet the API server refuses: a quota, a policy, a template that is no good."""

from datetime import datetime

from msgspec.structs import replace

from rollouts.api import reasons
from rollouts.api.rollout import RolloutStatus
from rollouts.planner.conditions import get, renew
from rollouts.planner.phase import phase_of
from rollouts.planner.progress import condition
from rollouts.planner.snapshot import Snapshot


def uncreated(snapshot: Snapshot, text: str, now: datetime) -> RolloutStatus:
    """The status with *text* as the reason why nothing moves; the very same status where it says so already.

    Counts, steps and pauses stay: the plan they would come from was not carried out.
    """
    status, generation = snapshot.status, str(snapshot.rollout.metadata.generation)
    said = get(status.conditions, reasons.PROGRESSING)
    is_said = said is not None and (said.reason, said.message) == (reasons.REPLICA_SET_CREATE_ERROR, text)
    if is_said and status.observed_generation == generation:
        return status
    wanted = condition(reasons.PROGRESSING, False, reasons.REPLICA_SET_CREATE_ERROR, text)
    conditions = renew(status.conditions, wanted, now.replace(microsecond=0))
    told = replace(status, conditions=conditions, observed_generation=generation)
    phase, message = phase_of(snapshot.spec, told, snapshot.replicas)
    return replace(told, phase=phase, message=message)


def renamed(snapshot: Snapshot) -> RolloutStatus:
    """The status for another try under another name: the next count makes another hash."""
    return replace(snapshot.status, collision_count=(snapshot.status.collision_count or 0) + 1)
