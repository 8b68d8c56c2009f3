from rollouts.planner.draft import Extent
from rollouts.planner.stages.settle_retry import settle_retry
from tests import given
from tests.given import NOW, draft, set_weight

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
