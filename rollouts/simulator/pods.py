"""Pods of ReplicaSets: made, becoming ready, deleted, as Kubernetes' ReplicaSet controller does it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rollouts.api.meta import Json
from rollouts.api.workloads import labels_of


@dataclass(frozen=True)
class SimulatedPod:
    """One pod; *ready_at* None: never."""

    name: str
    owner: str
    labels: Mapping[str, str]
    created_at: datetime
    ready_at: datetime | None
    available_after: timedelta = timedelta(0)

    def is_ready(self, now: datetime) -> bool:
        """Its readiness probe succeeds."""
        return self.ready_at is not None and self.ready_at <= now

    def is_available(self, now: datetime) -> bool:
        """Ready for minReadySeconds."""
        return self.ready_at is not None and self.ready_at + self.available_after <= now


def resized(pods: tuple[SimulatedPod, ...], wanted: int, now: datetime) -> tuple[SimulatedPod, ...]:
    """*pods* without those that a ReplicaSet of *wanted* gives up: unready ones first, then the newest."""
    by_worth = sorted(pods, key=lambda pod: (not pod.is_ready(now), pod.created_at, pod.name))
    kept = {pod.name for pod in by_worth[:wanted]}
    return tuple(pod for pod in pods if pod.name in kept)


def counts(pods: tuple[SimulatedPod, ...], generation: int, now: datetime) -> dict[str, Any]:
    """A ReplicaSet's status."""
    return {
        "replicas": len(pods),
        "readyReplicas": sum(pod.is_ready(now) for pod in pods),
        "availableReplicas": sum(pod.is_available(now) for pod in pods),
        "observedGeneration": generation,
    }


def images(template: Json) -> tuple[str, ...]:
    """The images of a template's containers."""
    containers = (template.get("spec") or {}).get("containers") or ()
    return tuple(str(container.get("image", "")) for container in containers)


def labels(replica_set: Json) -> dict[str, str]:
    """The labels of the pods of a ReplicaSet."""
    return labels_of(replica_set["spec"].get("template") or {})
