"""A new `spec.replicas` (a person's or an autoscaler's) is followed at once, before anything else moves."""

from datetime import datetime

from rollouts.api import keys
from rollouts.api.workloads import ReplicaSet
from rollouts.planner.draft import Draft, Extent
from rollouts.planner.resizing import is_halted, resize
from rollouts.planner.snapshot import Snapshot

STAGE = "follow_replicas"


def follow_replicas(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Scale by the new number; no Services, traffic, analyses or steps in such a pass (contract §3.2)."""
    behind = [rs for rs in (snapshot.canary, snapshot.stable) if rs and _is_behind(snapshot, rs)]
    if not behind or is_halted(snapshot, draft):
        return draft
    draft = resize(snapshot, draft, now, stage=STAGE)
    return draft.stop(f"following spec.replicas: {snapshot.replicas}", Extent.FOLLOW)


def _is_behind(snapshot: Snapshot, revision: ReplicaSet) -> bool:
    applied = revision.metadata.annotations.get(keys.DESIRED_REPLICAS)
    return revision.spec.replicas > 0 and applied != str(snapshot.replicas)
