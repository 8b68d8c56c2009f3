"""Sentences as Argo Rollouts was recorded saying them; clients parse these."""

import pytest

from rollouts.api import events, keys, reasons

LIMIT = 'Metric "m" assessed Failed due to failed (1) > failureLimit (0)'


@pytest.mark.parametrize(
    ("said", "recorded"),
    [
        (reasons.creating("web-1"), 'Created new replica set "web-1"'),
        (reasons.found("web-1"), 'Found new replica set "web-1"'),
        (reasons.progressing("web-1"), 'ReplicaSet "web-1" is progressing.'),
        (reasons.progressed("web-1"), 'ReplicaSet "web-1" has successfully progressed.'),
        (reasons.timed_out("web-1"), 'ReplicaSet "web-1" has timed out progressing.'),
        (reasons.aborted(2), "Rollout aborted update to revision 2"),
        (
            reasons.aborted(2, reasons.because(reasons.STEP_ANALYSIS, LIMIT)),
            f"Rollout aborted update to revision 2: Step-based analysis phase error/failed: {LIMIT}",
        ),
        (reasons.because(reasons.BACKGROUND_ANALYSIS, ""), "Background analysis phase error/failed"),
        (
            reasons.invalid("web", 'spec.x: Invalid value: "y": nope'),
            'The Rollout "web" is invalid: spec.x: Invalid value: "y": nope',
        ),
        (
            reasons.degraded(reasons.ROLLOUT_ABORTED, reasons.aborted(2)),
            "RolloutAborted: Rollout aborted update to revision 2",
        ),
        (reasons.completed_steps(6), "Completed all 6 canary steps"),
    ],
)
def test_conditions_and_messages(said, recorded):
    assert said == recorded


@pytest.mark.parametrize(
    ("said", "recorded"),
    [
        (events.added("shop", "web"), "Rollout resource added to informer: shop/web"),
        (events.deleted("shop", "web"), "Rollout web/shop is deleted."),
        (events.updated(3), "Rollout updated to revision 3"),
        (events.created("web-1", 1), "Created ReplicaSet web-1 (revision 1)"),
        (events.scaled("web-1", 0, 4, revision=1), "Scaled up ReplicaSet web-1 (revision 1) from 0 to 4"),
        (events.scaled("web-1", 4, 0, revision=2), "Scaled down ReplicaSet web-1 (revision 2) from 4 to 0"),
        (events.scaled("ex-a", 0, 1), "Scaled up ReplicaSet ex-a from 0 to 1"),
        (events.step_completed(1, 6, "setWeight: 20"), "Rollout step 1/6 completed (setWeight: 20)"),
        (events.paused(reasons.CANARY_PAUSE_STEP), "Rollout is paused (CanaryPauseStep)"),
        (
            events.completed(1, "7c86cc4674", reasons.INITIAL_DEPLOY),
            "Rollout completed update to revision 1 (7c86cc4674): Initial deploy",
        ),
        (events.not_completed(2, "abc"), "Rollout not completed, started update to revision 2 (abc)"),
        (events.switched("web", "", "abc"), "Switched selector for service 'web' from '' to 'abc'"),
        (events.weight_updated(None, 0), "Traffic weight updated to 0"),
        (events.weight_updated(20, 0), "Traffic weight updated from 20 to 0"),
        (events.weight_updated(20, None), "Traffic weight updated "),
        (
            events.additional_updated(((20, "s-a", "h1"), (5, "s-b", "h2"))),
            "Traffic weight updated additional: [{20 s-a h1} {5 s-b h2}]",
        ),
        (events.additional_updated(()), "Traffic weight updated additional: []"),
        (events.experiment_created("web-1"), "Created Experiment 'web-1'"),
        (
            events.run_moved(keys.RUN_TYPE_STEP, "web-1-2-1", "Running", ""),
            "Step Analysis Run 'web-1-2-1' Status New: 'Running' Previous: ''",
        ),
        (events.run_completed("Failed"), "Analysis Completed. Result: Failed"),
        (events.metric_completed("m", "Error"), "Metric 'm' Completed. Result: Error"),
        (events.moved("Template 'a'", "", "Progressing"), "Template 'a' transitioned from  -> Progressing"),
        (
            events.moved("AnalysisRun 'no'", "", "Failed", LIMIT),
            f"AnalysisRun 'no' transitioned from  -> Failed: {LIMIT}",
        ),
    ],
)
def test_events(said, recorded):
    assert said == recorded


def test_ends_that_are_bad_news_are_warnings():
    for reason in ("RolloutAborted", "AnalysisRunFailed", "AnalysisRunError", "MetricFailed", "TrafficRoutingError"):
        assert reason in events.WARNINGS
    for reason in ("RolloutPaused", "AnalysisRunSuccessful", "AnalysisRunInconclusive", "RolloutCompleted"):
        assert reason not in events.WARNINGS


def test_a_runs_reason_names_its_phase():
    assert events.run_reason("Successful") == "AnalysisRunSuccessful"
