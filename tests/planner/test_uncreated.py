from datetime import timedelta

from msgspec.structs import replace

from rollouts.planner.uncreated import renamed, uncreated
from tests.given import NOW
from tests.planner.lent import rollout, snapshot

QUOTA = 'Failed to create new replica set "web-1": exceeded quota'
COUNTS = {"replicas": 3, "currentStepIndex": 1, "phase": "Healthy", "observedGeneration": "0"}


def told(status, text=QUOTA, at=NOW):
    return uncreated(snapshot(rollout(status=status)), text, at)


def test_the_refusal_is_phase_message_and_condition_and_nothing_else_moves():
    found = told(COUNTS)
    assert (found.phase, found.message) == ("Degraded", f"ReplicaSetCreateError: {QUOTA}")
    assert [(c.type, c.status, c.reason, c.message) for c in found.conditions] == [
        ("Progressing", "False", "ReplicaSetCreateError", QUOTA)
    ]
    assert (found.observed_generation, found.replicas, found.current_step_index) == ("1", 3, 1)


def test_what_is_said_already_is_not_said_again():
    first = told({})
    seen = snapshot(rollout())
    again = replace(seen.rollout, status=first)
    later = NOW + timedelta(seconds=10)
    assert uncreated(snapshot(again), QUOTA, later) is first
    assert uncreated(snapshot(again), "another quota", later).message == "ReplicaSetCreateError: another quota"


def test_another_try_has_another_name_and_nothing_else():
    """The next count makes another hash, as for a Deployment whose ReplicaSet's name is taken."""
    first = renamed(snapshot(rollout(status=COUNTS)))
    again = renamed(snapshot(rollout(status={**COUNTS, "collisionCount": 1})))
    assert (first.collision_count, again.collision_count) == (1, 2)
    assert replace(first, collision_count=None) == snapshot(rollout(status=COUNTS)).status
