"""Every template has a ReplicaSet; its revision is the highest; the Rollout carries the same number."""

from datetime import datetime
from typing import Any

from rollouts.api import keys, reasons
from rollouts.api.meta import Key
from rollouts.api.workloads import ReplicaSet
from rollouts.planner.actions import Announcement, CreateReplicaSet, EditRollout, UpdateReplicaSet
from rollouts.planner.draft import Draft, Extent
from rollouts.planner.replicaset import bookkeeping, manifest, next_revision
from rollouts.planner.snapshot import Snapshot, revision_of, target

STAGE = "create_revision"


def create_revision(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Create what is missing, or keep the books of what is there."""
    _ = now
    if snapshot.canary is not None:
        return _keep_books(snapshot, draft, snapshot.canary)
    if snapshot.taken is not None:
        return _collide(snapshot, draft)
    return _create(snapshot, draft)


def _collide(snapshot: Snapshot, draft: Draft) -> Draft:
    # The name belongs to somebody else, or to another template of the same hash: the next count makes another hash.
    count = (snapshot.status.collision_count or 0) + 1
    name = f"{snapshot.key.name}-{snapshot.hash}"
    draft = draft.with_status(collision_count=count).say(
        STAGE, "hold", f"ReplicaSet {name} exists and is not this revision's: trying name number {count}"
    )
    return draft.stop("hash collision", Extent.NOTHING)


def _create(snapshot: Snapshot, draft: Draft) -> Draft:
    revision = next_revision(snapshot)
    name = f"{snapshot.key.name}-{snapshot.hash}"
    created = Announcement(reasons.NEW_REPLICA_SET_CREATED, f"Created ReplicaSet {name} (revision {revision})")
    create = CreateReplicaSet(
        Key(snapshot.key.namespace, name), manifest(snapshot), f"revision {revision} is new", (created,)
    )
    # First the number, then the ReplicaSet: clients know the Events in this order, and either survives alone.
    return _number(snapshot, draft, revision).act(create, stage=STAGE)


def _number(snapshot: Snapshot, draft: Draft, revision: int) -> Draft:
    """Write revision and workload generation to the Rollout, where clients look for them."""
    has = snapshot.rollout.metadata.annotations
    wanted = {keys.REVISION: str(revision)}
    if snapshot.workload is not None:
        wanted[keys.WORKLOAD_GENERATION] = str(snapshot.workload.metadata.generation)
    missing = {key: value for key, value in wanted.items() if has.get(key) != value}
    if not missing:
        return draft
    events: tuple[Announcement, ...] = ()
    if keys.REVISION in missing:
        events = (Announcement("RolloutUpdated", f"Rollout updated to revision {revision}"),)
    patch = {"metadata": {"annotations": missing}}
    write = EditRollout(target(snapshot.rollout.metadata), patch, f"this is revision {revision}", events)
    return draft.act(write, stage=STAGE)


def _keep_books(snapshot: Snapshot, draft: Draft, canary: ReplicaSet) -> Draft:
    annotations = bookkeeping(snapshot, canary)
    ready = snapshot.spec.min_ready_seconds
    changes: dict[str, Any] = {}
    if canary.spec.min_ready_seconds != ready:
        changes["min_ready_seconds"] = ready
    if annotations or changes:
        update = UpdateReplicaSet(
            target(canary.metadata), "its books are behind the Rollout's", annotations=annotations, **changes
        )
        draft = draft.act(update, stage=STAGE)
    return _number(snapshot, draft, int(annotations.get(keys.REVISION) or revision_of(canary.metadata)))
