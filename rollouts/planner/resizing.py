"""Sizes by strategy: which arithmetic applies, and when none does."""

from datetime import datetime

from rollouts.api import reasons
from rollouts.planner.bluegreen import strategy_of
from rollouts.planner.bluescaling import side_sizes
from rollouts.planner.draft import Draft
from rollouts.planner.scaling import canary_sizes
from rollouts.planner.snapshot import Snapshot


def is_halted(snapshot: Snapshot, draft: Draft) -> bool:
    """A person paused the whole canary, or a run was inconclusive: not even autoscaling is followed."""
    if strategy_of(snapshot) is not None:
        return False
    inconclusive = any(p.reason == reasons.INCONCLUSIVE_ANALYSIS_RUN for p in draft.status.pause_conditions)
    return snapshot.spec.paused or inconclusive


def resize(snapshot: Snapshot, draft: Draft, now: datetime, *, stage: str) -> Draft:
    """Bring every ReplicaSet one safe step closer to the size it should have."""
    sizes = canary_sizes if strategy_of(snapshot) is None else side_sizes
    return sizes(snapshot, draft, now, stage=stage)
