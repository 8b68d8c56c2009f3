"""A retried release says so before it moves: clients and people see that the abort is over.

A full promotion ends abort and pauses at once, whatever is still to be done for it; a quick return ends pauses. Both
have no step left to take, and say so from then on.
"""

from datetime import datetime

from rollouts.api import reasons
from rollouts.planner.conditions import get
from rollouts.planner.draft import Draft, Extent
from rollouts.planner.rollback import is_within_window
from rollouts.planner.snapshot import Snapshot

STAGE = "settle_retry"


def settle_retry(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """The abort flag is gone though the conditions still tell of it: write that, and go on in the next pass."""
    _ = now
    if draft.status.promote_full and not draft.is_promoted:
        draft = _without_steps(snapshot, draft).pausing(clear_all=True, clear_abort=True)
    elif is_within_window(snapshot, draft):
        draft = _without_steps(snapshot, draft).pausing(clear_all=True)
    if snapshot.status.aborted_at is not None and not draft.is_aborted:
        # What was found before the abort decides no more: the preview is judged anew.
        draft = draft.with_blue_green(pre_promotion_analysis_run_status=None, post_promotion_analysis_run_status=None)
    progressing = get(snapshot.status.conditions, reasons.PROGRESSING)
    told = progressing is not None and progressing.reason == reasons.ROLLOUT_ABORTED
    if not told or draft.is_aborted or draft.is_promoted:
        return draft
    return draft.say(STAGE, "act", "retrying after an abort").stop("retrying after an abort", Extent.FOLLOW)


def _without_steps(snapshot: Snapshot, draft: Draft) -> Draft:
    return draft.with_status(current_step_index=len(snapshot.steps)) if snapshot.steps else draft
