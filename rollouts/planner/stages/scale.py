"""Pods follow the step: expanded before traffic moves, contracted when no shift is outstanding."""

from datetime import datetime

from rollouts.planner.draft import Draft
from rollouts.planner.scaling import is_halted, resize
from rollouts.planner.snapshot import Snapshot

STAGE = "scale"


def scale(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Resize; once anything changes size, no step is judged in this pass."""
    if is_halted(snapshot, draft):
        return draft.say(STAGE, "hold", "replica counts stay: the Rollout is paused by a person or an inconclusive run")
    before = len(draft.sizes)
    draft = resize(snapshot, draft, now, stage=STAGE)
    return draft.stop("replica counts are changing") if len(draft.sizes) > before else draft
