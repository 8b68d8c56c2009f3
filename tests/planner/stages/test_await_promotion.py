from datetime import timedelta

import pytest

from rollouts.planner.stages.await_promotion import await_promotion
from tests import given
from tests.given import CANARY, NOW, draft, said

MANUAL = {"autoPromotionEnabled": False}
PASSED = {"scaleUpPreviewCheckPoint": True}
WHOLE = given.blue_green(**MANUAL).pods(canary="4/4")


def paused(since=NOW, reason="BlueGreenPause"):
    return {"pauseConditions": [{"reason": reason, "startTime": given.at(since)}], "controllerPause": True}


def awaited(situation):
    snapshot = situation.snapshot
    return await_promotion(snapshot, draft(snapshot), NOW)


def outcome(situation):
    """Pauses begun, pauses ended, check point."""
    decided = awaited(situation)
    return decided.pauses.added, decided.pauses.removed, decided.status.blue_green.scale_up_preview_check_point


BEGINS, ENDS, NOTHING = (("BlueGreenPause",), (), False), ((), ("BlueGreenPause",), False), ((), (), False)


@pytest.mark.parametrize(
    ("name", "situation", "wanted"),
    [
        ("autoPromotionEnabled false", WHOLE, BEGINS),
        ("autoPromotionSeconds", given.blue_green(autoPromotionSeconds=9).pods(canary="4/4"), BEGINS),
        ("no pause is needed", given.blue_green().pods(canary="4/4"), NOTHING),
        ("no pause is needed any more", given.blue_green().pods(canary="4/4").having(**paused()), ENDS),
        ("not ready yet", WHOLE.pods(canary="3/4"), NOTHING),
        ("not ready any more, yet paused", WHOLE.pods(canary="3/4").having(**paused()), NOTHING),
        ("paused", WHOLE.having(**paused()), NOTHING),
        ("resumed: conditions gone, controllerPause stays", WHOLE.having(controllerPause=True), NOTHING),
        ("aborted", WHOLE.having(abort=True), NOTHING),
        ("spec.paused", WHOLE.wanting(paused=True), NOTHING),
        ("inconclusive", WHOLE.having(**paused(reason="InconclusiveAnalysisRun")), NOTHING),
        ("promoteFull", WHOLE.having(promoteFull=True, **paused()), ENDS),
        ("active already", WHOLE.pointing(active="canary").having(**paused()), ENDS),
        ("no revision is active yet", WHOLE.pointing(active=""), NOTHING),
        ("fast rollback to stable", WHOLE.having(stableRS=CANARY, **paused()), ENDS),
        (
            "fast rollback in the delay",
            WHOLE.noted("canary", scale_down_deadline=given.at(NOW + timedelta(seconds=9))),
            NOTHING,
        ),
        (
            "seconds not over",
            given.blue_green(autoPromotionSeconds=9).pods(canary="4/4").having(**paused(NOW - timedelta(seconds=8))),
            NOTHING,
        ),
        (
            "seconds over",
            given.blue_green(autoPromotionSeconds=9).pods(canary="4/4").having(**paused(NOW - timedelta(seconds=9))),
            ENDS,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_pause(name, situation, wanted):
    assert outcome(situation) == wanted, name


@pytest.mark.parametrize(("phase", "begins"), [("Running", False), ("Failed", False), ("Successful", True)])
def test_seconds_count_from_when_the_preview_is_proved(phase, begins):
    run = {"prePromotionAnalysisRunStatus": {"name": "r", "status": phase}}
    there = given.blue_green(autoPromotionSeconds=9, prePromotionAnalysis=given.CHECKS).pods(canary="4/4")
    assert (outcome(there.having(blueGreen=run)) == BEGINS) is begins


def test_the_end_of_a_pause_wakes():
    there = given.blue_green(autoPromotionSeconds=9).pods(canary="4/4").having(**paused())
    assert awaited(there).wake_at == NOW + timedelta(seconds=9)
    assert awaited(WHOLE.having(**paused())).wake_at is None


SMALL = given.blue_green(previewReplicaCount=1, **MANUAL).pods(canary="1/1")


@pytest.mark.parametrize(
    ("name", "situation", "passed"),
    [
        ("the pause begins", SMALL, False),
        ("paused", SMALL.having(**paused()), False),
        ("resumed", SMALL.having(controllerPause=True), True),
        ("no pause wanted", given.blue_green(previewReplicaCount=1).pods(canary="1/1"), True),
        ("not of its small size yet", SMALL.pods(canary="0/1").having(controllerPause=True), False),
        ("passed before, growing", SMALL.pods(canary="1/4").having(blueGreen=PASSED), True),
        ("no small preview", WHOLE.having(controllerPause=True), False),
        ("promoted", SMALL.having(stableRS=CANARY).pointing(active="canary").pods(canary="4/4"), False),
        ("full promotion has another size", SMALL.having(promoteFull=True), False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_check_point(name, situation, passed):
    assert awaited(situation).status.blue_green.scale_up_preview_check_point is passed, name


def test_the_check_point_of_a_quick_return_waits_for_nothing():
    there = given.blue_green(previewReplicaCount=1, prePromotionAnalysis=given.CHECKS, **MANUAL).pods(canary="1/1")
    back = there.noted("canary", scale_down_deadline=given.at(NOW + timedelta(seconds=9)))
    assert awaited(back).status.blue_green.scale_up_preview_check_point is True
    assert awaited(there).status.blue_green.scale_up_preview_check_point is False


def test_the_check_point_waits_for_the_analysis():
    there = given.blue_green(previewReplicaCount=1, prePromotionAnalysis=given.CHECKS).pods(canary="1/1")
    for phase, passed in (("Running", False), ("Successful", True)):
        run = {"prePromotionAnalysisRunStatus": {"name": "r", "status": phase}}
        assert outcome(there.having(blueGreen=run))[2] is passed


def test_it_says_what_it_waits_for():
    assert said(awaited(WHOLE.pods(canary="3/4"))) == ["hold: the preview has 3 of 4 pods available"]
    assert said(awaited(WHOLE.having(**paused()))) == ["wait: paused before promotion until somebody promotes"]
    assert awaited(given.release()).reasons == ()
