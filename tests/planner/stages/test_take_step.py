from datetime import timedelta

from rollouts.planner.stages.take_step import take_step
from tests import given
from tests.given import NOW, draft, events, pause, said, set_weight

RELEASE = given.release(set_weight(25), pause(60), pause(), set_weight(50)).pods(stable="3/3", canary="1/1")


def paused_at(moment):
    return {"controllerPause": True, "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": given.at(moment)}]}


def taken(situation):
    snapshot = situation.snapshot
    return take_step(snapshot, draft(snapshot), NOW)


def test_a_complete_step_gives_way_to_a_pause_in_the_same_pass():
    decided = taken(RELEASE)
    assert (decided.status.current_step_index, decided.pauses.added) == (1, ("CanaryPauseStep",))
    assert decided.wake_at == NOW + timedelta(seconds=60)


def test_a_step_waits_for_its_pods():
    decided = taken(RELEASE.pods(canary="0/1"))
    assert said(decided) == ["wait: setWeight: 25: canary has 0 of 1 pods available"]


def test_a_pause_ends_with_its_time():
    decided = taken(RELEASE.step(1).having(**paused_at(NOW - timedelta(seconds=60))))
    assert (decided.status.current_step_index, decided.pauses.removed) == (2, ("CanaryPauseStep",))
    assert events(decided) == ["RolloutStepCompleted"]


def test_two_pauses_do_not_pass_at_once():
    decided = taken(RELEASE.step(1).having(**paused_at(NOW - timedelta(seconds=60))))
    assert decided.pauses.added == ()


def test_a_pause_lasts_until_its_time():
    decided = taken(RELEASE.step(1).having(**paused_at(NOW - timedelta(seconds=59))))
    assert (said(decided), decided.wake_at) == (
        ["wait: paused until 2026-01-01T12:00:01Z"],
        NOW + timedelta(seconds=1),
    )


def test_a_person_ends_a_pause_by_taking_its_condition():
    assert taken(RELEASE.step(2).having(controllerPause=True)).status.current_step_index == 3


def test_a_pause_that_was_skipped_by_its_index_alone_ends_with_the_next_step():
    skipped = RELEASE.pods(stable="2/2", canary="2/2").step(3).having(**paused_at(NOW))
    assert taken(skipped).pauses.removed == ("CanaryPauseStep",)


def test_no_step_is_taken_while_a_person_holds_the_rollout():
    assert taken(RELEASE.wanting(paused=True)).status.current_step_index == 0


def test_an_abort_returns_to_the_first_step():
    assert taken(RELEASE.step(2).having(abort=True)).status.current_step_index == 0


def test_a_first_deploy_knows_no_steps():
    decided = taken(given.release(set_weight(0), replicas=0).having(stableRS=""))
    assert (decided.status.current_step_index, events(decided)) == (0, [])


def test_a_step_that_somebody_skipped_is_skipped():
    assert said(taken(RELEASE.step(9))) == []
