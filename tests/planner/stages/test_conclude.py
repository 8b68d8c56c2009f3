from dataclasses import replace
from datetime import timedelta

from rollouts.api.model import Problem
from rollouts.planner.rollout import plan
from tests import given
from tests.given import NOW, pause, set_weight

RELEASE = given.release(set_weight(25), pause()).pods(stable="3/3", canary="1/1")


def condition(status, kind):
    return next((f"{c.status} {c.reason}: {c.message}" for c in status.conditions if c.type == kind), None)


def concluded(situation, now=NOW):
    return plan(situation.snapshot, now).status


def test_a_pause_shows():
    status = concluded(RELEASE)
    assert (status.phase, status.message, status.controller_pause) == ("Paused", "CanaryPauseStep", True)
    assert condition(status, "Paused") == "True RolloutPaused: Rollout is paused"


def test_an_abort_shows_and_ends_pauses():
    paused = RELEASE.step(1).having(pauseConditions=[{"reason": "CanaryPauseStep", "startTime": given.at(NOW)}])
    status = concluded(paused.having(abort=True))
    assert (status.phase, status.pause_conditions, status.aborted_at) == ("Degraded", (), NOW)
    assert condition(status, "Progressing") == "False RolloutAborted: Rollout aborted update to revision 3"


def test_an_abort_shows_only_together_with_the_first_step():
    """Whoever sees it may retry at once: the release must not go on where it was."""
    pods_move_first = RELEASE.step(1).pods(stable="2/2", canary="1/1").having(abort=True)
    decided = plan(pods_move_first.snapshot, NOW)
    assert decided.actions
    assert (decided.status.phase, decided.status.current_step_index) == ("Degraded", 0)


def test_a_finished_release_is_healthy():
    status = concluded(given.promoted(set_weight(25)))
    assert (status.phase, status.message) == ("Healthy", "")
    assert condition(status, "Healthy") == "True RolloutHealthy: Rollout is healthy"


def progressing(since):
    at = given.at(since)
    return [
        {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "lastUpdateTime": at},
        {"type": "Available", "status": "True", "reason": "AvailableReason", "lastUpdateTime": at},
    ]


STUCK = given.release(set_weight(25)).pods(stable="3/3", canary="0/1").wanting(progressDeadlineSeconds=60)


def known(situation):
    return situation.having(replicas=4, updatedReplicas=1, readyReplicas=3, availableReplicas=3)


def test_a_release_that_does_not_move_times_out():
    status = concluded(known(STUCK).having(conditions=progressing(NOW - timedelta(seconds=61))))
    assert condition(status, "Progressing").startswith("False ProgressDeadlineExceeded")


def test_the_deadline_wakes():
    decided = plan(known(STUCK).having(conditions=progressing(NOW - timedelta(seconds=20))).snapshot, NOW)
    assert decided.wake_at == NOW + timedelta(seconds=41)


def test_a_deadline_may_abort():
    late = known(STUCK.wanting(progressDeadlineAbort=True)).having(conditions=progressing(NOW - timedelta(seconds=61)))
    status = concluded(late)
    assert (status.abort, status.phase) == (True, "Degraded")


def test_times_have_whole_seconds():
    assert concluded(RELEASE, NOW + timedelta(milliseconds=900)).pause_conditions[0].start_time == NOW


def refused(text, **status):
    snapshot = replace(RELEASE.having(**status).snapshot, problems=(Problem("spec.strategy", None, text),))
    return plan(snapshot, NOW)


def test_what_is_wrong_is_told_once_for_each_text():
    first = refused("no")
    told = [
        {"type": c.type, "status": c.status, "reason": c.reason, "message": c.message} for c in first.status.conditions
    ]
    again, other = refused("no", conditions=told), refused("never", conditions=told)
    assert [event.reason for event in first.events] == ["InvalidSpec"]
    assert (again.events, condition(again.status, "InvalidSpec")) == ((), condition(first.status, "InvalidSpec"))
    assert [event.reason for event in other.events] == ["InvalidSpec"]
    assert condition(other.status, "InvalidSpec").endswith("never")
