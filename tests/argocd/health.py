"""Argo CD's published health rules for Rollout and AnalysisRun, as it computes them from the stored object alone."""

from collections.abc import Mapping
from typing import Any, NamedTuple

OBSERVING = "Waiting for rollout spec update to be observed"
WORKLOAD = "rollout.argoproj.io/workload-generation"
OF_PHASE = {"Paused": "Suspended", "Progressing": "Progressing", "Degraded": "Degraded", "Healthy": "Healthy"}
OF_RUN = {
    "Pending": "Progressing",
    "Running": "Progressing",
    "Successful": "Healthy",
    "Failed": "Degraded",
    "Error": "Degraded",
    "Inconclusive": "Unknown",
}


class Health(NamedTuple):
    """What stands beside the object's name."""

    status: str
    message: str = ""


def rollout_health(raw: Mapping[str, Any]) -> Health:
    """By generations first, then by the phase."""
    status = raw.get("status")
    if not status:
        return Health("Progressing", "Waiting for rollout to finish")
    if not is_observed(raw["metadata"].get("generation", 0), status.get("observedGeneration", "")):
        return Health("Progressing", OBSERVING)
    if "workloadRef" in raw["spec"]:
        wanted = (raw["metadata"].get("annotations") or {}).get(WORKLOAD, "")
        if wanted != status.get("workloadObservedGeneration", ""):
            return Health("Progressing", f"{OBSERVING} for the reference workload")
    if "phase" not in status:
        return _by_conditions(status)
    return Health(OF_PHASE[status["phase"]], status.get("message", ""))


def _by_conditions(status: Mapping[str, Any]) -> Health:
    """The first write of a Rollout has no phase yet."""
    for condition in status.get("conditions", ()):
        if condition["type"] == "InvalidSpec" or condition["reason"] in {"ProgressDeadlineExceeded", "RolloutAborted"}:
            return Health("Degraded", condition["message"])
    return Health("Progressing", "Waiting for rollout to finish")


def is_observed(generation: int, observed: str) -> bool:
    """Equal is observed; greater or no number at all was written by a release that stored a hash there."""
    return not observed.isdigit() or int(observed) >= generation


def run_health(raw: Mapping[str, Any]) -> Health:
    """Of an AnalysisRun; without a status it has not begun."""
    status = raw.get("status") or {}
    return Health(OF_RUN[status.get("phase") or "Pending"], status.get("message", ""))
