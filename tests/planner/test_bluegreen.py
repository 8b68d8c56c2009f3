"""Each row of the blue-green contract by name: the whole plan of one pass, and the sentences it rests on."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rollouts.api import keys
from rollouts.planner import bluegreen
from rollouts.planner.rollout import plan
from tests import given
from tests.given import CANARY, NOW, STABLE, draft, written

SOON, OVER = given.at(NOW + timedelta(seconds=20)), given.at(NOW - timedelta(seconds=1))
MANUAL = {"autoPromotionEnabled": False}
HEALTHY_ONCE = {"conditions": [{"type": "Healthy", "status": "True", "reason": "RolloutHealthy", "message": ""}]}
WHOLE = given.blue_green().pods(canary="4/4")


def paused(since=NOW, reason="BlueGreenPause"):
    return {"pauseConditions": [{"reason": reason, "startTime": given.at(since)}], "controllerPause": True}


def asked(situation, question):
    snapshot = situation.snapshot
    return question(snapshot, draft(snapshot))


@pytest.mark.parametrize(
    ("name", "situation", "size"),
    [
        ("no previewReplicaCount", given.blue_green(), 4),
        ("no active revision", given.blue_green(previewReplicaCount=1).pointing(active=""), 4),
        (
            "the active Service selects no revision any more",
            given.blue_green(previewReplicaCount=1).pointing(active="").having(**HEALTHY_ONCE),
            1,
        ),
        ("the preview is active", given.blue_green(previewReplicaCount=1).pointing(active="canary"), 4),
        ("promoteFull", given.blue_green(previewReplicaCount=1).having(promoteFull=True), 4),
        ("back to the stable revision", given.blue_green(previewReplicaCount=1).having(stableRS=CANARY), 4),
        (
            "brand-new, whatever the check point says",
            given.blue_green(previewReplicaCount=1).having(
                currentPodHash=STABLE, blueGreen={"scaleUpPreviewCheckPoint": True}
            ),
            1,
        ),
        (
            "past the check point",
            given.blue_green(previewReplicaCount=1).having(blueGreen={"scaleUpPreviewCheckPoint": True}),
            4,
        ),
        (
            "past the check point, yet paused",
            given.blue_green(previewReplicaCount=1).having(blueGreen={"scaleUpPreviewCheckPoint": True}, **paused()),
            1,
        ),
        (
            "past the check point, yet spec.paused",
            given.blue_green(previewReplicaCount=1)
            .having(blueGreen={"scaleUpPreviewCheckPoint": True})
            .wanting(paused=True),
            1,
        ),
        ("before the check point", given.blue_green(previewReplicaCount=1), 1),
        ("more than spec.replicas", given.blue_green(previewReplicaCount=9), 9),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_size_of_the_preview(name, situation, size):
    assert asked(situation.pods(canary="0/0"), bluegreen.preview_size) == size, name


def test_the_active_revision_is_what_its_service_selects():
    snapshot = WHOLE.snapshot
    assert (bluegreen.active_hash(snapshot), bluegreen.active(snapshot)) == (STABLE, snapshot.stable)
    assert bluegreen.active(given.blue_green().pointing(active="").snapshot) is None
    assert bluegreen.active_hash(given.release().snapshot) == ""
    assert bluegreen.selected(snapshot, "no-such-service") == ""


def test_a_switch_of_this_plan_is_told_as_done():
    snapshot = given.blue_green(previewService="web-preview").pods(canary="4/4").pointing(preview="stable").snapshot
    decided = plan(snapshot, NOW)
    assert decided.status.blue_green.preview_selector == CANARY
    assert bluegreen.selected_soon(snapshot, draft(snapshot), "web-preview") == STABLE
    assert bluegreen.selected_soon(snapshot, draft(snapshot), "no-such-service") == ""


@pytest.mark.parametrize(
    ("situation", "why"),
    [
        (WHOLE, ""),
        (WHOLE.wanting(paused=True), "spec.paused is true: a person paused the Rollout"),
        (WHOLE.having(**paused()), ""),
        (
            WHOLE.having(**paused(reason="InconclusiveAnalysisRun")),
            "an analysis run is inconclusive: somebody must promote, retry or abort",
        ),
    ],
)
def test_what_halts_services_and_pauses(situation, why):
    assert asked(situation, bluegreen.halted) == why


@pytest.mark.parametrize(
    ("name", "situation", "ready", "saturated"),
    [
        ("whole", WHOLE, True, True),
        ("a pod is missing", WHOLE.pods(canary="3/4"), False, False),
        ("a pod too many", WHOLE.pods(canary="5/4"), False, False),
        ("small, as wanted", given.blue_green(previewReplicaCount=1).pods(canary="1/1"), True, False),
        ("not told of spec.replicas", WHOLE.noted("canary", **{keys.DESIRED_REPLICAS: "3"}), True, False),
        ("not created", replace(WHOLE, sizes={"stable": "4/4"}), False, False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_readiness_for_the_pause_and_for_everybody(name, situation, ready, saturated):
    snapshot = situation.snapshot
    assert (bluegreen.unready(snapshot, draft(snapshot)) == "") is ready, name
    assert (bluegreen.unsaturated(snapshot) == "") is saturated, name


@pytest.mark.parametrize(
    ("situation", "why"),
    [
        (WHOLE, ""),
        (WHOLE.pointing(active=""), "the active Service selects no revision yet"),
        (WHOLE.pointing(active="").having(**HEALTHY_ONCE), ""),
        (WHOLE.pointing(active="canary"), "it is active already"),
        (WHOLE.having(promoteFull=True), "Full promotion requested"),
        (WHOLE.having(stableRS=CANARY), "Fast rollback"),
        (WHOLE.noted("canary", scale_down_deadline=SOON), "Fast rollback"),
        (WHOLE.noted("canary", scale_down_deadline=given.at(NOW)), "Fast rollback"),
        (WHOLE.noted("canary", scale_down_deadline=OVER), ""),
        (WHOLE.noted("canary", scale_down_deadline="soon"), ""),
        (WHOLE.noted("canary", scale_down_deadline=SOON, **{keys.ABORTED: "true"}), ""),
    ],
)
def test_what_is_fast_tracked(situation, why):
    snapshot = situation.snapshot
    assert bluegreen.fast_track(snapshot, draft(snapshot), NOW) == why


def test_no_preview_is_no_fast_rollback():
    snapshot = replace(WHOLE, sizes={"stable": "4/4"}).snapshot
    assert bluegreen.fast_rollback(snapshot, draft(snapshot), NOW) == ""


@pytest.mark.parametrize(
    ("name", "situation", "why"),
    [
        ("none wanted", WHOLE, ""),
        ("past the check point", given.blue_green(**MANUAL).having(blueGreen={"scaleUpPreviewCheckPoint": True}), ""),
        ("not begun", given.blue_green(**MANUAL), "the pause before promotion has not begun"),
        (
            "a person's",
            given.blue_green(**MANUAL).having(**paused()),
            "paused before promotion until somebody promotes",
        ),
        ("resumed", given.blue_green(**MANUAL).having(controllerPause=True), ""),
        (
            "seconds do not count while a person must promote",
            given.blue_green(**MANUAL, autoPromotionSeconds=1).having(**paused(NOW - timedelta(seconds=9))),
            "paused before promotion until somebody promotes",
        ),
        (
            "seconds left",
            given.blue_green(autoPromotionSeconds=10).having(**paused(NOW - timedelta(seconds=4))),
            "paused before promotion for another 6 s",
        ),
        (
            "one second left",
            given.blue_green(autoPromotionSeconds=10).having(**paused(NOW - timedelta(seconds=9))),
            "paused before promotion for another 1 s",
        ),
        (
            "over at the very moment for which the controller asked to be woken",
            given.blue_green(autoPromotionSeconds=10).having(**paused(NOW - timedelta(seconds=10))),
            "",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_pause_before_promotion(name, situation, why):
    snapshot = situation.pods(canary="4/4").snapshot
    assert bluegreen.unended_pause(snapshot, draft(snapshot), NOW) == why, name


def test_a_pause_ended_in_this_pass_is_over():
    snapshot = given.blue_green(**MANUAL).having(**paused()).snapshot
    ended = draft(snapshot).pausing(removed=("BlueGreenPause",))
    assert bluegreen.unended_pause(snapshot, ended, NOW) == ""
    assert (bluegreen.pause(ended), bluegreen.is_paused(snapshot, ended)) == (None, False)


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ({}, "the analysis before promotion has not begun"),
        ({"status": ""}, "r is not begun"),
        ({"status": "Running"}, "r is Running"),
        ({"status": "Failed"}, "r is Failed"),
        ({"status": "Successful"}, ""),
    ],
)
def test_the_analysis_before_promotion(status, why):
    ref = {"prePromotionAnalysisRunStatus": {"name": "r", **status}} if status else {}
    there = given.blue_green(prePromotionAnalysis=given.CHECKS).having(blueGreen=ref)
    assert asked(there, bluegreen.unproved) == why
    assert asked(WHOLE, bluegreen.unproved) == ""


@pytest.mark.parametrize(
    ("name", "stable", "canary", "can"),
    [
        ("whole", "4/4", "4/4", True),
        ("as many as the preview has", "2/4", "2/4", True),
        ("fewer than the preview has", "3/4", "4/4", False),
        ("nobody has pods", "0/4", "0/4", False),
        ("one pod is more than none", "1/4", "0/4", True),
        ("pods it was told to give up do not count", "4/3", "4/4", False),
    ],
)
def test_capacity_before_traffic_also_on_the_way_back(name, stable, canary, can):
    snapshot = given.blue_green().pods(stable=stable, canary=canary).snapshot
    assert (bluegreen.can_take_over(snapshot, snapshot.stable) == "") is can, name


def test_without_replicas_everybody_can_take_over():
    snapshot = given.blue_green(replicas=0).snapshot
    assert bluegreen.can_take_over(snapshot, snapshot.stable) == ""
    assert bluegreen.can_take_over(snapshot, None) != ""


def test_users_are_led_to_what_is_selected_or_still_has_endpoints():
    snapshot = WHOLE.snapshot
    assert bluegreen.carries_users(snapshot, snapshot.stable)
    assert not bluegreen.carries_users(snapshot, snapshot.canary)
    pods = tuple(f"web-{CANARY}-{number}" for number in range(4))
    lagging = replace(snapshot, endpoints={"web-active": pods})
    assert bluegreen.carries_users(lagging, lagging.canary)
    assert not bluegreen.carries_users(given.release().snapshot, snapshot.stable)


# The whole pass


def passed(situation, now=NOW):
    return plan(situation.snapshot, now)


def test_a_whole_preview_is_switched_to_and_promoted_when_that_is_seen():
    first = passed(WHOLE)
    assert written(first) == [f"SwitchService: Service web-active goes to web-{CANARY}: 4 pods available"]
    assert first.status.stable_rs == STABLE
    assert passed(WHOLE.pointing(active="canary")).status.stable_rs == CANARY


def test_a_first_deploy_has_no_pause_and_no_analysis():
    strategy = {**MANUAL, "prePromotionAnalysis": given.CHECKS, "postPromotionAnalysis": given.CHECKS}
    there = given.blue_green(**strategy).having(stableRS="", blueGreen={}).pointing(active="")
    first = passed(replace(there, sizes={"canary": "4/4"}))
    assert written(first) == [f"SwitchService: Service web-active goes to web-{CANARY}: 4 pods available"]
    assert (first.status.stable_rs, first.status.pause_conditions) == (CANARY, ())
    assert first.status.blue_green.pre_promotion_analysis_run_status is None


def test_a_first_deploy_waits_for_all_pods():
    there = given.blue_green().having(stableRS="", blueGreen={}).pointing(active="")
    assert written(passed(replace(there, sizes={"canary": "3/4"}))) == []


def test_spec_paused_scales_and_moves_no_service():
    held = given.blue_green(previewService="web-preview").pointing(preview="stable").wanting(paused=True)
    assert written(passed(held)) == [f"UpdateReplicaSet: web-{CANARY} 0 → 4: 4 pods are wanted"]
    assert written(passed(held.pods(canary="4/4"))) == []


@pytest.mark.parametrize("active", ["stable", "canary"])
def test_an_abort_ends_with_the_stable_revision_active(active):
    decided = passed(WHOLE.having(abort=True).pointing(active=active))
    switched = [one for one in written(decided) if one.startswith("SwitchService")]
    back = [f"SwitchService: Service web-active goes back to web-{STABLE}: aborted"]
    assert switched == (back if active == "canary" else [])
    assert (decided.status.phase, decided.status.abort) == ("Degraded", True)


def test_a_retry_begins_where_the_release_began():
    decided = passed(given.blue_green(**MANUAL).pods(canary="4/4").having(abort=False, abortedAt=given.at(NOW)))
    assert [one.reason for one in decided.status.pause_conditions] == ["BlueGreenPause"]
    assert decided.status.aborted_at is None


def test_a_third_revision_in_mid_preview_takes_the_preview_and_forgets_the_pause():
    third = given.blue_green(previewService="web-preview", **MANUAL).pods(canary="0/0", older="4/4")
    decided = passed(third.pointing(preview="older").having(currentPodHash=given.OLDER, **paused()))
    assert written(decided) == [f"SwitchService: Service web-preview goes to web-{CANARY}: it is the newest"]
    assert (decided.status.current_pod_hash, decided.status.pause_conditions) == (CANARY, ())


def test_autoscaling_in_mid_release_sizes_both_sides_first():
    scaled = WHOLE.wanting(replicas=6).noted("canary", **{keys.DESIRED_REPLICAS: "4"})
    scaled = scaled.noted("stable", **{keys.DESIRED_REPLICAS: "4"})
    assert written(passed(scaled)) == [
        f"UpdateReplicaSet: web-{STABLE} 4 → 6: it is the stable revision",
        f"UpdateReplicaSet: web-{CANARY} 4 → 6: 6 pods are wanted",
    ]
    assert passed(scaled).status.stable_rs == STABLE


def test_autoscalers_see_the_active_revision_only():
    status = passed(given.blue_green(**MANUAL).pods(canary="2/4")).status
    assert (status.hpa_replicas, status.available_replicas, status.ready_replicas) == (4, 4, 4)
    assert (status.replicas, status.updated_replicas) == (8, 4)
    assert status.selector == f"app=web,{keys.HASH_LABEL}={STABLE}"
