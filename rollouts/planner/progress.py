"""Conditions: healthy, completed, progressing, timed out, available, paused (contract §2.4)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from rollouts.api import reasons
from rollouts.api.analysis import COMPLETED
from rollouts.api.meta import Condition
from rollouts.api.rollout import RolloutStatus
from rollouts.planner.actions import Announcement
from rollouts.planner.bluegreen import active, strategy_of
from rollouts.planner.conditions import Conditions, get, is_set, put, renew, without
from rollouts.planner.draft import Draft, Extent
from rollouts.planner.replicaset import next_revision
from rollouts.planner.sizes import index_of, is_whole
from rollouts.planner.snapshot import Snapshot, has_deadline, revision_of


@dataclass(frozen=True, slots=True)
class Change:
    """A status before and after this pass, with the moment."""

    snapshot: Snapshot
    old: RolloutStatus
    new: RolloutStatus
    now: datetime

    @property
    def replica_set(self) -> str:
        """The canary's name, also before it exists."""
        snapshot = self.snapshot
        return snapshot.canary.metadata.name if snapshot.canary else f"{snapshot.key.name}-{snapshot.hash}"

    @property
    def revision(self) -> int:
        """The canary's revision as it is after this pass, which creates it or numbers an old one anew."""
        snapshot = self.snapshot
        had = revision_of(snapshot.canary.metadata) if snapshot.canary else 0
        return max(had, next_revision(snapshot))

    @property
    def is_healthy(self) -> bool:
        """All pods updated and available, nothing left to release, and the specification was seen before."""
        new, snapshot = self.new, self.snapshot
        wanted = snapshot.replicas
        seen = self.old.observed_generation == str(snapshot.rollout.metadata.generation)
        if strategy_of(snapshot) is not None:
            counts = new.updated_replicas == new.available_replicas == wanted
            return seen and counts and self.is_cut_over and not self.is_paused
        counts = new.updated_replicas == new.available_replicas == new.replicas == wanted
        steps = new.current_step_index in {None, len(snapshot.steps)}
        return seen and counts and steps and self.is_completed and not self.is_paused

    @property
    def is_cut_over(self) -> bool:
        """Blue-green: every Service selects the revision in force."""
        strategy, seen = strategy_of(self.snapshot), self.new.blue_green
        wanted = {seen.active_selector} | ({seen.preview_selector} if strategy and strategy.preview_service else set())
        return wanted == {self.new.current_pod_hash}

    @property
    def is_completed(self) -> bool:
        """The template in force is the stable one."""
        return self.new.stable_rs != "" and self.new.stable_rs == self.new.current_pod_hash

    @property
    def is_paused(self) -> bool:
        """By the controller or by a person."""
        return bool(self.new.pause_conditions) or self.snapshot.spec.paused

    @property
    def progressed(self) -> bool:
        """Something moved since the status before."""
        old, new = self.old, self.new
        return (
            new.updated_replicas != old.updated_replicas
            or new.replicas - new.updated_replicas < old.replicas - old.updated_replicas
            or new.ready_replicas > old.ready_replicas
            or new.available_replicas > old.available_replicas
            or (new.stable_rs, new.current_step_index, new.current_step_hash)
            != (old.stable_rs, old.current_step_index, old.current_step_hash)
            or (new.blue_green.active_selector, new.blue_green.preview_selector)
            != (old.blue_green.active_selector, old.blue_green.preview_selector)
        )


def condition(kind: str, status: object, reason: str, message: str) -> Condition:
    """A condition without times; *status* is a bool, or "Unknown"."""
    return Condition(kind, str(status), reason, message)


def concluded(change: Change, draft: Draft) -> Draft:
    """The draft with its status's conditions as of now."""
    conditions = without(change.new.conditions, reasons.INVALID_SPEC)
    conditions, turned = _health(change, conditions)
    conditions, draft = _completion(change, conditions, draft)
    if change.new.abort:
        conditions, draft = _abort(change, conditions, draft)
    else:
        conditions, draft = _progress(change, conditions, draft, became_unhealthy=turned)
        conditions = _pause(change, conditions, draft.step_done)
    conditions = _availability(change, conditions)
    return draft.with_status(conditions=_failures(change, conditions))


def _health(change: Change, conditions: Conditions) -> tuple[Conditions, bool]:
    """Healthy is written False only where it was there; whether it just turned False."""
    if change.is_healthy:
        wanted = condition(reasons.HEALTHY, True, reasons.ROLLOUT_HEALTHY, reasons.IS_HEALTHY)
        return put(conditions, wanted, change.now), False
    if get(conditions, reasons.HEALTHY) is None:
        return conditions, False
    turned = is_set(conditions, reasons.HEALTHY)
    wanted = condition(reasons.HEALTHY, False, reasons.ROLLOUT_HEALTHY, reasons.IS_NOT_HEALTHY)
    # Status is part of what `put` compares, the reason being the same for both.
    return put(conditions, wanted, change.now), turned


def _completion(change: Change, conditions: Conditions, draft: Draft) -> tuple[Conditions, Draft]:
    done = change.is_completed
    if not done and change.new.stable_rs == "" and strategy_of(change.snapshot) is not None:
        # The first blue-green deploy is complete with its first full status: nothing was there to be replaced.
        return conditions, draft
    wanted = condition(reasons.COMPLETED, done, reasons.ROLLOUT_COMPLETED, reasons.IS_COMPLETED)
    changed = put(conditions, wanted, change.now)
    if not done and changed is not conditions:
        text = f"Rollout not completed, started update to revision {change.revision} ({change.new.current_pod_hash})"
        draft = draft.announce(Announcement("RolloutNotCompleted", text))
    return changed, draft


def _abort(change: Change, conditions: Conditions, draft: Draft) -> tuple[Conditions, Draft]:
    text = reasons.aborted(change.revision, draft.pauses.abort or "")
    wanted = condition(reasons.PROGRESSING, False, reasons.ROLLOUT_ABORTED, text)
    changed = put(conditions, wanted, change.now)
    if changed is not conditions:
        draft = draft.announce(Announcement(reasons.ROLLOUT_ABORTED, text, is_warning=True))
    return changed, draft


def _progress(
    change: Change, conditions: Conditions, draft: Draft, *, became_unhealthy: bool
) -> tuple[Conditions, Draft]:
    now, name = change.now, change.replica_set
    current = get(conditions, reasons.PROGRESSING)
    if draft.extent is Extent.RESET and change.snapshot.canary is None:
        wanted = condition(reasons.PROGRESSING, True, reasons.NEW_REPLICA_SET_CREATED, reasons.creating(name))
        return renew(conditions, wanted, now), draft
    if current is not None and current.reason == reasons.ROLLOUT_ABORTED:
        wanted = condition(reasons.PROGRESSING, "Unknown", reasons.ROLLOUT_RETRY, reasons.IS_RETRIED)
        return put(conditions, wanted, now), draft
    if _is_at_rest(change, current):
        return conditions, draft
    if change.is_healthy:
        wanted = condition(reasons.PROGRESSING, True, reasons.NEW_REPLICA_SET_AVAILABLE, reasons.progressed(name))
        return put(conditions, wanted, now), draft
    if current is None:
        wanted = condition(reasons.PROGRESSING, True, reasons.FOUND_NEW_REPLICA_SET, reasons.found(name))
        return put(conditions, wanted, now), draft
    if became_unhealthy and change.is_completed:
        lost = condition(reasons.PROGRESSING, True, reasons.REPLICA_SET_NOT_AVAILABLE, reasons.NO_MINIMUM_AVAILABILITY)
        return renew(conditions, lost, now), draft
    if change.progressed or became_unhealthy or current.reason == reasons.REPLICA_SET_CREATE_ERROR:
        wanted = condition(reasons.PROGRESSING, True, reasons.REPLICA_SET_UPDATED, reasons.progressing(name))
        return renew(conditions, wanted, now), draft
    return _deadline(change, conditions, current, draft)


def _is_at_rest(change: Change, current: Condition | None) -> bool:
    """Released and all there: no progress is to be estimated."""
    if current is None or current.reason != reasons.NEW_REPLICA_SET_AVAILABLE or current.status == "Unknown":
        return False
    return change.new.replicas == change.new.available_replicas and change.is_completed


def _deadline(change: Change, conditions: Conditions, current: Condition, draft: Draft) -> tuple[Conditions, Draft]:
    at = deadline(change, current, draft)
    if at is None:
        return conditions, draft
    if change.now <= at:
        return conditions, draft.wake(at + timedelta(seconds=1))
    text = reasons.timed_out(change.replica_set)
    wanted = condition(reasons.PROGRESSING, False, reasons.PROGRESS_DEADLINE_EXCEEDED, text)
    return put(conditions, wanted, change.now), draft


def deadline(change: Change, current: Condition, draft: Draft) -> datetime | None:
    """When the release counts as stuck, which it stays until it moves; None while it waits by nature."""
    snapshot = change.snapshot
    index = None if is_whole(snapshot, draft) else index_of(snapshot, draft)
    waits = index is not None and index < len(snapshot.steps) and snapshot.steps[index].is_waiting_step
    waits = waits or _is_analysed(snapshot, draft)
    # Of an aborted revision the deadline stays when its pods are gone: it shall not keep the next one's from counting.
    shedding = any(has_deadline(rs) and rs.spec.replicas > 0 for rs in snapshot.others)
    settled = {reasons.ROLLOUT_ABORTED, reasons.ROLLOUT_PAUSED, reasons.NEW_REPLICA_SET_AVAILABLE}
    if waits or shedding or change.is_paused or current.reason in settled or current.last_update_time is None:
        return None
    left = 0 if current.reason == reasons.PROGRESS_DEADLINE_EXCEEDED else snapshot.spec.progress_deadline_seconds
    return current.last_update_time + timedelta(seconds=left)


def _is_analysed(snapshot: Snapshot, draft: Draft) -> bool:
    """An analysis before or after promotion is under way: it takes the time that it takes."""
    if strategy_of(snapshot) is None:
        return False
    status = draft.status.blue_green
    refs = (status.pre_promotion_analysis_run_status, status.post_promotion_analysis_run_status)
    return any(ref is not None and ref.status not in COMPLETED for ref in refs)


def _pause(change: Change, conditions: Conditions, why: str) -> Conditions:
    """*why*: what ended a pause, where it was neither a person nor the pause's own duration."""
    current = get(conditions, reasons.PROGRESSING)
    reason = current.reason if current else ""
    paused = change.is_paused
    if paused and not change.is_completed:
        wanted = condition(reasons.PROGRESSING, "Unknown", reasons.ROLLOUT_PAUSED, reasons.IS_PAUSED)
        conditions = put(conditions, wanted, change.now)
    elif not paused and reason == reasons.ROLLOUT_PAUSED:
        wanted = condition(reasons.PROGRESSING, "Unknown", reasons.ROLLOUT_RESUMED, reasons.IS_RESUMED)
        conditions = put(conditions, wanted, change.now)
    if paused or get(conditions, reasons.PAUSED) is not None:
        text = reasons.IS_PAUSED if paused or not why else why
        shown = condition(reasons.PAUSED, paused, reasons.ROLLOUT_PAUSED, text)
        conditions = put(conditions, shown, change.now)
    return conditions


def _availability(change: Change, conditions: Conditions) -> Conditions:
    enough = _has_enough(change.snapshot)
    text = reasons.MINIMUM_AVAILABILITY if enough else reasons.NO_MINIMUM_AVAILABILITY
    return put(conditions, condition(reasons.AVAILABLE, enough, reasons.AVAILABLE_REASON, text), change.now)


def _has_enough(snapshot: Snapshot) -> bool:
    if strategy_of(snapshot) is None:
        return sum(rs.status.available_replicas for rs in snapshot.replica_sets) >= snapshot.replicas
    current = active(snapshot)
    return current is not None and current.spec.replicas == current.status.available_replicas == snapshot.replicas


def _failures(change: Change, conditions: Conditions) -> Conditions:
    """A ReplicaSet that cannot make pods is why nothing moves: the canary's words first."""
    canary = change.snapshot.canary
    ordered = sorted(change.snapshot.replica_sets, key=lambda rs: rs is not canary)
    failed = (get(rs.status.conditions, reasons.REPLICA_FAILURE) for rs in ordered)
    found = next((c for c in failed if c is not None), None)
    conditions_left = without(conditions, reasons.REPLICA_FAILURE)
    if found is None:
        return conditions_left
    if get(conditions, reasons.REPLICA_FAILURE) is None:
        return (*conditions_left, msgspec.structs.replace(found, last_update_time=change.now))
    return put(conditions, found, change.now)
