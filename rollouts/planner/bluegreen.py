"""What a blue-green release is about: the active revision, its preview, and whether one may take the other's place.

The preview is the snapshot's canary. Everything is read from Services and ReplicaSets; only pauses, the abort, the
check point and the runs are remembered (contract §4).
"""

from datetime import datetime, timedelta
from typing import Final

from rollouts.api import keys, reasons
from rollouts.api.rollout import BlueGreenStrategy, PauseCondition
from rollouts.api.workloads import ReplicaSet
from rollouts.planner.actions import SwitchService
from rollouts.planner.arithmetic import preview_count
from rollouts.planner.conditions import get
from rollouts.planner.draft import Draft
from rollouts.planner.rollback import is_within_window
from rollouts.planner.snapshot import Snapshot, available, deadline_of, hash_of

PATH: Final = "spec.strategy.blueGreen"


def strategy_of(snapshot: Snapshot) -> BlueGreenStrategy | None:
    """The strategy, if it is this one."""
    return snapshot.spec.strategy.blue_green


def selected(snapshot: Snapshot, service: str) -> str:
    """The hash that Service *service* selects; "" while it selects no revision."""
    found = snapshot.services.get(service)
    return found.spec.selector.get(keys.HASH_LABEL, "") if found else ""


def active_hash(snapshot: Snapshot) -> str:
    """The revision that users get."""
    strategy = strategy_of(snapshot)
    return selected(snapshot, strategy.active_service) if strategy else ""


def selected_soon(snapshot: Snapshot, draft: Draft, service: str) -> str:
    """The hash that Service *service* selects once this plan is carried out: what the status may tell of it."""
    found = snapshot.services.get(service)
    switches = [action for action in draft.actions if isinstance(action, SwitchService)]
    planned = [action.hash for action in switches if found and action.target.uid == found.metadata.uid]
    return planned[-1] if planned else selected(snapshot, service)


def active(snapshot: Snapshot) -> ReplicaSet | None:
    """Its ReplicaSet."""
    return snapshot.of_hash(active_hash(snapshot))


def rightful(snapshot: Snapshot) -> ReplicaSet | None:
    """The stable revision, where users get every pod because the active Service selects no revision.

    So it is when a canary becomes blue-green in mid-release, or somebody replaces the Service. Ours: that promotes
    nothing, the Service goes to the stable one first. Not so while the first deploy was never healthy.
    """
    stable = snapshot.stable
    if active_hash(snapshot) or stable is snapshot.canary:
        return None
    return stable if get(snapshot.status.conditions, reasons.HEALTHY) else None


def is_first(snapshot: Snapshot) -> bool:
    """No revision has users by right."""
    return not active_hash(snapshot) and rightful(snapshot) is None


def preview_size(snapshot: Snapshot, draft: Draft) -> int:
    """How many pods the preview should have now."""
    strategy = strategy_of(snapshot)
    current = active(snapshot) or rightful(snapshot)
    return preview_count(
        snapshot.replicas,
        strategy.preview_replica_count if strategy else None,
        has_other_active=current is not None and current is not snapshot.canary,
        is_recorded=snapshot.status.current_pod_hash == snapshot.canary_hash,
        is_past_checkpoint=draft.status.blue_green.scale_up_preview_check_point and not is_paused(snapshot, draft),
        # who goes back to the stable revision in the analysis after the switch needs all pods of it: it is no preview
        is_fully_promoted=draft.status.promote_full or snapshot.stable is snapshot.canary,
    )


def is_paused(snapshot: Snapshot, draft: Draft) -> bool:
    """A person or the release itself waits."""
    return snapshot.spec.paused or any(p.reason not in draft.pauses.removed for p in draft.status.pause_conditions)


def halted(snapshot: Snapshot, draft: Draft) -> str:
    """Why neither Services nor pauses move; "" when they may."""
    if snapshot.spec.paused:
        return "spec.paused is true: a person paused the Rollout"
    if any(p.reason == reasons.INCONCLUSIVE_ANALYSIS_RUN for p in draft.status.pause_conditions):
        return "an analysis run is inconclusive: somebody must promote, retry or abort"
    return ""


def unready(snapshot: Snapshot, draft: Draft) -> str:
    """Why the preview is not of the size that it should have now, with numbers; "" when it is."""
    preview, wanted = snapshot.canary, preview_size(snapshot, draft)
    if preview is None:
        return "the preview is not created yet"
    have = preview.status.available_replicas
    if preview.spec.replicas == wanted == have:
        return ""
    return f"the preview has {have} of {wanted} pods available"


def unsaturated(snapshot: Snapshot) -> str:
    """Why the preview could not carry all traffic; "" when it could."""
    preview, wanted = snapshot.canary, snapshot.replicas
    if preview is None:
        return "the preview is not created yet"
    have = preview.status.available_replicas
    told = preview.metadata.annotations.get(keys.DESIRED_REPLICAS)
    if preview.spec.replicas == wanted == have and told == str(wanted):
        return ""
    return f"the preview has {have} of {wanted} pods available"


def fast_track(snapshot: Snapshot, draft: Draft, now: datetime) -> str:
    """Why pauses and the analysis before promotion are left out; "" when they are not."""
    if is_first(snapshot):
        return "the active Service selects no revision yet"
    if active_hash(snapshot) == snapshot.canary_hash:
        return "it is active already"
    if draft.status.promote_full:
        return reasons.FULL_PROMOTION
    return fast_rollback(snapshot, draft, now)


def fast_rollback(snapshot: Snapshot, draft: Draft, now: datetime) -> str:
    """Why this is a return to what was good; "" when it is none.

    Ours: a revision that was aborted is none, though its pods may still stay for their own delay.
    """
    if draft.is_promoted:
        return reasons.FAST_ROLLBACK
    if is_within_window(snapshot, draft):
        return reasons.ROLLBACK_WITHIN_WINDOW
    preview = snapshot.canary
    at = deadline_of(preview) if preview else None
    if preview is None or at is None or now > at or keys.ABORTED in preview.metadata.annotations:
        return ""
    return reasons.FAST_ROLLBACK


def pause(draft: Draft) -> PauseCondition | None:
    """The pause before promotion, unless this pass ends it."""
    if reasons.BLUE_GREEN_PAUSE in draft.pauses.removed:
        return None
    return next((p for p in draft.status.pause_conditions if p.reason == reasons.BLUE_GREEN_PAUSE), None)


def wants_pause(strategy: BlueGreenStrategy) -> bool:
    """A release of this strategy pauses before promotion."""
    return not strategy.auto_promotion_enabled or strategy.auto_promotion_seconds > 0


def pause_ends(strategy: BlueGreenStrategy, begun: PauseCondition) -> datetime | None:
    """When the pause *begun* ends by itself; None: only a person ends it."""
    if not strategy.auto_promotion_enabled:
        return None
    return begun.start_time + timedelta(seconds=strategy.auto_promotion_seconds)


def unended_pause(snapshot: Snapshot, draft: Draft, now: datetime) -> str:
    """Why the pause before promotion is not over; "" when it is, or when none is wanted."""
    strategy = strategy_of(snapshot)
    if strategy is None or not wants_pause(strategy) or draft.status.blue_green.scale_up_preview_check_point:
        return ""
    if reasons.BLUE_GREEN_PAUSE in draft.pauses.removed:
        return ""
    begun = pause(draft)
    if begun is None:
        return "" if draft.status.controller_pause else "the pause before promotion has not begun"
    ends = pause_ends(strategy, begun)
    if ends is None:
        return "paused before promotion until somebody promotes"
    return "" if now >= ends else f"paused before promotion for another {(ends - now).total_seconds():.0f} s"


def unproved(snapshot: Snapshot, draft: Draft) -> str:
    """Why the analysis before promotion does not allow it yet; "" when it does or none is wanted."""
    strategy = strategy_of(snapshot)
    if strategy is None or strategy.pre_promotion_analysis is None:
        return ""
    ref = draft.status.blue_green.pre_promotion_analysis_run_status
    if ref is not None and ref.status == "Successful":
        return ""
    return f"{ref.name} is {ref.status or 'not begun'}" if ref else "the analysis before promotion has not begun"


def carries_users(snapshot: Snapshot, revision: ReplicaSet) -> bool:
    """Proxies may still send users' requests to *revision*: the active Service selects it, or has its endpoints."""
    strategy = strategy_of(snapshot)
    if strategy is None:
        return False
    name = strategy.active_service
    return selected(snapshot, name) == hash_of(revision) or snapshot.ready_pods(name, revision) > 0


def can_take_over(snapshot: Snapshot, stable: ReplicaSet | None) -> str:
    """Why *stable* cannot carry what the preview carries now: capacity before traffic, also in aborts. "": it can."""
    have, serving = available(stable), available(snapshot.canary)
    need = max(1, min(snapshot.replicas, serving)) if snapshot.replicas else 0
    if stable is not None and have >= need:
        return ""
    return f"the stable revision has {have} of {need} pods that are needed"
