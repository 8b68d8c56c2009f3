"""When the active revision becomes the stable one (contract §4): the first row that applies."""

from datetime import datetime

from rollouts.api import reasons
from rollouts.planner.actions import Announcement
from rollouts.planner.bluegreen import active_hash, fast_rollback, is_first, strategy_of
from rollouts.planner.draft import Draft
from rollouts.planner.snapshot import Snapshot, revision_of

STAGE = "promote_active"


def promote_active(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Make it stable if its time has come."""
    why = _why(snapshot, draft, now)
    if not why:
        return draft
    changed = draft.status.stable_rs != draft.status.current_pod_hash
    draft = draft.pausing(clear_all=True, clear_abort=True).with_status(
        stable_rs=draft.status.current_pod_hash, promote_full=False
    )
    draft = draft.with_blue_green(scale_up_preview_check_point=False)
    if not changed or snapshot.canary is None:
        return draft
    revision = revision_of(snapshot.canary.metadata)
    text = f"Rollout completed update to revision {revision} ({draft.status.stable_rs}): {why}"
    return draft.announce(Announcement(reasons.ROLLOUT_COMPLETED, text)).say(STAGE, "act", text)


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
