"""The pause before promotion, and the check point after which a small preview gets all its pods (contract §4)."""

from datetime import datetime

from rollouts.api import reasons
from rollouts.planner.bluegreen import (
    fast_track,
    halted,
    pause,
    pause_ends,
    strategy_of,
    unended_pause,
    unproved,
    unready,
    wants_pause,
)
from rollouts.planner.draft import Draft
from rollouts.planner.snapshot import Snapshot, available

STAGE = "await_promotion"


def await_promotion(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Begin or end the pause; pass the check point."""
    strategy = strategy_of(snapshot)
    if strategy is None or draft.is_aborted:
        return draft
    why = halted(snapshot, draft) or unready(snapshot, draft)
    if why:
        return draft.say(STAGE, "hold", why)
    passed = fast_track(snapshot, draft, now)
    if passed or not wants_pause(strategy) or draft.status.blue_green.scale_up_preview_check_point:
        return _pass_check_point(snapshot, _end_pause(draft), now)
    return _pass_check_point(snapshot, _pause(snapshot, draft, now), now)


def _end_pause(draft: Draft) -> Draft:
    if pause(draft) is None:
        return draft
    return draft.pausing(removed=(*draft.pauses.removed, reasons.BLUE_GREEN_PAUSE))


def _pause(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """The pause begins when the preview is there and proved, and counts from then."""
    strategy = strategy_of(snapshot)
    unclear = unproved(snapshot, draft)
    if strategy is None or unclear:
        return draft.say(STAGE, "wait", unclear)
    begun = pause(draft)
    if begun is None:
        if draft.status.controller_pause:
            return draft
        return draft.pausing(added=(*draft.pauses.added, reasons.BLUE_GREEN_PAUSE)).say(
            STAGE, "act", "the pause before promotion begins"
        )
    left = unended_pause(snapshot, draft, now)
    return draft.say(STAGE, "wait", left).wake(pause_ends(strategy, begun)) if left else _end_pause(draft)


def _pass_check_point(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Proved and not paused any more at its small size: from now on it may have all pods."""
    strategy = strategy_of(snapshot)
    small = strategy.preview_replica_count if strategy else None
    if small is None or draft.is_promoted or draft.status.blue_green.scale_up_preview_check_point:
        return draft
    pending = _pending(snapshot, draft, now)
    if pending or reasons.BLUE_GREEN_PAUSE in draft.pauses.added or available(snapshot.canary) != small:
        return draft
    return draft.with_blue_green(scale_up_preview_check_point=True).say(
        STAGE, "act", f"the preview of {small} pods may have all {snapshot.replicas}"
    )


def _pending(snapshot: Snapshot, draft: Draft, now: datetime) -> str:
    """What the check point waits for; a quick return waits for nothing, since nothing is measured for it."""
    if fast_track(snapshot, draft, now):
        return ""
    return unproved(snapshot, draft) or unended_pause(snapshot, draft, now)
