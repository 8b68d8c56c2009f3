"""The active Service goes to the preview when that may carry all users, and back when the release is aborted (§4)."""

from datetime import datetime

from rollouts.api import reasons
from rollouts.api.workloads import ReplicaSet
from rollouts.planner.bluegreen import (
    active_hash,
    can_take_over,
    fast_track,
    halted,
    rightful,
    strategy_of,
    unended_pause,
    unproved,
    unready,
    unsaturated,
)
from rollouts.planner.draft import Draft
from rollouts.planner.snapshot import Snapshot, available, hash_of
from rollouts.planner.switching import switch

STAGE = "switch_active"


def switch_active(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """One switch, or why there is none."""
    strategy, preview, claimant = strategy_of(snapshot), snapshot.canary, rightful(snapshot)
    if strategy is None:
        return draft
    service = strategy.active_service
    if claimant is not None and not draft.status.promote_full:
        return _claim(snapshot, draft, service, claimant)
    if draft.is_aborted:
        return _back(snapshot, draft, service)
    if preview is None or active_hash(snapshot) == hash_of(preview):
        return draft
    why = _hold(snapshot, draft, now)
    if why:
        return draft.say(STAGE, "hold", f"Service {service} stays: {why}")
    because = f"Service {service} goes to {preview.metadata.name}: {snapshot.replicas} pods available"
    return switch(snapshot, draft, service, preview, because, stage=STAGE)


def _hold(snapshot: Snapshot, draft: Draft, now: datetime) -> str:
    small = halted(snapshot, draft) or unready(snapshot, draft) or unsaturated(snapshot)
    if small or fast_track(snapshot, draft, now):
        return small
    if reasons.BLUE_GREEN_PAUSE in draft.pauses.added:
        return "the pause before promotion begins"
    return unproved(snapshot, draft) or unended_pause(snapshot, draft, now)


def _claim(snapshot: Snapshot, draft: Draft, service: str, stable: ReplicaSet) -> Draft:
    """Users get every pod: from now on those of the stable revision, once these are all there."""
    have = available(stable)
    small = f"the stable revision has {have} of {snapshot.replicas} pods" if have < snapshot.replicas else ""
    why = small or ("" if draft.is_aborted else halted(snapshot, draft))
    if why:
        return draft.say(STAGE, "hold", f"Service {service} stays: {why}")
    return _lead(snapshot, draft, service, stable, "it selected no revision")


def _back(snapshot: Snapshot, draft: Draft, service: str) -> Draft:
    """Aborted after the switch: back as soon as the stable revision carries what the preview carries."""
    stable = snapshot.of_hash(draft.status.stable_rs)
    if stable is None or active_hash(snapshot) in {"", hash_of(stable)}:
        return draft
    why = can_take_over(snapshot, stable)
    if why:
        return draft.say(STAGE, "hold", f"Service {service} stays: {why}")
    return _lead(snapshot, draft, service, stable, "aborted")


def _lead(snapshot: Snapshot, draft: Draft, service: str, stable: ReplicaSet, because: str) -> Draft:
    because = f"Service {service} goes back to {stable.metadata.name}: {because}"
    return switch(snapshot, draft, service, stable, because, stage=STAGE)
