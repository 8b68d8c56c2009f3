"""A StatefulSet comes under our care: what must be given back is kept first, then the partition may be written."""

from datetime import datetime
from typing import Final

from rollouts.api import keys, reasons
from rollouts.api.status import PartitionStatus
from rollouts.planner.actions import Announcement, EditRollout
from rollouts.planner.draft import Draft, Extent
from rollouts.planner.ordinals import Ordinals
from rollouts.planner.partition import keeping
from rollouts.planner.snapshot import Snapshot, target
from rollouts.planner.validation.partition import ignored_fields

STAGE: Final = "take_hold"


def take_hold(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Finalizer, the users' partition and both revisions are written down before anything moves."""
    _ = now
    ordinals = snapshot.ordinals
    if ordinals is None:
        return draft
    if not ordinals.stateful_set.status.update_revision:
        text = f"StatefulSet {ordinals.stateful_set.metadata.name} has no revision yet"
        return draft.say(STAGE, "wait", text).stop(text, Extent.NOTHING)
    if not _is_held(snapshot, ordinals):
        return _taken(snapshot, draft, ordinals)
    return _ignored(snapshot, draft, ordinals)


def _is_held(snapshot: Snapshot, ordinals: Ordinals) -> bool:
    names = {revision.metadata.name for revision in ordinals.revisions} | {
        ordinals.stateful_set.status.current_revision
    }
    kept = snapshot.status.partition is not None and snapshot.status.stable_rs in names
    return kept and keys.PARTITION_FINALIZER in snapshot.rollout.metadata.finalizers


def _taken(snapshot: Snapshot, draft: Draft, ordinals: Ordinals) -> Draft:
    finalizers = snapshot.rollout.metadata.finalizers
    if keys.PARTITION_FINALIZER not in finalizers:
        patch = {"metadata": {"finalizers": [*finalizers, keys.PARTITION_FINALIZER]}}
        why = "the partition is to be given back before this Rollout goes"
        draft = draft.act(EditRollout(target(snapshot.rollout.metadata), patch, why), stage=STAGE)
    name = ordinals.stateful_set.metadata.name
    if snapshot.status.partition is None:
        ours = ordinals.written == ordinals.partition
        draft = draft.with_status(partition=PartitionStatus(0 if ours else ordinals.partition, name))
        draft = _told_of_fields(snapshot, draft)
    return _recognized(snapshot, draft, ordinals).stop(f"StatefulSet {name} is taken into care", Extent.NOTHING)


def _told_of_fields(snapshot: Snapshot, draft: Draft) -> Draft:
    """What counts for nothing here is said once, when the StatefulSet is taken into care."""
    names = ignored_fields(snapshot.strategy)
    if not names:
        return draft
    text = f"ignored with a StatefulSet, each of whose pods has one place: {', '.join(names)}"
    return draft.announce(Announcement(reasons.FIELDS_IGNORED, text, is_warning=True)).say(STAGE, "pass", text)


def _recognized(snapshot: Snapshot, draft: Draft, ordinals: Ordinals) -> Draft:
    """Stable is what a pod made anew below the partition would be: Kubernetes' own record."""
    found = ordinals.stateful_set.status
    known = {revision.metadata.name for revision in ordinals.revisions}
    if draft.status.stable_rs in known:
        return draft
    is_done = found.current_revision == found.update_revision
    steps = len(snapshot.steps)
    return draft.with_status(
        stable_rs=found.current_revision or found.update_revision,
        current_pod_hash=found.update_revision,
        current_step_hash=snapshot.step_hash,
        current_step_index=(steps if is_done else 0) if steps else None,
    )


def _ignored(snapshot: Snapshot, draft: Draft, ordinals: Ordinals) -> Draft:
    """A size in the Rollout counts for nothing: said once for each."""
    written, kept = snapshot.spec.replicas, draft.status.partition
    told = kept.ignored_replicas if kept else None
    if written is None or written == ordinals.replicas:
        return draft if told is None else keeping(draft, ignored_replicas=None)
    if told == written:
        return draft
    name = ordinals.stateful_set.metadata.name
    text = f"spec.replicas {written} is ignored: StatefulSet {name} says {ordinals.replicas}, scale that"
    said = Announcement(reasons.REPLICAS_IGNORED, text, is_warning=True)
    return keeping(draft, ignored_replicas=written).announce(said).say(STAGE, "pass", text)
