"""Writing a StatefulSet's partition, and finding out who else did."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import structs

from rollouts.api import keys, reasons
from rollouts.api.meta import Json
from rollouts.api.status import PartitionStatus
from rollouts.api.workloads import ManagedField, StatefulSet
from rollouts.planner.actions import Announcement, PatchStatefulSet
from rollouts.planner.draft import Draft
from rollouts.planner.ordinals import PINNED, Ordinals
from rollouts.planner.places import allowed, partition_for, share
from rollouts.planner.snapshot import Snapshot, target

FIELD_MANAGER: Final = "rollouts-controller"
_FIELDS: Final = ("f:spec", "f:updateStrategy", "f:rollingUpdate", "f:partition")


def keeping(draft: Draft, **changes: Any) -> Draft:
    """The draft with changes of what only a Rollout of a StatefulSet keeps in its status."""
    kept = draft.status.partition or PartitionStatus(original=0)
    return draft.with_status(partition=structs.replace(kept, **changes))


def moved(snapshot: Snapshot, draft: Draft, *, stage: str) -> Draft:
    """The partition where the step in force wants it, or why it stays."""
    ordinals = snapshot.ordinals
    assert ordinals is not None
    wanted = share(snapshot, draft)
    exposed, kept_back = allowed(snapshot, draft, wanted.exposed)
    draft = keeping(draft, step=wanted.step)
    partition = partition_for(snapshot, draft, exposed)
    if not _is_due(snapshot, ordinals, partition):
        return draft.say(stage, "hold", kept_back) if kept_back else draft
    held = _held(snapshot, draft, partition)
    if held:
        return draft.say(stage, "hold", f"partition stays {ordinals.partition}, going to {partition}: {held}")
    text = f"partition {_shown(ordinals.partition)} → {_shown(partition)}: {wanted.because}"
    said = Announcement(reasons.PARTITION_MOVED, f"StatefulSet {ordinals.stateful_set.metadata.name}: {text}")
    return draft.act(written(snapshot, ordinals, partition, text, said), stage=stage)


def written(
    snapshot: Snapshot, ordinals: Ordinals, partition: int, because: str, *events: Announcement
) -> PatchStatefulSet:
    """The write of a partition, with the notes by which it is known to be ours."""
    notes = {keys.PARTITION_MANAGED_BY: snapshot.key.name, keys.PARTITION_WRITTEN: str(partition)}
    return PatchStatefulSet(target(ordinals.stateful_set.metadata), patch(partition, notes), because, events)


def patch(partition: int | None, notes: Mapping[str, str | None]) -> Json:
    """A merge patch; None leaves the partition."""
    rolling = {} if partition is None else {"spec": {"updateStrategy": {"rollingUpdate": {"partition": partition}}}}
    return {"metadata": {"annotations": dict(notes)}, **rolling}


def _is_due(snapshot: Snapshot, ordinals: Ordinals, partition: int) -> bool:
    noted = ordinals.stateful_set.metadata.annotations.get(keys.PARTITION_MANAGED_BY) == snapshot.key.name
    return ordinals.partition != partition or ordinals.written != partition or not noted


def _held(snapshot: Snapshot, draft: Draft, partition: int) -> str:
    """Why the partition may not be lowered yet; it may always be raised."""
    ordinals, routing = snapshot.ordinals, draft.routing
    assert ordinals is not None
    if partition >= ordinals.partition:
        return ""
    if not ordinals.is_observed:
        return "the StatefulSet controller has not seen the newest specification"
    stable = snapshot.of_hash(draft.status.stable_rs)
    if stable is None or stable.spec.replicas == 0:
        # Nobody else could take the traffic: the first pod has to come back under it.
        return ""
    if draft.is_promoted and routing is not None and (routing.split.canary or routing.hold):
        return routing.hold or f"weight is {routing.split.canary}"
    return ""


def _shown(partition: int) -> str:
    return "pinned" if partition == PINNED else str(partition)


def writer(found: StatefulSet) -> str:
    """The field manager that wrote the partition last, or else whoever wrote the object last; never ourselves."""
    entries = found.metadata.managed_fields
    others = [entry for entry in entries if entry.manager != FIELD_MANAGER and not entry.subresource]
    by_time = sorted(others, key=_time)
    named = [entry for entry in by_time if _has(entry.fields, _FIELDS)]
    return (named or by_time or [ManagedField("somebody")])[-1].manager


def _time(entry: ManagedField) -> str:
    return entry.time.isoformat() if isinstance(entry.time, datetime) else ""


def _has(fields: Json, path: tuple[str, ...]) -> bool:
    found: Any = fields
    for step in path:
        if not isinstance(found, Mapping) or step not in found:
            return False
        found = found[step]
    return True
