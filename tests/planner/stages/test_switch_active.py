from dataclasses import replace
from datetime import timedelta

import pytest

from rollouts.api import keys
from rollouts.planner.stages.switch_active import switch_active
from tests import given
from tests.given import CANARY, NOW, STABLE, draft, said

MANUAL = {"autoPromotionEnabled": False}
WHOLE = given.blue_green().pods(canary="4/4")
PAUSE = {"pauseConditions": [{"reason": "BlueGreenPause", "startTime": given.at(NOW)}], "controllerPause": True}
INCONCLUSIVE = {"pauseConditions": [{"reason": "InconclusiveAnalysisRun", "startTime": given.at(NOW)}]}
MANUALLY = given.blue_green(**MANUAL).pods(canary="4/4")
SOON = given.at(NOW + timedelta(seconds=9))


def decided(situation):
    snapshot = situation.snapshot
    return switch_active(snapshot, draft(snapshot), NOW)


def switched(situation):
    """Where the active Service goes; "" when it stays."""
    actions = decided(situation).actions
    return actions[0].hash if actions else ""


@pytest.mark.parametrize(
    ("name", "situation"),
    [
        ("whole, no pause wanted", WHOLE),
        ("first deploy", MANUALLY.pointing(active="")),
        ("resumed", MANUALLY.having(controllerPause=True)),
        ("promoteFull", MANUALLY.having(promoteFull=True, **PAUSE)),
        ("fast rollback to stable", MANUALLY.having(stableRS=CANARY, **PAUSE)),
        ("fast rollback in the delay", MANUALLY.noted("canary", scale_down_deadline=SOON)),
        (
            "seconds over",
            given.blue_green(autoPromotionSeconds=9)
            .pods(canary="4/4")
            .having(pauseConditions=[{"reason": "BlueGreenPause", "startTime": given.at(NOW - timedelta(seconds=10))}]),
        ),
        ("check point passed", MANUALLY.having(blueGreen={"scaleUpPreviewCheckPoint": True})),
        ("no replicas wanted", given.blue_green(replicas=0)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_switches(name, situation):
    assert switched(situation) == CANARY, name


@pytest.mark.parametrize(
    ("name", "situation", "why"),
    [
        ("a pod is missing", WHOLE.pods(canary="3/4"), "the preview has 3 of 4 pods available"),
        ("promoteFull makes no pods", WHOLE.pods(canary="3/4").having(promoteFull=True), "3 of 4 pods"),
        ("a first deploy without all pods", WHOLE.pods(canary="3/4").pointing(active=""), "3 of 4 pods"),
        ("a return without pods", WHOLE.pods(canary="0/4").having(stableRS=CANARY), "0 of 4 pods"),
        ("not told of spec.replicas", WHOLE.noted("canary", **{keys.DESIRED_REPLICAS: "9"}), "4 of 4 pods"),
        ("a small preview", given.blue_green(previewReplicaCount=1).pods(canary="1/1"), "1 of 4 pods"),
        ("the pause has not begun", MANUALLY, "the pause before promotion has not begun"),
        ("paused", MANUALLY.having(**PAUSE), "until somebody promotes"),
        ("spec.paused", WHOLE.wanting(paused=True), "a person paused the Rollout"),
        ("spec.paused holds a full promotion", WHOLE.wanting(paused=True).having(promoteFull=True), "a person paused"),
        ("inconclusive", WHOLE.having(**INCONCLUSIVE), "inconclusive"),
        (
            "never proved",
            given.blue_green(prePromotionAnalysis=given.CHECKS).pods(canary="4/4"),
            "the analysis before promotion has not begun",
        ),
        (
            "an aborted revision is no fast rollback",
            MANUALLY.noted("canary", scale_down_deadline=SOON, **{keys.ABORTED: "true"}),
            "the pause before promotion has not begun",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_stays_and_says_why(name, situation, why):
    assert switched(situation) == "", name
    assert why in said(decided(situation))[0]


def test_the_pass_in_which_the_pause_begins_does_not_switch():
    snapshot = MANUALLY.having(controllerPause=True).snapshot
    begun = draft(snapshot).pausing(added=("BlueGreenPause",))
    assert switch_active(snapshot, begun, NOW).actions == ()


def test_nothing_to_switch():
    for situation in (WHOLE.pointing(active="canary"), replace(WHOLE, sizes={"stable": "4/4"}), given.release()):
        assert decided(situation).reasons == ()


HEALTHY_ONCE = {"conditions": [{"type": "Healthy", "status": "False", "reason": "RolloutHealthy", "message": ""}]}
UNPOINTED = MANUALLY.pointing(active="").having(**HEALTHY_ONCE)


@pytest.mark.parametrize(
    ("name", "situation", "where"),
    [
        ("it goes to stable first", UNPOINTED, STABLE),
        ("also when aborted", UNPOINTED.having(abort=True), STABLE),
        ("stable must carry them all", UNPOINTED.pods(stable="3/4", canary="2/2"), ""),
        ("a person who holds it is no obstacle to an abort", UNPOINTED.wanting(paused=True).having(abort=True), STABLE),
        ("a person holds it", UNPOINTED.wanting(paused=True), ""),
        ("a full promotion does not wait for that", UNPOINTED.having(promoteFull=True), CANARY),
        ("what is stable takes it", UNPOINTED.having(stableRS=CANARY), CANARY),
        ("a first deploy was never healthy", MANUALLY.pointing(active=""), CANARY),
        ("nor when it is aborted", MANUALLY.pointing(active="").having(abort=True), ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_service_that_selects_no_revision_in_mid_release(name, situation, where):
    """As after a change from a canary, or when somebody replaced the Service: that promotes nothing."""
    assert switched(situation) == where, name


AFTER = WHOLE.pointing(active="canary").having(abort=True)


@pytest.mark.parametrize(
    ("name", "situation", "where"),
    [
        ("before the switch", WHOLE.having(abort=True), ""),
        ("after the switch", AFTER, STABLE),
        ("stable cannot carry them all yet", AFTER.pods(stable="3/4"), ""),
        ("stable carries what the preview carries", AFTER.pods(stable="2/4", canary="2/4"), STABLE),
        ("the aborted revision has no pods left", AFTER.pods(canary="0/4", stable="1/4"), STABLE),
        ("nobody has pods", AFTER.pods(canary="0/4", stable="0/4"), ""),
        ("the aborted revision needs no saturation", AFTER.pods(canary="1/4"), STABLE),
        ("an abort is stronger than spec.paused", AFTER.wanting(paused=True), STABLE),
        ("the stable revision is gone", replace(AFTER, sizes={"canary": "4/4"}), ""),
        ("no revision is active", AFTER.pointing(active=""), ""),
        ("a third revision is active", AFTER.pods(older="4/4").pointing(active="older"), STABLE),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_abort(name, situation, where):
    assert switched(situation) == where, name


def test_an_abort_that_waits_says_for_what():
    assert said(decided(AFTER.pods(stable="3/4"))) == [
        "hold: Service web-active stays: the stable revision has 3 of 4 pods that are needed"
    ]
