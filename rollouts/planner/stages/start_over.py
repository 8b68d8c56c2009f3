"""A changed template or changed steps begin a new release, or return to where nothing is left to release."""

from datetime import datetime
from typing import Final

from msgspec import structs

from rollouts.planner.actions import Announcement
from rollouts.planner.draft import Draft, Extent
from rollouts.planner.rollback import is_within_window
from rollouts.planner.snapshot import Snapshot

STAGE = "start_over_if_changed"
TO_STABLE: Final = "Rollback to stable ReplicaSets"
TO_ACTIVE: Final = "Rollback to active ReplicaSets within RollbackWindow"


def start_over_if_changed(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Reset what belongs to the former release (contract §2.3)."""
    _ = now
    status = snapshot.status
    changed = status.current_pod_hash != snapshot.canary_hash
    if not changed and status.current_step_hash == snapshot.step_hash:
        return draft
    draft = draft.with_status(
        abort=False,
        aborted_at=None,
        pause_conditions=(),
        controller_pause=False,
        promote_full=False,
        restarted_at=snapshot.spec.restart_at,
        current_pod_hash=snapshot.canary_hash,
        current_step_hash=snapshot.step_hash,
        current_step_index=0 if snapshot.steps else None,
    )
    draft = draft.with_canary(
        current_step_analysis_run_status=None,
        current_background_analysis_run_status=None,
        current_experiment="",
        step_plugin_statuses=(),
    )
    draft = draft.with_blue_green(
        scale_up_preview_check_point=False,
        pre_promotion_analysis_run_status=None,
        post_promotion_analysis_run_status=None,
    )
    if draft.status.partition is not None:
        draft = draft.with_status(partition=structs.replace(draft.status.partition, step=None))
    quick = _quick_return(snapshot, draft)
    if snapshot.steps and quick:
        draft = draft.with_status(current_step_index=len(snapshot.steps)).announce(Announcement("SkipSteps", quick))
    what = "template" if changed else "steps"
    return draft.say(STAGE, "act", f"the {what} changed: starting over").stop(f"{what} changed", Extent.RESET)


def _quick_return(snapshot: Snapshot, draft: Draft) -> str:
    """Why no step is taken on the way to the template in force; "" when steps are.

    Argo Rollouts behaviour: of a revision without pods the status shows step 0 first, and an Event tells nothing.
    """
    if snapshot.canary_hash == draft.status.stable_rs:
        return TO_STABLE
    has_pods = snapshot.canary is not None and snapshot.canary.spec.replicas > 0
    return TO_ACTIVE if has_pods and is_within_window(snapshot, draft) else ""
