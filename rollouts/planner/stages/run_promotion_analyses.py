"""The analyses before and after promotion (contract §4, §5.9): begun in time, followed, and what they found decides."""

from datetime import datetime

from rollouts.api import keys, reasons
from rollouts.api.analysis import AnalysisRun
from rollouts.api.rollout import AnalysisRunStatusRef
from rollouts.planner.bluegreen import PATH, active_hash, fast_rollback, is_first, strategy_of, unready, unsaturated
from rollouts.planner.draft import Draft
from rollouts.planner.runnames import POST_PROMOTION, PRE_PROMOTION
from rollouts.planner.runs import Role, advance, current, end, judge, trim
from rollouts.planner.snapshot import Snapshot

STAGE = "run_promotion_analyses"
BAD = frozenset({"Failed", "Error"})


def run_promotion_analyses(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Before promotion, then after it; then every other run ends."""
    if _is_over(snapshot, draft, now):
        return trim(snapshot, end(draft, snapshot.runs, "nothing is being released"), _named(draft))
    is_active = active_hash(snapshot) == snapshot.canary_hash or _failed_unheard(snapshot, draft)
    draft = _after(snapshot, _heard_before(snapshot, draft)) if is_active else _before(snapshot, draft)
    left = tuple(run for run in snapshot.runs if run.metadata.name not in _wanted(draft, is_active=is_active))
    return trim(snapshot, end(draft, left, "its release is over"), _named(draft))


def _is_over(snapshot: Snapshot, draft: Draft, now: datetime) -> bool:
    skipped = draft.status.promote_full or fast_rollback(snapshot, draft, now)
    return draft.is_aborted or draft.status.stable_rs == "" or is_first(snapshot) or bool(skipped)


def _failed_unheard(snapshot: Snapshot, draft: Draft) -> bool:
    """The run after promotion failed, users were led back for it, and a crash came before the status told of an abort.

    The Service alone would say that the release is still to be promoted, and users would meet the bad revision again.
    """
    ref = draft.status.blue_green.post_promotion_analysis_run_status
    run = _ended(snapshot, ref)
    return ref is not None and run is not None and run.status.phase in BAD and ref.status not in BAD


def _ended(snapshot: Snapshot, ref: AnalysisRunStatusRef | None) -> AnalysisRun | None:
    """The run that the status names, once it has ended by itself."""
    run = current(snapshot, ref)
    return run if run is not None and run.status.completed and not run.spec.get("terminate") else None


def _heard_before(snapshot: Snapshot, draft: Draft) -> Draft:
    """What the run before promotion found, where a crash came between the switch for it and the status."""
    ref = draft.status.blue_green.pre_promotion_analysis_run_status
    run = _ended(snapshot, ref)
    if ref is None or run is None:
        return draft
    heard = AnalysisRunStatusRef(ref.name, run.status.phase, run.status.message)
    return draft.with_blue_green(pre_promotion_analysis_run_status=heard)


def _before(snapshot: Snapshot, draft: Draft) -> Draft:
    strategy = strategy_of(snapshot)
    wanted = strategy.pre_promotion_analysis if strategy else None
    ref = draft.status.blue_green.pre_promotion_analysis_run_status
    if wanted is None or (current(snapshot, ref) is None and unready(snapshot, draft)):
        return draft
    path = f"{PATH}.prePromotionAnalysis"
    role = Role(keys.RUN_TYPE_PRE_PROMOTION, PRE_PROMOTION, path, wanted, reasons.PRE_PROMOTION_ANALYSIS)
    draft, ref = advance(snapshot, draft, role, ref)
    return judge(draft.with_blue_green(pre_promotion_analysis_run_status=ref), role, ref)


def _after(snapshot: Snapshot, draft: Draft) -> Draft:
    strategy = strategy_of(snapshot)
    wanted = strategy.post_promotion_analysis if strategy else None
    ref = draft.status.blue_green.post_promotion_analysis_run_status
    if wanted is None or (current(snapshot, ref) is None and unsaturated(snapshot)):
        return draft
    path = f"{PATH}.postPromotionAnalysis"
    role = Role(keys.RUN_TYPE_POST_PROMOTION, POST_PROMOTION, path, wanted, reasons.POST_PROMOTION_ANALYSIS)
    draft, ref = advance(snapshot, draft, role, ref)
    return judge(draft.with_blue_green(post_promotion_analysis_run_status=ref), role, ref)


def _wanted(draft: Draft, *, is_active: bool) -> set[str]:
    """Runs that may go on: the one before promotion ends with the switch."""
    pre, post = _refs(draft)
    return {ref.name for ref in ((post,) if is_active else (pre, post)) if ref}


def _named(draft: Draft) -> set[str]:
    return {ref.name for ref in _refs(draft) if ref}


def _refs(draft: Draft) -> tuple[AnalysisRunStatusRef | None, AnalysisRunStatusRef | None]:
    status = draft.status.blue_green
    return status.pre_promotion_analysis_run_status, status.post_promotion_analysis_run_status
