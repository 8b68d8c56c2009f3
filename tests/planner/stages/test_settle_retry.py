from rollouts.planner.draft import Extent
from rollouts.planner.stages.settle_retry import settle_retry
from tests import given
from tests.given import NOW, blue_green, draft, set_weight
from tests.planner.pods import born

TOLD = {"type": "Progressing", "status": "False", "reason": "RolloutAborted", "message": "m"}


def settled(situation):
    snapshot = situation.snapshot
    return settle_retry(snapshot, draft(snapshot), NOW)


def test_a_retry_is_told_before_anything_moves():
    decided = settled(given.release(set_weight(20)).having(conditions=[TOLD]))
    assert (decided.stopped, decided.extent) == ("retrying after an abort", Extent.FOLLOW)


def test_an_abort_that_lasts_goes_on():
    assert settled(given.release(set_weight(20)).having(conditions=[TOLD], abort=True)).stopped == ""


def test_a_full_promotion_ends_abort_and_pauses():
    decided = settled(given.release(set_weight(20)).having(abort=True, promoteFull=True))
    assert (decided.is_aborted, decided.pauses.clear_all) == (False, True)


def test_what_skips_all_steps_says_so_before_its_pods_are_there():
    there = given.release(set_weight(20), set_weight(40))
    assert settled(there.having(promoteFull=True)).status.current_step_index == 2
    window = there.wanting(rollbackWindow={"revisions": 1}).pods(canary="0/0").snapshot
    back = born(window, {"canary": 2, "stable": 1})
    assert settle_retry(back, draft(back), NOW).status.current_step_index == 2
    assert settled(there.having(currentStepIndex=1)).status.current_step_index == 1
    assert settled(given.release().having(promoteFull=True)).status.current_step_index is None


RUN = {"name": "web-1-2-pre", "status": "Failed"}


def test_what_was_found_before_an_abort_is_forgotten_with_it_and_not_before():
    judged = blue_green(prePromotionAnalysis={"templates": [{"templateName": "checks"}]}).having(
        blueGreen={"prePromotionAnalysisRunStatus": RUN, "postPromotionAnalysisRunStatus": RUN},
        abortedAt="2026-01-01T00:00:00Z",
    )
    aborted = settled(judged.having(abort=True)).status.blue_green
    assert (aborted.pre_promotion_analysis_run_status.name, aborted.post_promotion_analysis_run_status.name) == (
        RUN["name"],
        RUN["name"],
    )
    retried = settled(judged).status.blue_green
    assert (retried.pre_promotion_analysis_run_status, retried.post_promotion_analysis_run_status) == (None, None)
