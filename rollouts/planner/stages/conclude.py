"""The whole status, computed once, whatever happened before."""

from dataclasses import replace
from datetime import datetime

from rollouts.api import reasons
from rollouts.api.rollout import RolloutStatus
from rollouts.planner.actions import Announcement
from rollouts.planner.conditions import get, put, without
from rollouts.planner.draft import Draft, Extent
from rollouts.planner.duration import tracked
from rollouts.planner.overlap import kept, told
from rollouts.planner.phase import phase_of
from rollouts.planner.progress import Change, concluded, condition, deadline
from rollouts.planner.sizes import is_whole
from rollouts.planner.snapshot import Snapshot
from rollouts.planner.tally import counted, refreshed, settled

STAGE = "conclude"


def conclude(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Write down what this pass knows, as far as it may decide. *now* is cut to whole seconds, as the API has them."""
    now = now.replace(microsecond=0)
    match draft.extent:
        case Extent.NOTHING:
            return draft
        case Extent.INVALID:
            return _refuse(snapshot, draft, now)
        case Extent.FOLLOW:
            draft = _replaced(draft, refreshed(snapshot, draft))
        case _:
            draft = _replaced(draft, counted(snapshot, draft))
            draft = _time_out(snapshot, draft, now)
    draft = draft.with_status(**settled(snapshot, draft, now))
    draft = _rewound(snapshot, draft)
    draft = _announce_pause(snapshot, draft)
    draft = concluded(Change(snapshot, snapshot.status, draft.status, now), draft)
    draft = told(snapshot, draft, now)
    draft = draft.with_status(duration=tracked(snapshot, draft.status, now))
    return _phase(snapshot, draft)


def _replaced(draft: Draft, status: RolloutStatus) -> Draft:
    return replace(draft, status=status)


def _phase(snapshot: Snapshot, draft: Draft) -> Draft:
    phase, message = phase_of(snapshot.spec, draft.status, snapshot.replicas)
    return draft.with_status(phase=phase, message=message)


def _refuse(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Condition InvalidSpec, replaced when its text changes, and one Event with each new text."""
    text = reasons.invalid(snapshot.key.name, snapshot.problems[0])
    conditions, old = draft.status.conditions, get(draft.status.conditions, reasons.INVALID_SPEC)
    if old is None or old.message != text:
        wanted = condition(reasons.INVALID_SPEC, True, reasons.INVALID_SPEC, text)
        conditions = put(without(conditions, reasons.INVALID_SPEC), wanted, now)
        draft = draft.announce(Announcement(reasons.INVALID_SPEC, text, is_warning=True))
    conditions = kept(snapshot, conditions)
    generation = str(snapshot.rollout.metadata.generation)
    return _phase(snapshot, draft.with_status(conditions=conditions, observed_generation=generation))


def _time_out(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """progressDeadlineAbort: a release that counts as stuck is aborted, unless it moved in this very pass."""
    current = get(snapshot.status.conditions, reasons.PROGRESSING)
    if not snapshot.spec.progress_deadline_abort or draft.is_aborted or draft.is_promoted or current is None:
        return draft
    change = Change(snapshot, snapshot.status, draft.status, now)
    at = deadline(change, current, draft)
    if at is None or now <= at or change.progressed:
        return draft
    text = reasons.timed_out(change.replica_set)
    said = Announcement(reasons.ROLLOUT_ABORTED, text, is_warning=True)
    return draft.pausing(abort=text).announce(said).say(STAGE, "refuse", text)


def _rewound(snapshot: Snapshot, draft: Draft) -> Draft:
    """Who sees that a release is aborted may retry it at once: by then no step of it counts as done any more."""
    if not snapshot.steps or not draft.status.abort or is_whole(snapshot, draft):
        return draft
    return draft.with_status(current_step_index=0)


def _announce_pause(snapshot: Snapshot, draft: Draft) -> Draft:
    """A pause that begins, and one that the controller itself ends; a person who ends one knows it."""
    before, after = snapshot.status.pause_conditions, draft.status.pause_conditions
    if after and not before:
        return draft.announce(Announcement(reasons.ROLLOUT_PAUSED, f"{reasons.IS_PAUSED} ({after[0].reason})"))
    by_us = draft.pauses.removed or draft.pauses.clear_all or draft.extent is Extent.RESET
    if before and not after and by_us and not draft.is_aborted:
        return draft.announce(Announcement(reasons.ROLLOUT_RESUMED, reasons.IS_RESUMED))
    return draft
