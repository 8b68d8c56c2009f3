from dataclasses import replace

import pytest

from rollouts.api.analysis import AnalysisRun, AnalysisRunStatus
from rollouts.api.meta import Metadata
from rollouts.planner.stages.run_analyses import run_analyses
from tests import given
from tests.given import CANARY, NOW, draft, said, set_weight, written

NAME = f"web-{CANARY}-3-0"
STEP = {"analysis": {"templates": [{"templateName": "checks"}]}}


def run(phase, name=NAME, index="0", **spec):
    labels = {"rollouts-pod-template-hash": CANARY, "step-index": index, "rollout-type": "Step"}
    return AnalysisRun(Metadata(name=name, labels=labels), {"metrics": [], **spec}, AnalysisRunStatus(phase, "why"))


def seen(*runs, **status):
    # Bound here: the template itself is checked elsewhere.
    plain = given.release(set_weight(1), set_weight(2)).pods(canary="1/1")
    snapshot = plain.having(**status).snapshot
    analysed = given.analysing(snapshot)
    return replace(analysed, runs=runs)


def named(phase=""):
    return {"canary": {"currentStepAnalysisRunStatus": {"name": NAME, "status": phase}}}


def advanced(snapshot):
    return run_analyses(snapshot, draft(snapshot), NOW)


def test_a_run_is_named_before_it_is_created():
    decided = advanced(seen())
    assert (decided.actions, decided.status.canary.current_step_analysis_run_status.name) == ((), NAME)


def test_the_named_run_is_created():
    assert written(advanced(seen(**named()))) == [f"CreateAnalysisRun: {NAME} is to be measured"]


def test_labels_that_people_ask_for_do_not_hide_whose_run_it_is():
    wanted = {"labels": {"team": "a", "step-index": "7", "rollout-type": "x"}, "annotations": {"note": "b"}}
    steps = ({"analysis": {**given.CHECKS, "analysisRunMetadata": wanted}}, set_weight(2))
    snapshot = given.release(*steps).pods(canary="1/1").having(**named()).snapshot
    (created,) = advanced(snapshot).actions
    assert (
        created.body["metadata"]["labels"].items() >= {"team": "a", "step-index": "0", "rollout-type": "Step"}.items()
    )
    assert created.body["metadata"]["annotations"].keys() == {"note", "rollout.argoproj.io/revision"}


def test_a_run_that_ended_unseen_still_decides():
    decided = advanced(seen(run("Failed"), **named()))
    assert decided.pauses.abort == "Step-based analysis phase error/failed: why"


def test_the_status_follows_the_run():
    decided = advanced(seen(run("Running"), **named()))
    assert decided.status.canary.current_step_analysis_run_status.status == "Running"
    assert [event.reason for event in decided.events] == ["AnalysisRunRunning"]


def test_an_inconclusive_run_pauses():
    decided = advanced(seen(run("Inconclusive"), **named("Running")))
    assert (decided.pauses.added, decided.stopped) == (("InconclusiveAnalysisRun",), "an analysis run is inconclusive")


def test_a_name_in_use_gets_a_number():
    decided = advanced(seen(run("Failed")))
    assert decided.status.canary.current_step_analysis_run_status.name == f"{NAME}.1"


@pytest.mark.parametrize("over", [{"abort": True}, {"promoteFull": True}, {"stableRS": CANARY}, {"stableRS": ""}])
def test_runs_end_with_the_release(over):
    decided = advanced(seen(run("Running"), **named("Running"), **over))
    assert written(decided) == [f"TerminateAnalysisRun: {NAME}: nothing is being released"]


def test_a_run_of_another_step_ends():
    decided = advanced(seen(run("Running", f"web-{CANARY}-3-7", "7")))
    assert written(decided) == [f"TerminateAnalysisRun: web-{CANARY}-3-7: its step or release is over"]


def test_a_run_of_another_step_that_the_status_names_is_not_this_steps():
    """A crash, or a person who set the index, left the status with the name of another step's run."""
    other = f"web-{CANARY}-3-7"
    left = {"canary": {"currentStepAnalysisRunStatus": {"name": other, "status": "Running"}}}
    decided = advanced(seen(run("Running", other, "7"), **left))
    assert decided.status.canary.current_step_analysis_run_status.name == NAME
    assert written(decided) == [f"TerminateAnalysisRun: {other}: its step or release is over"]


def test_a_run_that_somebody_deleted_is_asked_again():
    decided = advanced(seen(**named("Running")))
    assert written(decided) == [f"CreateAnalysisRun: {NAME} is to be measured"]
    assert f"act: {NAME} is gone: starting again" in said(decided)
