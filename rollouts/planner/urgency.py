"""Whether a new status must be written at once, or only tells newer counts."""

import msgspec

from rollouts.api import reasons
from rollouts.api.meta import Condition
from rollouts.api.rollout import RolloutStatus

# One and the same to everybody who reads conditions: it goes on.
_UNDER_WAY = frozenset({reasons.NEW_REPLICA_SET_CREATED, reasons.FOUND_NEW_REPLICA_SET, reasons.REPLICA_SET_UPDATED})
# Sentences that follow from counts alone; whoever reads the counts late may read these late too.
_OF_COUNTS = frozenset({reasons.MORE_TO_UPDATE, reasons.BECOMING_AVAILABLE, reasons.TERMINATION_PENDING})


def tells_only_counts(before: RolloutStatus, after: RolloutStatus) -> bool:
    """Nothing but numbers of pods, and that they move, is new: no phase, step, pause, weight or verdict."""
    return before != after and _without_counts(before) == _without_counts(after)


def _without_counts(status: RolloutStatus) -> RolloutStatus:
    conditions = sorted((_without_times(condition) for condition in status.conditions), key=lambda c: c.type)
    return msgspec.structs.replace(
        status,
        replicas=0,
        updated_replicas=0,
        ready_replicas=0,
        available_replicas=0,
        hpa_replicas=0,
        message=reasons.MORE_TO_UPDATE if status.message in _OF_COUNTS else status.message,
        conditions=tuple(conditions),
    )


def _without_times(condition: Condition) -> Condition:
    if condition.type == reasons.PROGRESSING and condition.reason in _UNDER_WAY:
        return Condition(condition.type, condition.status, reasons.REPLICA_SET_UPDATED)
    return msgspec.structs.replace(condition, last_update_time=None, last_transition_time=None)
