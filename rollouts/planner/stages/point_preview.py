"""The preview's Service goes to the new revision at once: testers may see it come up (contract §4)."""

from datetime import datetime

from rollouts.planner.bluegreen import halted, strategy_of
from rollouts.planner.draft import Draft
from rollouts.planner.snapshot import Snapshot
from rollouts.planner.switching import switch

STAGE = "point_preview"


def point_preview(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Point it, if there is one."""
    _ = now
    strategy = strategy_of(snapshot)
    if strategy is None or not strategy.preview_service or snapshot.canary is None:
        return draft
    why = halted(snapshot, draft)
    if why:
        return draft.say(STAGE, "hold", why)
    because = f"Service {strategy.preview_service} goes to {snapshot.canary.metadata.name}: it is the newest"
    return switch(snapshot, draft, strategy.preview_service, snapshot.canary, because, stage=STAGE)
