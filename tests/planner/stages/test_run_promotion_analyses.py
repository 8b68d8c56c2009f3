from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from rollouts.api.analysis import AnalysisRun, AnalysisRunStatus
from rollouts.api.meta import Metadata
from rollouts.planner.stages.run_promotion_analyses import run_promotion_analyses
from tests import given
from tests.given import CANARY, NOW, draft, events, written

PRE, POST = f"web-{CANARY}-3-pre", f"web-{CANARY}-3-post"
BOTH = {"prePromotionAnalysis": given.CHECKS, "postPromotionAnalysis": given.CHECKS}
BEFORE = given.blue_green(**BOTH).pods(canary="4/4")
AFTER = BEFORE.pointing(active="canary")
SOON = given.at(NOW + timedelta(seconds=9))


def run(name, phase):
    labels = {"rollouts-pod-template-hash": CANARY}
    return AnalysisRun(Metadata(name=name, labels=labels), {"metrics": []}, AnalysisRunStatus(phase, "why"))


def decided(situation, *runs):
    snapshot = replace(situation.snapshot, runs=runs)
    return run_promotion_analyses(snapshot, draft(snapshot), NOW)


def named(pre=None, post=None):
    refs = {"prePromotionAnalysisRunStatus": (PRE, pre), "postPromotionAnalysisRunStatus": (POST, post)}
    return {"blueGreen": {key: {"name": n, "status": s} for key, (n, s) in refs.items() if s is not None}}


def refs(situation, *runs):
    status = decided(situation, *runs).status.blue_green
    both = status.pre_promotion_analysis_run_status, status.post_promotion_analysis_run_status
    return tuple(ref and (ref.name, ref.status) for ref in both)


# Start


@pytest.mark.parametrize(
    ("name", "situation", "wanted"),
    [
        ("the preview is whole", BEFORE, ((PRE, ""), None)),
        ("the preview is not whole", BEFORE.pods(canary="3/4"), (None, None)),
        (
            "a small preview is there",
            given.blue_green(**BOTH, previewReplicaCount=1).pods(canary="1/1"),
            ((PRE, ""), None),
        ),
        ("switched", AFTER, (None, (POST, ""))),
        ("switched, then a pod was lost", AFTER.pods(canary="3/4"), (None, None)),
        ("none wanted", given.blue_green().pods(canary="4/4"), (None, None)),
        ("first deploy", BEFORE.having(stableRS=""), (None, None)),
        ("no revision is active yet", BEFORE.pointing(active=""), (None, None)),
        ("stable again", BEFORE.having(stableRS=CANARY), (None, None)),
        ("promoteFull", BEFORE.having(promoteFull=True), (None, None)),
        ("fast rollback in the delay", BEFORE.noted("canary", scale_down_deadline=SOON), (None, None)),
        ("aborted", BEFORE.having(abort=True), (None, None)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_run_is_named_when_its_time_has_come(name, situation, wanted):
    assert refs(situation) == wanted, name
    assert decided(situation).actions == ()


@pytest.mark.parametrize(
    ("situation", "name", "label"),
    [
        (BEFORE.having(**named(pre="")), PRE, "PrePromotion"),
        (AFTER.having(**named(pre="Successful", post="")), POST, "PostPromotion"),
    ],
    ids=["before", "after"],
)
def test_the_named_run_is_created(situation, name, label):
    action = decided(situation).actions[0]
    assert (action.body["metadata"]["name"], action.body["metadata"]["labels"]["rollout-type"]) == (name, label)


def test_a_run_goes_on_when_pods_come_and_go():
    weak = BEFORE.pods(canary="1/4").having(**named(pre="Running"))
    assert (refs(weak, run(PRE, "Running"))[0], decided(weak, run(PRE, "Running")).actions) == ((PRE, "Running"), ())


# What it finds


@pytest.mark.parametrize(
    ("situation", "name", "phase", "cause"),
    [
        (BEFORE.having(**named(pre="Running")), PRE, phase, "Blue/green pre-promotion analysis phase error/failed: why")
        for phase in ("Failed", "Error")
    ]
    + [
        (AFTER.having(**named(post="Running")), POST, phase, "Blue/green post-promotion analysis phase error/failed: why")
        for phase in ("Failed", "Error")
    ],
)  # fmt: skip
def test_a_bad_end_aborts(situation, name, phase, cause):
    judged = decided(situation, run(name, phase))
    assert (judged.pauses.abort, events(judged)) == (cause, [f"AnalysisRun{phase}"])


@pytest.mark.parametrize(
    ("situation", "name"),
    [(BEFORE.having(**named(pre="Running")), PRE), (AFTER.having(**named(post="Running")), POST)],
    ids=["before", "after"],
)
def test_an_inconclusive_end_pauses(situation, name):
    judged = decided(situation, run(name, "Inconclusive"))
    assert (judged.pauses.added, judged.pauses.abort) == (("InconclusiveAnalysisRun",), None)


def test_after_a_person_went_on_a_fresh_run_is_measured():
    resumed = BEFORE.having(controllerPause=True, **named(pre="Inconclusive"))
    assert refs(resumed, run(PRE, "Inconclusive"))[0] == (f"{PRE}.1", "")


LED_BACK = BEFORE.having(**named(pre="Successful", post="Running"))


@pytest.mark.parametrize("phase", ["Failed", "Error"])
def test_a_verdict_for_which_users_were_led_back_is_not_lost_with_a_crash(phase):
    judged = decided(LED_BACK, run(PRE, "Successful"), run(POST, phase))
    assert judged.pauses.abort == "Blue/green post-promotion analysis phase error/failed: why"
    assert judged.actions == ()


def test_a_verdict_that_was_heard_before_a_retry_does_not_abort_it():
    heard = BEFORE.having(**named(pre="Successful", post="Failed"))
    assert decided(heard, run(PRE, "Successful"), run(POST, "Failed")).pauses.abort is None


def test_a_verdict_for_which_users_were_switched_is_not_lost_with_a_crash():
    switched = AFTER.having(**named(pre="Running"))
    assert refs(switched, run(PRE, "Successful"))[0] == (PRE, "Successful")


def test_a_run_that_the_switch_ended_found_nothing():
    ended = msgspec.structs.replace(run(PRE, "Successful"), spec={"metrics": [], "terminate": True})
    assert refs(AFTER.having(**named(pre="Running")), ended)[0] == (PRE, "Running")


def test_a_run_that_was_ended_gives_no_verdict():
    ended = msgspec.structs.replace(run(POST, "Failed"), spec={"metrics": [], "terminate": True})
    assert decided(LED_BACK, run(PRE, "Successful"), ended).pauses.abort is None


def test_a_retry_measures_afresh():
    retried = BEFORE.having(abortedAt=given.at(NOW), **named(pre="Failed"))
    assert refs(retried, run(PRE, "Failed"))[0] == (f"{PRE}.1", "")


def test_success_is_followed_and_told():
    judged = decided(BEFORE.having(**named(pre="Running")), run(PRE, "Successful"))
    assert (judged.pauses.abort, events(judged)) == (None, ["AnalysisRunSuccessful"])
    assert judged.status.blue_green.pre_promotion_analysis_run_status.status == "Successful"


# Ends


@pytest.mark.parametrize(
    ("name", "situation"),
    [
        ("aborted", BEFORE.having(abort=True, **named(pre="Running"))),
        ("promoteFull", BEFORE.having(promoteFull=True, **named(pre="Running"))),
        ("stable again", BEFORE.having(stableRS=CANARY, **named(pre="Running"))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_runs_end_with_the_release(name, situation):
    assert written(decided(situation, run(PRE, "Running"))) == [
        f"TerminateAnalysisRun: {PRE}: nothing is being released"
    ], name


def test_the_run_before_promotion_ends_with_the_switch():
    both = AFTER.having(**named(pre="Running", post="Running"))
    assert written(decided(both, run(PRE, "Running"), run(POST, "Running"))) == [
        f"TerminateAnalysisRun: {PRE}: its release is over"
    ]


def test_runs_that_the_status_names_are_not_trimmed():
    kept = BEFORE.wanting(analysis={"successfulRunHistoryLimit": 0}).having(**named(pre="Successful"))
    assert decided(kept, run(PRE, "Successful")).actions == ()
    assert written(decided(kept, run(PRE, "Successful"), run("other", "Successful"))) == [
        "DeleteAnalysisRun: other: history keeps no more finished runs"
    ]


def test_runs_of_a_revision_that_is_gone_take_no_room_from_the_others():
    gone = run("newer", "Successful")
    gone = seen_as(gone, **{"rollouts-pod-template-hash": "gone"}, created=NOW)
    kept = seen_as(run("older", "Successful"), created=NOW - timedelta(hours=1))
    situation = BEFORE.wanting(analysis={"successfulRunHistoryLimit": 1}).having(**named(pre="Successful"))
    assert written(decided(situation, run(PRE, "Successful"), gone, kept)) == [
        "DeleteAnalysisRun: newer: history keeps no more finished runs"
    ]


def seen_as(found, created, **labels):
    metadata = msgspec.structs.replace(
        found.metadata, labels={**found.metadata.labels, **labels}, creation_timestamp=created
    )
    return msgspec.structs.replace(found, metadata=metadata)
