"""The phase a client shows: status.phase, unless the status is older than what a person asked for (§2.5)."""

from rollouts.api import keys, reasons
from rollouts.api.rollout import Rollout

Phase = tuple[str, str]


def shown_phase(rollout: Rollout) -> Phase:
    """Phase and message as every client of Argo Rollouts shows them."""
    status = rollout.status
    if not _has_observed(status.observed_generation, rollout.metadata.generation):
        return reasons.PHASE_PROGRESSING, reasons.WAITING_FOR_OBSERVATION
    if not _has_observed_workload(rollout):
        return reasons.PHASE_PROGRESSING, reasons.WAITING_FOR_WORKLOAD
    if status.controller_pause and not status.pause_conditions:
        return reasons.PHASE_PROGRESSING, reasons.WAITING_FOR_UNPAUSE
    if not status.phase:
        return reasons.PHASE_PROGRESSING, reasons.WAITING_FOR_OBSERVATION
    return status.phase, status.message


def _has_observed(observed: str, generation: int) -> bool:
    # Argo Rollouts once kept a hash in this field: what is no number, or too large a one, counts as up to date.
    return not observed.isdigit() or int(observed) >= generation


def _has_observed_workload(rollout: Rollout) -> bool:
    wanted = rollout.metadata.annotations.get(keys.WORKLOAD_GENERATION, "")
    observed = rollout.status.workload_observed_generation
    if not rollout.spec.get("workloadRef") or not wanted.isdigit() or not observed.isdigit():
        return True
    return int(observed) == int(wanted)
