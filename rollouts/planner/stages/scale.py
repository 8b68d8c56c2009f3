"""Pods follow the step: expanded before traffic moves, contracted when no shift is outstanding."""

from datetime import datetime

from rollouts.planner.bluegreen import strategy_of
from rollouts.planner.draft import Draft
from rollouts.planner.resizing import is_halted, resize
from rollouts.planner.snapshot import Snapshot

STAGE = "scale"


def scale(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Resize; once anything changes size, no step of a canary is judged in this pass."""
    if is_halted(snapshot, draft):
        return draft.say(STAGE, "hold", "replica counts stay: the Rollout is paused by a person or an inconclusive run")
    before = len(draft.sizes)
    draft = resize(snapshot, draft, now, stage=STAGE)
    if strategy_of(snapshot) is not None or len(draft.sizes) == before:
        return draft
    return draft.stop("replica counts are changing")
