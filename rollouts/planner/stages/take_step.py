"""At most one step completes in a pass; a pause that follows begins in the same one."""

from dataclasses import replace
from datetime import datetime

from rollouts.api import reasons
from rollouts.api.rollout import RolloutStatus
from rollouts.planner.actions import Announcement
from rollouts.planner.draft import Draft
from rollouts.planner.places import lacking
from rollouts.planner.sizes import index_of, is_whole, weight_in_force
from rollouts.planner.snapshot import Snapshot
from rollouts.steps.base import BoundStep, Done, Failed, Pause, View, Wait

STAGE = "take_step"


def take_step(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Judge the current step, if there is one to judge."""
    index = index_of(snapshot, draft)
    if index is None:
        return draft
    if is_whole(snapshot, draft):
        # A first deploy and a full promotion know no steps.
        return draft.with_status(current_step_index=len(snapshot.steps) if draft.is_promoted else index)
    if draft.is_aborted:
        return draft.with_status(current_step_index=0)
    if index == len(snapshot.steps):
        return draft
    if snapshot.spec.paused:
        return draft.say(STAGE, "hold", "spec.paused is true: a person paused the Rollout")
    return _judge(snapshot, draft, index, now)


def _judge(snapshot: Snapshot, draft: Draft, index: int, now: datetime) -> Draft:
    step = snapshot.steps[index]
    outcome = step.outcome(_view(snapshot, draft), now)
    if isinstance(outcome, Done):
        return _complete(snapshot, _explained(draft, outcome), index, now)
    return _remain(draft, step, outcome)


def _explained(draft: Draft, done: Done) -> Draft:
    if not done.text:
        return draft
    said = Announcement("PauseTimedOut", done.text)
    return replace(draft, step_done=done.text).announce(said).say(STAGE, "act", done.text)


def _remain(draft: Draft, step: BoundStep, outcome: Pause | Wait | Failed) -> Draft:
    """The step stays the current one."""
    if isinstance(outcome, Failed):
        return draft.pausing(abort=outcome.text).say(STAGE, "refuse", outcome.text)
    if isinstance(outcome, Wait):
        return draft.say(STAGE, "wait", f"{step.describe()}: {outcome.text}")
    draft = draft.say(STAGE, "wait", outcome.text).wake(outcome.until)
    return draft if _is_pausing(draft.status) else draft.pausing(added=(reasons.CANARY_PAUSE_STEP,))


def _complete(snapshot: Snapshot, draft: Draft, index: int, now: datetime) -> Draft:
    step, count = snapshot.steps[index], len(snapshot.steps)
    text = f"Rollout step {index + 1}/{count} completed ({step.describe()})"
    draft = (
        draft.with_status(current_step_index=index + 1)
        .with_canary(current_step_analysis_run_status=None)
        .announce(Announcement("RolloutStepCompleted", text))
        # of a pause that a client skipped by the index alone, the condition is still there
        .pausing(removed=(*draft.pauses.removed, reasons.CANARY_PAUSE_STEP))
        .say(STAGE, "act", text)
    )
    return _begin_pause(snapshot, draft, index + 1, now)


def _begin_pause(snapshot: Snapshot, draft: Draft, index: int, now: datetime) -> Draft:
    # Counts and traffic are as the completed step wanted them, and a pause wants nothing else: no need for a pass more.
    if index >= len(snapshot.steps) or snapshot.steps[index].key != "pause" or snapshot.steps[index - 1].key == "pause":
        return draft
    outcome = snapshot.steps[index].outcome(View(), now)
    assert not isinstance(outcome, Done), "a pause that has not begun cannot be over"
    return _remain(draft, snapshot.steps[index], outcome)


def _is_pausing(status: RolloutStatus) -> bool:
    return status.controller_pause or any(p.reason == reasons.CANARY_PAUSE_STEP for p in status.pause_conditions)


def _view(snapshot: Snapshot, draft: Draft) -> View:
    status = draft.status
    pause = next((p for p in status.pause_conditions if p.reason == reasons.CANARY_PAUSE_STEP), None)
    run = status.canary.current_step_analysis_run_status
    routing = draft.routing
    traffic = "" if not snapshot.routers else routing.hold if routing else "no traffic is routed yet"
    return View(
        counts=lacking(snapshot, draft),
        traffic=traffic or _lags(snapshot, draft),
        paused_since=pause.start_time if pause else None,
        is_resumed=status.controller_pause and pause is None,
        run=(run.status, run.message) if run else None,
    )


def _lags(snapshot: Snapshot, draft: Draft) -> str:
    """The split in effect is not yet the one this step wants; where no pod is wanted, none can carry it."""
    index, routing = index_of(snapshot, draft), draft.routing
    if routing is None or index is None or index >= len(snapshot.steps) or not snapshot.replicas:
        return ""
    wanted = weight_in_force(snapshot, draft)
    return "" if routing.split.canary == wanted else f"weight is {routing.split.canary}, going to {wanted}"
