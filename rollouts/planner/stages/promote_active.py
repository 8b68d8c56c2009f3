"""When the active revision becomes the stable one (contract §4): the first row that applies."""

from datetime import datetime

from rollouts.api import reasons
from rollouts.planner.bluegreen import active_hash, fast_rollback, is_first, strategy_of
from rollouts.planner.draft import Draft
from rollouts.planner.promotion import promoted
from rollouts.planner.snapshot import Snapshot

STAGE = "promote_active"


def promote_active(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Make it stable if its time has come."""
    why = _why(snapshot, draft, now)
    if not why:
        return draft
    draft = draft.with_blue_green(scale_up_preview_check_point=False)
    return promoted(snapshot, draft, why, stage=STAGE)


def _why(snapshot: Snapshot, draft: Draft, now: datetime) -> str:
    if snapshot.canary is None:
        return ""
    if snapshot.stable is None or is_first(snapshot):
        return reasons.INITIAL_DEPLOY
    if active_hash(snapshot) != snapshot.canary_hash:
        return ""
    if draft.status.promote_full:
        return reasons.FULL_PROMOTION
    back = fast_rollback(snapshot, draft, now)
    if back or draft.is_aborted:
        return back
    return "" if _is_unproved(snapshot, draft) else reasons.COMPLETED_BLUE_GREEN


def _is_unproved(snapshot: Snapshot, draft: Draft) -> bool:
    """The analysis after promotion has not succeeded."""
    strategy = strategy_of(snapshot)
    if strategy is None or strategy.post_promotion_analysis is None:
        return False
    ref = draft.status.blue_green.post_promotion_analysis_run_status
    return ref is None or ref.status != "Successful"
