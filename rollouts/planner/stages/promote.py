"""When the canary becomes the stable revision (contract §3.3): the first row that applies."""

from datetime import datetime

from rollouts.api import reasons
from rollouts.planner.draft import Draft
from rollouts.planner.promotion import promoted
from rollouts.planner.rollback import is_within_window
from rollouts.planner.sizes import index_of, is_enough, planned
from rollouts.planner.snapshot import Snapshot, available

STAGE = "promote"


def promote(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Make the canary stable if its time has come."""
    _ = now
    why = _why(snapshot, draft)
    if why is None:
        return draft
    draft = draft.with_canary(current_step_analysis_run_status=None, current_background_analysis_run_status=None)
    return promoted(snapshot, draft, why, stage=STAGE)


def _why(snapshot: Snapshot, draft: Draft) -> str | None:
    if snapshot.canary is None:
        return None
    if snapshot.stable is None:
        return reasons.INITIAL_DEPLOY
    if draft.is_aborted and not draft.is_promoted:
        return None
    if not _has_all_pods(snapshot, draft) or not _is_current(snapshot):
        return None
    if draft.routing is not None and not draft.routing.is_in_effect:
        return None
    if snapshot.steps and _is_at_the_end(snapshot, draft) and not _has_all_traffic(snapshot, draft):
        return None
    if draft.status.promote_full:
        return reasons.FULL_PROMOTION
    if draft.is_promoted:
        return reasons.FAST_ROLLBACK
    if is_within_window(snapshot, draft):
        return reasons.ROLLBACK_WITHIN_WINDOW
    return reasons.completed_steps(len(snapshot.steps)) if _is_at_the_end(snapshot, draft) else None


def _is_current(snapshot: Snapshot) -> bool:
    """A pod of a StatefulSet that dies from now on comes back in the new revision, wherever the partition stands."""
    if snapshot.ordinals is None:
        return True
    return snapshot.ordinals.stateful_set.status.current_revision == snapshot.canary_hash


def _is_at_the_end(snapshot: Snapshot, draft: Draft) -> bool:
    """No step is left, and nobody asked to leave them out."""
    whole = draft.status.promote_full or draft.is_promoted
    return not whole and index_of(snapshot, draft) in {None, len(snapshot.steps)}


def _has_all_traffic(snapshot: Snapshot, draft: Draft) -> bool:
    """All there can be: without pods none can be had."""
    return draft.routing is None or draft.routing.split.canary == draft.routing.split.total or snapshot.replicas == 0


def _has_all_pods(snapshot: Snapshot, draft: Draft) -> bool:
    """All pods are there, or as many as replicaProgressThreshold asks for, which may be more than there will be."""
    have = available(snapshot.canary)
    if have >= snapshot.replicas:
        return True
    return is_enough(snapshot, have, snapshot.replicas, planned(snapshot.canary, draft))
