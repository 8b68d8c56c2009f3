"""Somebody else wrote the partition: it is put back before anything else is thought of, and counted."""

from datetime import datetime, timedelta
from typing import Final

from rollouts.api import reasons
from rollouts.api.meta import Condition
from rollouts.planner.actions import Announcement
from rollouts.planner.conditions import get, put, without
from rollouts.planner.draft import Draft, Extent
from rollouts.planner.ordinals import Ordinals
from rollouts.planner.partition import keeping, writer, written
from rollouts.planner.snapshot import Snapshot, available

STAGE: Final = "keep_partition"
WINDOW: Final = timedelta(minutes=10)
# So many resets may be somebody's hand.
MOST: Final = 3


def keep_partition(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Put the partition back to what we wrote, also while the specification is refused."""
    ordinals = snapshot.ordinals
    if ordinals is None or draft.status.partition is None or not _has_partition(ordinals):
        return draft
    if ordinals.written is None or ordinals.written == ordinals.partition:
        return _calmed(draft, now)
    return _put_back(snapshot, draft, ordinals, ordinals.written, now)


def _has_partition(ordinals: Ordinals) -> bool:
    """With OnDelete the API server refuses one."""
    return ordinals.stateful_set.spec.update_strategy.type == "RollingUpdate"


def _put_back(snapshot: Snapshot, draft: Draft, ordinals: Ordinals, partition: int, now: datetime) -> Draft:
    name, who = ordinals.stateful_set.metadata.name, writer(ordinals.stateful_set)
    what = f"{who} set the partition of StatefulSet {name} to {ordinals.partition}"
    moved = _moved(snapshot)
    text = f"{what}: put back to {partition}; {moved} pods of the new revision count as canary pods"
    said = Announcement(reasons.PARTITION_RESET, text, is_warning=True)
    resets = (*_recent(draft, now), now.replace(microsecond=0))
    # What others write is what their manifests say: that is given back in the end.
    draft = keeping(draft, resets=resets[-MOST - 1 :], original=ordinals.partition)
    draft = draft.act(written(snapshot, ordinals, partition, f"{what}: put back", said), stage=STAGE)
    if len(resets) > MOST:
        draft = _contested(draft, f"{len(resets)} resets within 10 minutes, the last by {who}", now)
    return draft.stop("the partition is being put back", Extent.NOTHING)


def _moved(snapshot: Snapshot) -> int:
    return 0 if snapshot.canary is snapshot.stable else available(snapshot.canary)


def _recent(draft: Draft, now: datetime) -> tuple[datetime, ...]:
    partition = draft.status.partition
    return tuple(at for at in partition.resets if now - at < WINDOW) if partition else ()


def _contested(draft: Draft, text: str, now: datetime) -> Draft:
    kind = reasons.PARTITION_CONTESTED
    news = get(draft.status.conditions, kind) is None
    text = f"somebody else keeps writing the partition: {text}; tell it to ignore that field"
    wanted = Condition(kind, "True", kind, text)
    draft = draft.with_status(conditions=put(draft.status.conditions, wanted, now.replace(microsecond=0)))
    return draft.announce(Announcement(kind, text, is_warning=True)) if news else draft


def _calmed(draft: Draft, now: datetime) -> Draft:
    """The condition goes once the resets are few again."""
    if get(draft.status.conditions, reasons.PARTITION_CONTESTED) is None:
        return draft
    recent = _recent(draft, now)
    if len(recent) > MOST:
        return draft.wake(recent[0] + WINDOW)
    return draft.with_status(conditions=without(draft.status.conditions, reasons.PARTITION_CONTESTED))
