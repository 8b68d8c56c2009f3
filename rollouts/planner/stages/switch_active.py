"""The active Service goes to the preview when that may carry all users, and back when the release is aborted (§4)."""

from datetime import datetime

from rollouts.api import reasons
from rollouts.planner.bluegreen import (
    active_hash,
    can_take_over,
    fast_track,
    halted,
    strategy_of,
    unended_pause,
    unproved,
    unready,
    unsaturated,
)
from rollouts.planner.draft import Draft
from rollouts.planner.snapshot import Snapshot, hash_of
from rollouts.planner.switching import switch

STAGE = "switch_active"


def switch_active(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """One switch, or why there is none."""
    if draft.is_aborted:
        return _back(snapshot, draft)
    strategy, preview = strategy_of(snapshot), snapshot.canary
    if strategy is None or preview is None or active_hash(snapshot) == hash_of(preview):
        return draft
    why = _hold(snapshot, draft, now)
    if why:
        return draft.say(STAGE, "hold", f"Service {strategy.active_service} stays: {why}")
    because = f"Service {strategy.active_service} goes to {preview.metadata.name}: {snapshot.replicas} pods available"
    return switch(snapshot, draft, strategy.active_service, preview, because, stage=STAGE)


def _hold(snapshot: Snapshot, draft: Draft, now: datetime) -> str:
    small = halted(snapshot, draft) or unready(snapshot, draft) or unsaturated(snapshot)
    if small or fast_track(snapshot, draft, now):
        return small
    if reasons.BLUE_GREEN_PAUSE in draft.pauses.added:
        return "the pause before promotion begins"
    return unproved(snapshot, draft) or unended_pause(snapshot, draft, now)


def _back(snapshot: Snapshot, draft: Draft) -> Draft:
    """Aborted after the switch: back as soon as the stable revision carries what the preview carries."""
    strategy, stable = strategy_of(snapshot), snapshot.of_hash(draft.status.stable_rs)
    if strategy is None or stable is None or active_hash(snapshot) in {"", hash_of(stable)}:
        return draft
    why = can_take_over(snapshot, stable)
    if why:
        return draft.say(STAGE, "hold", f"Service {strategy.active_service} stays: {why}")
    because = f"Service {strategy.active_service} goes back to {stable.metadata.name}: aborted"
    return switch(snapshot, draft, strategy.active_service, stable, because, stage=STAGE)
