"""ReplicaSets that fit the Rollout and belong to nobody become its own; those that fit no longer are let go."""

from datetime import datetime

from rollouts.api.workloads import ReplicaSet
from rollouts.planner.actions import AdoptReplicaSet, EditRollout, ReleaseReplicaSet
from rollouts.planner.draft import Draft, Extent
from rollouts.planner.ownership import is_stray
from rollouts.planner.replicaset import owner
from rollouts.planner.snapshot import Snapshot, is_deleting, target

STAGE = "adopt"


def adopt(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Put ownership right, and let the next snapshot show it."""
    _ = now
    strays = [rs for rs in snapshot.replica_sets if is_stray(snapshot.selector, rs) and not is_deleting(rs)]
    if not strays and not snapshot.orphans:
        return draft
    draft = draft.act(*(_release(snapshot, stray) for stray in strays), stage=STAGE)
    if snapshot.orphans:
        draft = draft.act(_still_here(snapshot), *(_adopt(snapshot, one) for one in snapshot.orphans), stage=STAGE)
    return draft.stop("ReplicaSets are changing hands", Extent.NOTHING)


def _still_here(snapshot: Snapshot) -> EditRollout:
    # Whoever deletes a Rollout and keeps its pods (--cascade=orphan) makes orphans first. Adopted then, they would die
    # with it; and what we know of the Rollout may be older than what we know of them. So the API server is asked, by a
    # write that it refuses once the Rollout has changed.
    return EditRollout(target(snapshot.rollout.metadata), {}, "the Rollout must still be there, and as it was seen")


def _adopt(snapshot: Snapshot, orphan: ReplicaSet) -> AdoptReplicaSet:
    owners = (*orphan.metadata.owner_references, owner(snapshot))
    return AdoptReplicaSet(target(orphan.metadata), owners, f"{orphan.metadata.name} fits and belongs to nobody")


def _release(snapshot: Snapshot, stray: ReplicaSet) -> ReleaseReplicaSet:
    uid = snapshot.rollout.metadata.uid
    owners = tuple(one for one in stray.metadata.owner_references if one.uid != uid)
    return ReleaseReplicaSet(target(stray.metadata), owners, f"the labels of {stray.metadata.name} fit no longer")
