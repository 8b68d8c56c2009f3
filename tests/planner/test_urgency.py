"""What may be told late, and what may not."""

import pytest
from msgspec.structs import replace

from rollouts.api import reasons
from rollouts.api.meta import Condition
from rollouts.api.rollout import RolloutStatus
from rollouts.planner.urgency import tells_only_counts

STATUS = RolloutStatus(
    phase=reasons.PHASE_PROGRESSING,
    message=reasons.MORE_TO_UPDATE,
    current_step_index=1,
    replicas=4,
    conditions=(Condition(reasons.PROGRESSING, "True", reasons.REPLICA_SET_UPDATED),),
)


@pytest.mark.parametrize(
    "changes",
    [
        {"replicas": 5, "updated_replicas": 1},
        {"ready_replicas": 3, "available_replicas": 3, "message": reasons.BECOMING_AVAILABLE},
        {"message": reasons.TERMINATION_PENDING},
        {"conditions": (Condition(reasons.PROGRESSING, "True", reasons.NEW_REPLICA_SET_CREATED, "Created …"),)},
    ],
)
def test_counts_and_what_follows_from_them_may_wait(changes):
    assert tells_only_counts(STATUS, replace(STATUS, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"current_step_index": 2},
        {"phase": reasons.PHASE_PAUSED},
        {"message": reasons.WAITING_FOR_STEPS},
        {"abort": True},
        {"stable_rs": "abc"},
        {"conditions": (Condition(reasons.PROGRESSING, "False", reasons.PROGRESS_DEADLINE_EXCEEDED),)},
    ],
)
def test_everything_else_may_not(changes):
    assert not tells_only_counts(STATUS, replace(STATUS, **changes))
