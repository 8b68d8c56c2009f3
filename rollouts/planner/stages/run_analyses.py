"""The runs this release wants are there, the others end, and what they found decides (contract §5.9)."""

from datetime import datetime

from rollouts.api import keys, reasons
from rollouts.planner.draft import Draft
from rollouts.planner.rollback import is_within_window
from rollouts.planner.runnames import of_step
from rollouts.planner.runs import Role, advance, current, end, judge, trim
from rollouts.planner.sizes import goal_now, index_of
from rollouts.planner.snapshot import Snapshot


def run_analyses(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Background first, then the step's own; then everything that is nobody's any more."""
    _ = now
    skipped = draft.status.promote_full or draft.status.stable_rs == "" or is_within_window(snapshot, draft)
    if draft.is_promoted or draft.is_aborted or skipped:
        draft = end(draft, snapshot.runs, "nothing is being released")
        draft = draft.with_canary(current_step_analysis_run_status=None, current_background_analysis_run_status=None)
        return trim(snapshot, draft)
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
    role = Role(keys.RUN_TYPE_BACKGROUND, "", "spec.strategy.canary.analysis", wanted, reasons.BACKGROUND_ANALYSIS)
    draft, ref = advance(snapshot, draft, role, snapshot.status.canary.current_background_analysis_run_status)
    return judge(draft.with_canary(current_background_analysis_run_status=ref), role, ref)


def _step(snapshot: Snapshot, draft: Draft) -> Draft:
    if draft.status.pause_conditions:
        return draft
    goal, index = goal_now(snapshot, draft), index_of(snapshot, draft)
    if goal is None or goal.analysis is None or index is None:
        return draft.with_canary(current_step_analysis_run_status=None)
    path = f"spec.strategy.canary.steps[{index}].analysis"
    role = Role(keys.RUN_TYPE_STEP, of_step(index), path, goal.analysis, reasons.STEP_ANALYSIS, index)
    ref = snapshot.status.canary.current_step_analysis_run_status
    run = current(snapshot, ref)
    if run is not None and run.metadata.labels.get(keys.STEP_INDEX_LABEL) != str(index):
        ref = None
    draft, ref = advance(snapshot, draft, role, ref)
    return judge(draft.with_canary(current_step_analysis_run_status=ref), role, ref)


def _others(snapshot: Snapshot, draft: Draft) -> Draft:
    canary = draft.status.canary
    named = {
        ref.name
        for ref in (canary.current_step_analysis_run_status, canary.current_background_analysis_run_status)
        if ref
    }
    left = tuple(run for run in snapshot.runs if run.metadata.name not in named)
    return trim(snapshot, end(draft, left, "its step or release is over"), named)
