import pytest

from rollouts.planner.stages.take_commands import take_commands
from tests import given
from tests.given import NOW, draft, pause, said, set_weight, written

RELEASE = given.release(set_weight(20), pause(), set_weight(60))
PAUSED = RELEASE.step(1).having(
    controllerPause=True, pauseConditions=[{"reason": "CanaryPauseStep", "startTime": "2026-01-01T11:00:00Z"}]
)


def taken(situation):
    snapshot = situation.snapshot
    return take_commands(snapshot, draft(snapshot), NOW)


def test_a_command_is_taken_out_of_spec_and_noted():
    decided = taken(RELEASE.wanting(abort=True))
    (edit,) = decided.actions
    assert edit.patch == {
        "metadata": {"annotations": {"rollouts.argoproj.io/command": "abort@1"}},
        "spec": {"abort": None},
    }


def test_abort_beats_the_others_and_says_so():
    decided = taken(RELEASE.wanting(abort=True, promote=True, promoteFull=True))
    (edit,) = decided.actions
    assert (set(edit.patch["spec"]), edit.events[0].message) == (
        {"abort", "promoteFull", "promote"},
        "promoteFull and promote dropped: abort came with it",
    )


def test_promoting_ends_a_persons_hold():
    (edit,) = taken(RELEASE.wanting(promote=True, paused=True)).actions
    assert edit.patch["spec"] == {"promote": None, "paused": False}


@pytest.mark.parametrize(
    ("verb", "changed"),
    [
        ("abort", {"abort": True}),
        ("promoteFull", {"promote_full": True}),
        ("promote", {"pause_conditions": ()}),
    ],
)
def test_a_noted_command_is_carried_out_in_status(verb, changed):
    status = taken(PAUSED.annotated(COMMAND=f"{verb}@7")).status
    assert {name: getattr(status, name) for name in changed} == changed
    assert status.last_command == f"{verb}@7"


def test_promote_skips_a_step_that_is_no_pause():
    assert taken(RELEASE.annotated(COMMAND="promote@7")).status.current_step_index == 1


def test_promote_goes_on_after_an_inconclusive_run_with_the_next_step():
    """Its pause and its step end together: asked again, the same question would pause again."""
    since = "2026-01-01T11:00:00Z"
    inconclusive = given.release({"analysis": given.CHECKS}, pause()).having(
        controllerPause=True,
        pauseConditions=[{"reason": "InconclusiveAnalysisRun", "startTime": since}],
        canary={"currentStepAnalysisRunStatus": {"name": "web-run", "status": "Inconclusive"}},
    )
    status = taken(inconclusive.annotated(COMMAND="promote@7")).status
    assert (status.current_step_index, status.pause_conditions, status.controller_pause) == (1, (), False)


def test_retry_ends_an_abort():
    aborted = RELEASE.having(abort=True).annotated(COMMAND="retry@7")
    assert not taken(aborted).status.abort


def test_a_command_is_carried_out_once():
    decided = taken(PAUSED.annotated(COMMAND="promote@7").having(lastCommand="promote@7"))
    assert written(decided) == ["EditRollout: promote@7 is carried out"]
    assert decided.status.pause_conditions != ()


def test_a_command_nobody_knows_is_refused():
    texts = said(taken(RELEASE.annotated(COMMAND="jump@7")))
    assert "refuse: unknown command 'jump@7': one of abort, retry, promoteFull, promote would be right" in texts
