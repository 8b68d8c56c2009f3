"""What a person resumed is heard once: controllerPause without a condition ends the pause it was said of, and no other.

Clients end a pause by deleting its condition. Some move the step on in the same write (Argo CD's skip-current-step),
and then no pause is there to hear it: kept, it would end the next one, which nobody has seen yet.
"""

from datetime import datetime

from rollouts.api.keys import STEP_INDEX_LABEL
from rollouts.api.rollout import AnalysisRunStatusRef, BlueGreenStrategy
from rollouts.planner.bluegreen import active_hash, strategy_of, wants_pause
from rollouts.planner.draft import Draft
from rollouts.planner.runs import current
from rollouts.planner.sizes import index_of
from rollouts.planner.snapshot import Snapshot


def settle_resume(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Forget that somebody resumed where nothing waits for that."""
    _ = now
    status = draft.status
    if not status.controller_pause or status.pause_conditions:
        return draft
    strategy = strategy_of(snapshot)
    waits = _before_steps(snapshot, draft) if strategy is None else _before_promotion(snapshot, draft, strategy)
    return draft if waits else draft.with_status(controller_pause=False)


def _before_steps(snapshot: Snapshot, draft: Draft) -> bool:
    canary, index = draft.status.canary, index_of(snapshot, draft)
    is_pause = index is not None and index < len(snapshot.steps) and snapshot.steps[index].key == "pause"
    return (
        is_pause
        or _is_inconclusive(snapshot, canary.current_step_analysis_run_status, index)
        or _is_inconclusive(snapshot, canary.current_background_analysis_run_status)
    )


def _before_promotion(snapshot: Snapshot, draft: Draft, strategy: BlueGreenStrategy) -> bool:
    status = draft.status.blue_green
    if active_hash(snapshot) == snapshot.canary_hash:
        return _is_inconclusive(snapshot, status.post_promotion_analysis_run_status)
    return wants_pause(strategy) or _is_inconclusive(snapshot, status.pre_promotion_analysis_run_status)


def _is_inconclusive(snapshot: Snapshot, ref: AnalysisRunStatusRef | None, index: int | None = None) -> bool:
    """The run could not tell; with *index* it is also that step's."""
    run = current(snapshot, ref)
    if run is None or run.status.phase != "Inconclusive":
        return False
    return index is None or run.metadata.labels.get(STEP_INDEX_LABEL) == str(index)
