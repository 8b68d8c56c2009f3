"""How releases end, by their records (contract §2.6)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import structs

from rollouts.api import keys
from rollouts.api.model import Problem
from rollouts.api.rollout import RolloutDuration
from rollouts.planner.duration import superseded, tracked
from rollouts.planner.rollout import plan
from tests import given
from tests.given import CANARY, NOW, OLDER, STABLE, pause, set_weight

SINCE = NOW - timedelta(minutes=10)
RUNNING = {"rolloutStartedAt": given.at(SINCE)}
ENDED = {**RUNNING, "finishedAt": given.at(SINCE + timedelta(minutes=5))}


def record(there, **status):
    """The record after *there* has become *status*."""
    snapshot = there.snapshot
    return tracked(snapshot, structs.replace(snapshot.status, **status), NOW)


def release(running=RUNNING, **status):
    return given.release(set_weight(50), pause()).having(duration=running, **status)


def test_a_first_deploy_begins_and_ends_promoted_when_its_pods_are_there():
    first = given.first()
    assert record(first) == RolloutDuration(rollout_started_at=NOW)
    done = given.promoted().having(duration=RUNNING)
    assert record(done) == RolloutDuration(SINCE, NOW, completion_status="Promoted")
    waiting = done.pods(canary="2/4")
    assert record(waiting) == RolloutDuration(SINCE, completion_status="Promoted")


def test_all_that_was_asked_for_at_once_ends_fast_promoted():
    whole = release(promoteFull=True).pods(canary="4/4")
    assert record(whole, stable_rs=CANARY, promote_full=False).completion_status == "FastPromoted"


def test_a_full_promotion_that_ends_in_the_pass_that_carries_it_out_is_one_all_the_same():
    """So it is where all that it needs is there already, for instance since a crash before the status was written."""
    whole = release().pods(canary="4/4")
    promoted = {"stable_rs": CANARY, "promote_full": False}
    assert record(whole, last_command="promoteFull@7", **promoted).completion_status == "FastPromoted"
    assert record(whole, last_command="promote@7", **promoted).completion_status == "Promoted"
    told = whole.having(lastCommand="promoteFull@7")
    assert record(told, **promoted).completion_status == "Promoted"


def test_a_full_promotion_is_noted_before_the_last_pods_are_back():
    side = given.blue_green().having(duration=RUNNING, promoteFull=True).pods(canary="3/4")
    assert record(side, stable_rs=CANARY, promote_full=False) == RolloutDuration(
        SINCE, completion_status="FastPromoted"
    )
    usual = side.having(promoteFull=False)
    assert record(usual, stable_rs=CANARY) == RolloutDuration(SINCE)


def test_an_abort_ends_the_record_and_a_retry_begins_another():
    aborted = record(release(), abort=True)
    assert (aborted.completion_status, aborted.finished_at) == ("Aborted", NOW)
    again = release({**ENDED, "completionStatus": "Aborted"}, abort=False, abortedAt=given.at(SINCE))
    assert record(again) == RolloutDuration(rollout_started_at=NOW)


def test_a_newer_template_supersedes_and_the_record_that_gave_way_is_told():
    old = release({**RUNNING, "totalManualPauseDurationSeconds": 7}, currentPodHash=OLDER).pods(older="1/1")
    there = replace(old, sizes={"stable": "4/4", "older": "1/1"})
    new = record(there, current_pod_hash=CANARY)
    assert new == RolloutDuration(rollout_started_at=NOW)
    gave_way = superseded(there.snapshot.status.duration, new)
    assert gave_way == RolloutDuration(SINCE, NOW, None, 7, "Superseded")
    assert superseded(new, new) is None
    assert superseded(None, new) is None
    assert superseded(structs.replace(new, finished_at=NOW), RolloutDuration(NOW + timedelta(1))) is None


def test_a_pause_that_was_going_on_counts_for_the_record_that_gave_way():
    old = RolloutDuration(SINCE, manual_pause_started_at=NOW - timedelta(seconds=30))
    gave_way = superseded(old, RolloutDuration(NOW))
    assert (gave_way.total_manual_pause_duration_seconds, gave_way.manual_pause_started_at) == (30, None)


@pytest.mark.parametrize(
    ("target", "how"),
    [("stable", "FastRolledBack"), ("older", "RolledBack")],
)
def test_in_mid_release_a_return_goes_on_in_the_same_record(target, how):
    """*target* is the template in force again, on the way to the canary of another revision."""
    hashes = {"stable": STABLE, "older": OLDER}
    numbers = {"stable": 1, "older": 0}
    there = release(currentPodHash=CANARY).pods(older="0/0").wanting(template=given.template(numbers[target]))
    found = record(there, current_pod_hash=hashes[target])
    finished = NOW if target == "stable" else None
    assert found == RolloutDuration(SINCE, finished, completion_status=how)


def test_a_return_within_the_window_is_a_fast_one():
    there = release(currentPodHash=CANARY).pods(older="1/1").wanting(rollbackWindow={"revisions": 3})
    snapshot = there.wanting(template=given.template(0)).snapshot
    aged = tuple(_of_age(found, number) for number, found in enumerate(sorted(snapshot.replica_sets, key=_revision)))
    snapshot = replace(snapshot, replica_sets=aged)
    found = tracked(snapshot, structs.replace(snapshot.status, current_pod_hash=OLDER), NOW)
    assert found.completion_status == "FastRolledBack"


def _revision(found):
    return int(found.metadata.annotations[keys.REVISION])


def _of_age(found, number):
    at = SINCE + timedelta(minutes=number)
    return structs.replace(found, metadata=structs.replace(found.metadata, creation_timestamp=at))


def test_a_return_after_the_end_is_a_release_of_its_own_unless_nothing_is_to_be_released():
    back = release(ENDED, stableRS=CANARY).wanting(template=given.template(1))
    assert record(back, current_pod_hash=STABLE) == RolloutDuration(rollout_started_at=NOW)
    aborted = {**ENDED, "completionStatus": "Aborted"}
    undone = release(aborted, abort=True).wanting(template=given.template(1))
    assert record(undone, current_pod_hash=STABLE, abort=False).completion_status == "Aborted"
    lost = undone.pods(stable="3/4")
    assert record(lost, current_pod_hash=STABLE, abort=False).rollout_started_at == NOW


STEP_PAUSE = {"pauseConditions": [{"reason": "CanaryPauseStep", "startTime": given.at(SINCE)}]}


@pytest.mark.parametrize(
    ("status", "spec", "is_manual"),
    [
        (STEP_PAUSE, {}, True),
        # a person wrote the index, or took steps away: no pause is there that anybody could end
        ({**STEP_PAUSE, "currentStepIndex": 0}, {}, False),
        ({**STEP_PAUSE, "currentStepIndex": 2}, {}, False),
        ({**STEP_PAUSE, "currentStepIndex": None}, {}, False),
        ({**STEP_PAUSE, "abort": True}, {}, False),
        ({"pauseConditions": [{"reason": "InconclusiveAnalysisRun", "startTime": given.at(SINCE)}]}, {}, True),
        ({}, {"paused": True}, True),
        ({}, {}, False),
    ],
)
def test_only_pauses_that_a_person_must_end_are_taken_off(status, spec, is_manual):
    found = record(release(**{"currentStepIndex": 1, **status}).wanting(**spec))
    assert (found.manual_pause_started_at is not None) == is_manual


def test_what_is_invalid_leaves_the_record_alone():
    snapshot = release().snapshot
    decided = plan(replace(snapshot, problems=(Problem("spec", None, "wrong"),)), NOW + timedelta(hours=1))
    assert decided.status.duration == snapshot.status.duration
