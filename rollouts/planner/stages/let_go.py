"""A Rollout that is being deleted gives the partition back where that moves nothing, and says how to finish else."""

from datetime import datetime, timedelta
from typing import Final

from rollouts.api import keys, reasons
from rollouts.planner.actions import Announcement, EditRollout, PatchStatefulSet, ReleaseService
from rollouts.planner.draft import Draft, Extent
from rollouts.planner.ordinals import Ordinals, revision_of
from rollouts.planner.partition import patch
from rollouts.planner.snapshot import Snapshot, target

STAGE: Final = "let_go"
# The StatefulSet controller may be away, and must not hold a deletion up.
PATIENCE: Final = timedelta(seconds=30)


def let_go(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Give up the StatefulSet and the Services, then the finalizer. The status stays: nobody will read it."""
    finalizers = snapshot.rollout.metadata.finalizers
    if keys.PARTITION_FINALIZER not in finalizers:
        return draft.stop("this Rollout goes", Extent.NOTHING)
    ordinals = snapshot.ordinals
    if ordinals is not None and ordinals.stateful_set.metadata.deletion_timestamp is None:
        until = _patience(snapshot, ordinals)
        if until is not None and now < until:
            text = "the StatefulSet controller has not seen the newest specification"
            return draft.say(STAGE, "wait", text).wake(until).stop(text, Extent.NOTHING)
        draft = _given_up(snapshot, draft, ordinals)
    left = [name for name in finalizers if name != keys.PARTITION_FINALIZER]
    edit = {"metadata": {"finalizers": left or None}}
    gone = EditRollout(target(snapshot.rollout.metadata), edit, "nothing is left to be given back")
    return draft.act(gone, stage=STAGE).stop("this Rollout goes", Extent.NOTHING)


def _patience(snapshot: Snapshot, ordinals: Ordinals) -> datetime | None:
    since = snapshot.rollout.metadata.deletion_timestamp
    return None if ordinals.is_observed or since is None else since + PATIENCE


def _given_up(snapshot: Snapshot, draft: Draft, ordinals: Ordinals) -> Draft:
    found = ordinals.stateful_set
    notes = dict.fromkeys((keys.PARTITION_MANAGED_BY, keys.PARTITION_WRITTEN))
    if any(note in found.metadata.annotations for note in notes):
        partition, said = _verdict(snapshot, ordinals)
        write = PatchStatefulSet(target(found.metadata), patch(partition, notes), said.message, (said,))
        draft = draft.act(write, stage=STAGE)
    for service in snapshot.services.values():
        why = f"Service {service.metadata.name} stays, and leads to every pod"
        if any(one.uid == snapshot.rollout.metadata.uid for one in service.metadata.owner_references):
            draft = draft.act(ReleaseService(target(service.metadata), why), stage=STAGE)
    return draft


def _verdict(snapshot: Snapshot, ordinals: Ordinals) -> tuple[int | None, Announcement]:
    """The partition to write, None to leave it, and what is said of it."""
    name, partition = ordinals.stateful_set.metadata.name, snapshot.status.partition
    rolls = ordinals.stateful_set.spec.update_strategy.type == "RollingUpdate"
    if partition is None or ordinals.written != ordinals.partition or not rolls:
        return None, Announcement(reasons.PARTITION_LEFT, f"the partition of StatefulSet {name} is not ours: it stays")
    if _is_whole(ordinals):
        text = f"the partition of StatefulSet {name} is {partition.original} again"
        return partition.original, Announcement(reasons.PARTITION_RESTORED, text)
    text = (
        f"StatefulSet {name} keeps partition {ordinals.partition}: with {partition.original} every pod would go to a "
        "revision that was not promoted. Bring back the old template, or lower the partition by hand to go on"
    )
    return None, Announcement(reasons.PARTITION_LEFT, text, is_warning=True)


def _is_whole(ordinals: Ordinals) -> bool:
    """Whatever the partition is, no pod moves."""
    status = ordinals.stateful_set.status
    is_same = ordinals.is_observed and status.current_revision == status.update_revision
    return is_same and all(revision_of(pod) == status.update_revision for pod in ordinals.pods)
