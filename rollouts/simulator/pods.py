"""Pods of ReplicaSets: made, becoming ready, deleted, as Kubernetes' ReplicaSet controller does it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from rollouts.api.meta import Json, Metadata, OwnerReference
from rollouts.api.workloads import Pod, labels_of


@dataclass(frozen=True)
class SimulatedPod:
    """One pod; *ready_at* None: never."""

    name: str
    owner: str
    labels: Mapping[str, str]
    created_at: datetime
    ready_at: datetime | None
    available_after: timedelta = timedelta(0)
    annotations: Mapping[str, str] = field(default_factory=dict)

    def is_ready(self, now: datetime) -> bool:
        """Its readiness probe succeeds."""
        return self.ready_at is not None and self.ready_at <= now

    def observed(self, namespace: str, owner: str) -> Pod:
        """As the API server would show it."""
        return Pod(
            Metadata(
                name=self.name,
                namespace=namespace,
                uid=self.name,
                creation_timestamp=self.created_at,
                labels=dict(self.labels),
                annotations=dict(self.annotations),
                owner_references=(OwnerReference("apps/v1", "ReplicaSet", self.owner, owner, True, True),),
            )
        )

    def marked(self, labels: Mapping[str, str | None], annotations: Mapping[str, str | None]) -> "SimulatedPod":
        """The pod with labels and annotations changed; None removes a key."""
        return replace(self, labels=_patched(self.labels, labels), annotations=_patched(self.annotations, annotations))

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


def _patched(has: Mapping[str, str], patch: Mapping[str, str | None]) -> dict[str, str]:
    return {key: value for key, value in {**has, **patch}.items() if value is not None}


def owner_of(pods: Mapping[str, tuple[SimulatedPod, ...]], name: str) -> str:
    """The ReplicaSet of the pod *name*; "" when none has it."""
    return next((owner for owner, owned in pods.items() if any(one.name == name for one in owned)), "")


def mark(
    pods: dict[str, tuple[SimulatedPod, ...]],
    name: str,
    labels: Mapping[str, str | None],
    annotations: Mapping[str, str | None],
) -> None:
    """Change labels and annotations of the pod *name*."""
    owner = owner_of(pods, name)
    pods[owner] = tuple(one.marked(labels, annotations) if one.name == name else one for one in pods.get(owner, ()))


def notes(replica_set: Json) -> dict[str, str]:
    """The annotations of the pods of a ReplicaSet."""
    return dict(((replica_set["spec"].get("template") or {}).get("metadata") or {}).get("annotations") or {})
