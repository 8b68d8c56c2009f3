"""The runs this release wants are there, the others end, and what they found decides (contract §5.9)."""

from datetime import datetime

from rollouts.api import keys, reasons
from rollouts.api.analysis import AnalysisRun
from rollouts.api.rollout import AnalysisRunStatusRef
from rollouts.planner.actions import DeleteAnalysisRun
from rollouts.planner.draft import Draft
from rollouts.planner.runnames import of_step
from rollouts.planner.runs import STAGE, Role, create, current, end, follow, judge, reserve
from rollouts.planner.sizes import goal_now, index_of
from rollouts.planner.snapshot import Snapshot, is_deleting, target


def run_analyses(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Background first, then the step's own; then everything that is nobody's any more."""
    _ = now
    if draft.is_promoted or draft.is_aborted or draft.status.promote_full or draft.status.stable_rs == "":
        draft = end(draft, snapshot.runs, "nothing is being released")
        draft = draft.with_canary(current_step_analysis_run_status=None, current_background_analysis_run_status=None)
        return _trim(snapshot, draft)
    draft = _background(snapshot, draft)
    draft = _step(snapshot, draft)
    draft = _others(snapshot, draft)
    if reasons.INCONCLUSIVE_ANALYSIS_RUN in draft.pauses.added:
        return draft.stop("an analysis run is inconclusive")
    return draft


def _background(snapshot: Snapshot, draft: Draft) -> Draft:
    wanted = snapshot.strategy.analysis
    index = index_of(snapshot, draft)
    begins = wanted.starting_step or 0 if wanted else 0
    if wanted is None or not wanted.templates or (index is not None and index < begins):
        return draft.with_canary(current_background_analysis_run_status=None)
    role = Role(keys.RUN_TYPE_BACKGROUND, "", "spec.strategy.canary.analysis", wanted)
    draft, ref = _advance(snapshot, draft, role, snapshot.status.canary.current_background_analysis_run_status)
    return judge(draft.with_canary(current_background_analysis_run_status=ref), role, ref)


def _step(snapshot: Snapshot, draft: Draft) -> Draft:
    if draft.status.pause_conditions:
        return draft
    goal, index = goal_now(snapshot, draft), index_of(snapshot, draft)
    if goal is None or goal.analysis is None or index is None:
        return draft.with_canary(current_step_analysis_run_status=None)
    path = f"spec.strategy.canary.steps[{index}].analysis"
    role = Role(keys.RUN_TYPE_STEP, of_step(index), path, goal.analysis, index)
    ref = snapshot.status.canary.current_step_analysis_run_status
    run = current(snapshot, ref)
    if run is not None and run.metadata.labels.get(keys.STEP_INDEX_LABEL) != str(index):
        ref = None
    draft, ref = _advance(snapshot, draft, role, ref)
    return judge(draft.with_canary(current_step_analysis_run_status=ref), role, ref)


def _advance(
    snapshot: Snapshot, draft: Draft, role: Role, ref: AnalysisRunStatusRef | None
) -> tuple[Draft, AnalysisRunStatusRef]:
    """Follow the run that the status names, or begin one."""
    run = current(snapshot, ref)
    if _is_spent(snapshot, draft, run):
        # What a person said goes for the run that is over: the next one may pause again.
        draft = draft.pausing(removed=(*draft.pauses.removed, reasons.INCONCLUSIVE_ANALYSIS_RUN))
        return reserve(snapshot, draft, role)
    if ref is None or ref.name in snapshot.taken_runs:
        return reserve(snapshot, draft, role)
    if run is not None:
        return follow(draft, role, ref, run)
    if ref.status:
        # Deleted by somebody: what it found is lost, so its question is asked again.
        draft = draft.say(STAGE, "act", f"{ref.name} is gone: starting again")
    return create(snapshot, draft, role, ref.name)


def _is_spent(snapshot: Snapshot, draft: Draft, run: AnalysisRun | None) -> bool:
    """The named run cannot decide any more: a person went on after an inconclusive one, or the release is retried."""
    if run is None:
        return False
    resumed = draft.status.controller_pause and not draft.status.pause_conditions
    return (resumed and run.status.phase == "Inconclusive") or snapshot.status.aborted_at is not None


def _others(snapshot: Snapshot, draft: Draft) -> Draft:
    canary = draft.status.canary
    named = {
        ref.name
        for ref in (canary.current_step_analysis_run_status, canary.current_background_analysis_run_status)
        if ref
    }
    left = tuple(run for run in snapshot.runs if run.metadata.name not in named)
    return _trim(snapshot, end(draft, left, "its step or release is over"), named)


def _trim(snapshot: Snapshot, draft: Draft, named: set[str] | None = None) -> Draft:
    """Delete finished runs beyond the history limits, newest kept, and those whose revision is gone."""
    limits = snapshot.spec.analysis
    room = {True: limits.successful_run_history_limit, False: limits.unsuccessful_run_history_limit}
    hashes = {rs.metadata.labels.get(keys.HASH_LABEL) for rs in snapshot.replica_sets if not is_deleting(rs)}
    for run in sorted(snapshot.runs, key=_created, reverse=True):
        if run.metadata.name in (named or ()) or not run.status.completed or run.metadata.deletion_timestamp:
            continue
        good = run.status.phase == "Successful"
        room[good] -= 1
        if room[good] < 0 or run.metadata.labels.get(keys.HASH_LABEL) not in hashes:
            why = f"{run.metadata.name}: history keeps no more finished runs"
            draft = draft.act(DeleteAnalysisRun(target(run.metadata), why), stage=STAGE)
    return draft


def _created(run: AnalysisRun) -> tuple[str, str]:
    at = run.metadata.creation_timestamp
    return (at.isoformat() if at else "", run.metadata.name)
