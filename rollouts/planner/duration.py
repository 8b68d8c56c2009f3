"""How long a release takes, manual pauses apart, and how it ended (contract §2.6)."""

from datetime import datetime

import msgspec

from rollouts.api import keys, reasons
from rollouts.api.rollout import RolloutDuration, RolloutStatus
from rollouts.planner.draft import Draft
from rollouts.planner.rollback import is_within_window
from rollouts.planner.snapshot import Snapshot, available, revision_of

replace = msgspec.structs.replace


def tracked(snapshot: Snapshot, status: RolloutStatus, now: datetime) -> RolloutDuration:
    """The record as of *now*: begun, paused, ended."""
    record = _begun(snapshot, status, now)
    return _ended(snapshot, status, _paused(snapshot, status, record, now), now)


def _begun(snapshot: Snapshot, status: RolloutStatus, now: datetime) -> RolloutDuration:
    """The running record; a new one for a first deploy, a release after an ended one, and a retry."""
    old, before = snapshot.status.duration, snapshot.status
    fresh = RolloutDuration(rollout_started_at=now)
    if old is None or before.current_pod_hash == "":
        return fresh if old is None else old
    retried = before.aborted_at is not None and not status.abort
    changed = before.current_pod_hash != status.current_pod_hash
    if old.finished_at is not None and (retried or (changed and not _is_at_rest(snapshot, status))):
        return fresh
    if changed and old.finished_at is None:
        return _redirected(snapshot, status, old, now)
    return old


def _is_at_rest(snapshot: Snapshot, status: RolloutStatus) -> bool:
    """Back at the stable revision, all of whose pods are there: nothing is to be released."""
    return status.current_pod_hash == status.stable_rs and available(snapshot.canary) >= snapshot.replicas


def _redirected(snapshot: Snapshot, status: RolloutStatus, old: RolloutDuration, now: datetime) -> RolloutDuration:
    """In mid-release: back to an older revision goes on in the same record, a newer one begins another."""
    if status.current_pod_hash == snapshot.status.stable_rs or _is_recent(snapshot):
        return replace(old, completion_status=reasons.FAST_ROLLED_BACK)
    if _is_older(snapshot):
        return replace(old, completion_status=reasons.ROLLED_BACK)
    return RolloutDuration(rollout_started_at=now)


def _is_older(snapshot: Snapshot) -> bool:
    """The template in force has had a ReplicaSet before: its number is not the highest, or was raised already."""
    canary = snapshot.canary
    if canary is None:
        return False
    highest = max((revision_of(found.metadata) for found in snapshot.older), default=0)
    return revision_of(canary.metadata) < highest or keys.REVISION_HISTORY in canary.metadata.annotations


def _is_recent(snapshot: Snapshot) -> bool:
    return _is_older(snapshot) and is_within_window(snapshot, Draft(snapshot.status))


def superseded(old: RolloutDuration | None, new: RolloutDuration | None) -> RolloutDuration | None:
    """The record whose place *new* took before it had ended, as ended when that began: no status keeps it."""
    now = new.rollout_started_at if new else None
    if old is None or now is None or old.finished_at is not None or old.rollout_started_at in {None, now}:
        return None
    since, total = old.manual_pause_started_at, old.total_manual_pause_duration_seconds or 0
    paused = total + (int((now - since).total_seconds()) if since else 0)
    return replace(
        old,
        finished_at=now,
        completion_status=reasons.SUPERSEDED,
        manual_pause_started_at=None,
        total_manual_pause_duration_seconds=paused,
    )


def _paused(snapshot: Snapshot, status: RolloutStatus, record: RolloutDuration, now: datetime) -> RolloutDuration:
    since = record.manual_pause_started_at
    if _is_manual(snapshot, status):
        return record if since else replace(record, manual_pause_started_at=now)
    if since is None:
        return record
    total = (record.total_manual_pause_duration_seconds or 0) + int((now - since).total_seconds())
    return replace(record, manual_pause_started_at=None, total_manual_pause_duration_seconds=total)


def _is_manual(snapshot: Snapshot, status: RolloutStatus) -> bool:
    """Only a person can end this pause."""
    if status.abort:
        return False
    if snapshot.spec.paused:
        return True
    kinds = {pause.reason for pause in status.pause_conditions}
    if reasons.INCONCLUSIVE_ANALYSIS_RUN in kinds:
        return True
    if reasons.BLUE_GREEN_PAUSE in kinds and snapshot.spec.strategy.blue_green is not None:
        return not snapshot.spec.strategy.blue_green.auto_promotion_enabled
    return reasons.CANARY_PAUSE_STEP in kinds and _is_endless(snapshot, status.current_step_index)


def _is_endless(snapshot: Snapshot, index: int | None) -> bool:
    if index is None or index >= len(snapshot.steps):
        return False
    step = snapshot.steps[index]
    return step.key == "pause" and step.parts[0].config.duration is None


def _ended(snapshot: Snapshot, status: RolloutStatus, record: RolloutDuration, now: datetime) -> RolloutDuration:
    """Ended by an abort, or promoted with all pods available."""
    if record.finished_at is not None:
        return record
    if status.abort:
        return replace(record, finished_at=now, completion_status=reasons.ABORTED)
    if not status.stable_rs or status.stable_rs != status.current_pod_hash:
        return record
    is_full = _is_full(snapshot, status)
    how = record.completion_status or (reasons.FAST_PROMOTED if is_full else reasons.PROMOTED)
    available = snapshot.canary.status.available_replicas if snapshot.canary else 0
    done = now if available >= snapshot.replicas else None
    if done is None and snapshot.spec.strategy.blue_green is not None and not is_full:
        # A canary says how it ended before its last pods are there; a blue-green release says both at once, unless
        # nothing else would remember it.
        return record
    return replace(record, completion_status=how, finished_at=done)


def _is_full(snapshot: Snapshot, status: RolloutStatus) -> bool:
    """Asked for before, or by the command carried out in this very pass, perhaps for the second time after a crash."""
    if snapshot.status.promote_full:
        return True
    is_new = status.last_command != snapshot.status.last_command
    return is_new and status.last_command.partition("@")[0] == "promoteFull"
