"""Conditions as they turn: what a watcher of a Rollout sees when pods are lost or cannot be made."""

from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import structs

from rollouts.api.meta import Condition
from rollouts.planner.conditions import get
from rollouts.planner.rollout import plan
from tests import given
from tests.given import NOW, set_weight

TRUE = {"status": "True", "lastUpdateTime": given.at(given.LONG_AGO), "lastTransitionTime": given.at(given.LONG_AGO)}
HEALTHY = [
    {"type": "Healthy", "reason": "RolloutHealthy", "message": "Rollout is healthy", **TRUE},
    {"type": "Completed", "reason": "RolloutCompleted", "message": "RolloutCompleted", **TRUE},
    {"type": "Progressing", "reason": "NewReplicaSetAvailable", "message": "done", **TRUE},
]
COUNTS = {"replicas": 4, "updatedReplicas": 4, "readyReplicas": 4, "availableReplicas": 4}


def turned(status, kind):
    found = get(status.conditions, kind)
    return None if found is None else (found.status, found.reason, found.message, found.last_update_time)


def test_a_released_rollout_that_loses_a_pod_is_progressing_again():
    there = given.promoted(set_weight(25)).having(conditions=HEALTHY, **COUNTS).pods(canary="3/4")
    status = plan(there.snapshot, NOW).status
    assert turned(status, "Healthy") == ("False", "RolloutHealthy", "Rollout is not healthy", NOW)
    lost = ("True", "ReplicaSetNotAvailable", "Rollout does not have minimum availability", NOW)
    assert (turned(status, "Progressing"), turned(status, "Available")[0]) == (lost, "False")


def refusing(situation, **quotas):
    """The situation's snapshot, in which ReplicaSets cannot make pods: the quota that each runs into, by role."""

    def changed(found):
        text = quotas.get(next(role for role, hashed in given.HASHES.items() if found.metadata.name.endswith(hashed)))
        failed = Condition("ReplicaFailure", "True", "FailedCreate", text or "", given.LONG_AGO, given.LONG_AGO)
        return structs.replace(found, status=structs.replace(found.status, conditions=(failed,) if text else ()))

    snapshot = situation.snapshot
    return replace(snapshot, replica_sets=tuple(map(changed, snapshot.replica_sets)))


RELEASE = given.release(set_weight(25)).pods(canary="0/1")
KNOWN = {"type": "ReplicaFailure", "reason": "FailedCreate", "message": "exceeded quota", **TRUE}


@pytest.mark.parametrize(
    ("quotas", "before", "told"),
    [
        ({"canary": "exceeded quota"}, [], ("exceeded quota", NOW)),
        ({"canary": "exceeded quota", "stable": "another"}, [], ("exceeded quota", NOW)),
        ({"stable": "another"}, [], ("another", NOW)),
        ({"canary": "exceeded quota"}, [KNOWN], ("exceeded quota", given.LONG_AGO)),
        ({}, [KNOWN], None),
    ],
    ids=["the canary", "the canary before the stable revision", "the stable revision", "still", "over"],
)
def test_a_replica_set_that_cannot_make_pods_says_why_nothing_moves(quotas, before, told):
    status = plan(refusing(RELEASE.having(conditions=before), **quotas), NOW).status
    found = turned(status, "ReplicaFailure")
    assert (found and found[2:]) == told


LACKING = {"replicas": 5, "readyReplicas": 4, "availableReplicas": 4, "updatedReplicas": 1}
STUCK = [{"type": "Progressing", "reason": "ReplicaSetUpdated", "message": "", **TRUE}]


def waiting(situation):
    """Its Progressing, an hour after anything moved."""
    return turned(plan(situation.having(conditions=STUCK).snapshot, NOW).status, "Progressing")[1]


def test_while_old_pods_wait_for_their_end_no_deadline_counts_but_a_note_on_an_empty_revision_is_none():
    there = given.nginx(set_weight(25)).pods(canary="0/1")
    ended = there.noted("older", scale_down_deadline=given.at(given.LONG_AGO)).pods(older="0/0")
    assert waiting(ended.having(**LACKING)) == "ProgressDeadlineExceeded"
    later = there.noted("older", scale_down_deadline=given.at(NOW + timedelta(minutes=1))).pods(older="1/1")
    counts = {"replicas": 6, "readyReplicas": 5, "availableReplicas": 5, "updatedReplicas": 1}
    assert waiting(later.having(**counts)) == "ReplicaSetUpdated"


def test_what_is_late_already_is_aborted_as_soon_as_that_is_asked_for():
    late = [{**STUCK[0], "reason": "ProgressDeadlineExceeded", "status": "False", "lastUpdateTime": given.at(NOW)}]
    there = given.release(set_weight(25)).pods(canary="0/1").wanting(progressDeadlineAbort=True)
    found = plan(there.having(conditions=late, **LACKING).snapshot, NOW + timedelta(seconds=2)).status
    assert found.abort
