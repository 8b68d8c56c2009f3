from dataclasses import replace
from datetime import timedelta

import pytest

from rollouts.api import keys
from rollouts.planner.stages.promote_active import promote_active
from tests import given
from tests.given import CANARY, NOW, STABLE, draft

SWITCHED = given.blue_green().pods(canary="4/4").pointing(active="canary")
CHECKED = given.blue_green(postPromotionAnalysis=given.CHECKS).pods(canary="4/4").pointing(active="canary")
HEALTHY_ONCE = {"conditions": [{"type": "Healthy", "status": "False", "reason": "RolloutHealthy", "message": ""}]}
SOON = given.at(NOW + timedelta(seconds=9))


def promoted(situation):
    snapshot = situation.snapshot
    return promote_active(snapshot, draft(snapshot), NOW)


def found(phase):
    return {"blueGreen": {"postPromotionAnalysisRunStatus": {"name": "r", "status": phase}}}


@pytest.mark.parametrize(
    ("name", "situation", "why"),
    [
        ("switched", SWITCHED, "Completed blue-green update"),
        ("first deploy", SWITCHED.having(stableRS=""), "Initial deploy"),
        ("the stable revision is gone", replace(SWITCHED, sizes={"canary": "4/4"}), "Initial deploy"),
        ("no revision was active", SWITCHED.pointing(active=""), "Initial deploy"),
        ("no revision is active any more", SWITCHED.pointing(active="").having(**HEALTHY_ONCE), None),
        ("promoteFull", CHECKED.having(promoteFull=True), "Full promotion requested"),
        ("fast rollback", CHECKED.noted("canary", scale_down_deadline=SOON), "Fast rollback"),
        ("proved", CHECKED.having(**found("Successful")), "Completed blue-green update"),
        ("not switched", SWITCHED.pointing(active="stable"), None),
        ("promoteFull, not switched", SWITCHED.pointing(active="stable").having(promoteFull=True), None),
        ("no run yet", CHECKED, None),
        ("running", CHECKED.having(**found("Running")), None),
        ("failed", CHECKED.having(**found("Failed")), None),
        ("aborted", SWITCHED.having(abort=True), None),
        (
            "aborted before, in its delay",
            CHECKED.noted("canary", scale_down_deadline=SOON, **{keys.ABORTED: "true"}),
            None,
        ),
        ("not created", replace(SWITCHED, sizes={"stable": "4/4"}), None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_first_row_that_applies(name, situation, why):
    decided = promoted(situation)
    assert decided.status.stable_rs == (situation.status["stableRS"] if why is None else CANARY), name
    assert [event.message.partition("): ")[2] for event in decided.events] == ([] if why is None else [why])


def test_promotion_clears_what_belonged_to_the_release():
    ended = SWITCHED.having(promoteFull=True, blueGreen={"scaleUpPreviewCheckPoint": True})
    decided = promoted(ended)
    assert (decided.pauses.clear_all, decided.pauses.clear_abort) == (True, True)
    assert (decided.status.promote_full, decided.status.blue_green.scale_up_preview_check_point) == (False, False)


def test_runs_stay_named_after_promotion():
    status = promoted(CHECKED.having(**found("Successful"))).status.blue_green
    assert status.post_promotion_analysis_run_status.name == "r"


def test_what_is_stable_is_not_told_again():
    decided = promoted(SWITCHED.having(stableRS=CANARY))
    assert (decided.status.stable_rs, decided.events) == (CANARY, ())


def test_the_event_names_revision_and_hash():
    assert [event.message for event in promoted(SWITCHED).events] == [
        f"Rollout completed update to revision 3 ({CANARY}): Completed blue-green update"
    ]
    assert promoted(SWITCHED.pointing(active="stable")).status.stable_rs == STABLE
