"""status.phase and status.message: the first row of the contract's table that applies (§2.5)."""

from typing import Final

from rollouts.api import reasons
from rollouts.api.analysis import COMPLETED
from rollouts.api.meta import Condition
from rollouts.api.rollout import BlueGreenStrategy, RolloutSpec, RolloutStatus

Phase = tuple[str, str]
# Argo Rollouts calls a ReplicaSet that is refused Progressing and shows nowhere why; we show it.
FAILURES: Final = frozenset(
    {reasons.ROLLOUT_ABORTED, reasons.PROGRESS_DEADLINE_EXCEEDED, reasons.REPLICA_SET_CREATE_ERROR}
)


def phase_of(spec: RolloutSpec, status: RolloutStatus, replicas: int) -> Phase:
    """Phase and message of *status* for a Rollout that wants *replicas* pods."""
    return (
        _refused(status) or _paused(spec, status) or _progressing(spec, status, replicas) or _unpromoted(spec, status)
    )


def _refused(status: RolloutStatus) -> Phase | None:
    wrong = next((c for c in status.conditions if c.type == reasons.INVALID_SPEC), None)
    if wrong is None:
        wrong = next((c for c in status.conditions if _is_failure(c)), None)
    return (reasons.PHASE_DEGRADED, reasons.degraded(wrong.reason, wrong.message)) if wrong else None


def _is_failure(condition: Condition) -> bool:
    return condition.reason in FAILURES


def _paused(spec: RolloutSpec, status: RolloutStatus) -> Phase | None:
    if spec.paused:
        return reasons.PHASE_PAUSED, reasons.MANUALLY_PAUSED
    if status.pause_conditions:
        return reasons.PHASE_PAUSED, status.pause_conditions[0].reason
    return None


def _progressing(spec: RolloutSpec, status: RolloutStatus, replicas: int) -> Phase | None:
    if spec.restart_at is not None and spec.restart_at != status.restarted_at:
        return reasons.PHASE_PROGRESSING, reasons.RESTARTING
    if status.updated_replicas < replicas:
        return reasons.PHASE_PROGRESSING, reasons.MORE_TO_UPDATE
    if status.available_replicas < status.updated_replicas:
        return reasons.PHASE_PROGRESSING, reasons.BECOMING_AVAILABLE
    return None


def _unpromoted(spec: RolloutSpec, status: RolloutStatus) -> Phase:
    if spec.strategy.blue_green is not None:
        return _inactive(spec.strategy.blue_green, status)
    canary = spec.strategy.canary
    if canary and canary.traffic_routing is None and status.replicas > status.updated_replicas:
        return reasons.PHASE_PROGRESSING, reasons.TERMINATION_PENDING
    if status.stable_rs == "" or status.stable_rs != status.current_pod_hash:
        return reasons.PHASE_PROGRESSING, reasons.WAITING_FOR_STEPS
    return reasons.PHASE_HEALTHY, ""


def _inactive(strategy: BlueGreenStrategy, status: RolloutStatus) -> Phase:
    if not status.blue_green.active_selector or status.blue_green.active_selector != status.current_pod_hash:
        return reasons.PHASE_PROGRESSING, reasons.CUTOVER_PENDING
    if status.stable_rs != "" and status.stable_rs == status.current_pod_hash:
        return reasons.PHASE_HEALTHY, ""
    run = status.blue_green.post_promotion_analysis_run_status
    if strategy.post_promotion_analysis is not None and (run is None or run.status not in COMPLETED):
        return reasons.PHASE_PROGRESSING, reasons.WAITING_FOR_ANALYSIS
    return reasons.PHASE_PROGRESSING, reasons.WAITING_FOR_VERIFICATION
