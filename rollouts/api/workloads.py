"""The parts of Kubernetes' own objects that decisions read; templates are kept as they came, since they are hashed."""

from datetime import datetime
from typing import Any

import msgspec

from rollouts.api.meta import Condition, Json, Metadata


class Lean(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An excerpt of an observed object: unknown fields are dropped, absent ones have Kubernetes' defaults."""


class ReplicaSetSpec(Lean, frozen=True):
    """What a ReplicaSet should be; *template* is hashed and compared, so it is raw."""

    replicas: int = 1
    min_ready_seconds: int = 0
    selector: Json = {}
    template: Json = {}


class ReplicaSetStatus(Lean, frozen=True):
    """Pods counted by the ReplicaSet controller."""

    replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    observed_generation: int = 0
    conditions: tuple[Condition, ...] = ()


class ReplicaSet(Lean, frozen=True):
    """One revision's pods."""

    metadata: Metadata
    spec: ReplicaSetSpec = ReplicaSetSpec()
    status: ReplicaSetStatus = ReplicaSetStatus()


class ContainerStatus(Lean, frozen=True):
    """How one container of a pod fares."""

    name: str = ""
    ready: bool = False
    restart_count: int = 0


class PodSpec(Lean, frozen=True):
    """Where a pod runs; empty until it is scheduled."""

    node_name: str = ""


class PodStatus(Lean, frozen=True):
    """A pod's life as the kubelet reports it."""

    phase: str = ""
    reason: str = ""
    conditions: tuple[Condition, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()


class Pod(Lean, frozen=True):
    """One pod."""

    metadata: Metadata
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def is_ready(self) -> bool:
        """True while condition Ready holds."""
        return any(c.type == "Ready" and c.status == "True" for c in self.status.conditions)

    @property
    def is_deleting(self) -> bool:
        """True once somebody deleted it, though it may still run and serve."""
        return self.metadata.deletion_timestamp is not None


class ServicePort(Lean, frozen=True):
    """One port; *target_port* is a number, the name of a container port, or absent (= *port*)."""

    port: int
    name: str = ""
    protocol: str = "TCP"
    target_port: int | str | None = None
    app_protocol: str = ""


class ServiceSpec(Lean, frozen=True):
    """Which pods a Service selects, and its ports."""

    selector: dict[str, str] = {}
    ports: tuple[ServicePort, ...] = ()
    type: str = ""
    cluster_ip: str = msgspec.field(default="", name="clusterIP")


class Service(Lean, frozen=True):
    """One Service."""

    metadata: Metadata
    spec: ServiceSpec = ServiceSpec()


class DeploymentSpec(Lean, frozen=True):
    """What a Deployment that workloadRef names should be."""

    replicas: int = 1
    min_ready_seconds: int = 0
    selector: Json = {}
    template: Json = {}


class DeploymentStatus(Lean, frozen=True):
    """Pods counted by the Deployment controller."""

    replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    updated_replicas: int = 0
    observed_generation: int = 0


class Deployment(Lean, frozen=True):
    """One Deployment."""

    metadata: Metadata
    spec: DeploymentSpec = DeploymentSpec()
    status: DeploymentStatus = DeploymentStatus()


class PodTemplate(Lean, frozen=True):
    """A core PodTemplate that workloadRef names."""

    metadata: Metadata
    template: Json = {}


Workload = Deployment | ReplicaSet | PodTemplate
"""What lends a Rollout its template: the Rollout makes pods of its own from it."""


class ManagedField(Lean, frozen=True):
    """Who wrote which fields of an object or its *subresource*, and when; *fields* in the API server's notation."""

    manager: str = ""
    subresource: str = ""
    time: datetime | None = None
    fields: Json = msgspec.field(default_factory=dict, name="fieldsV1")


class ManagedMetadata(Metadata, frozen=True, rename="camel", omit_defaults=True):
    """Metadata with the names of those who wrote the object."""

    managed_fields: tuple[ManagedField, ...] = ()


class RollingUpdate(Lean, frozen=True):
    """Ordinals below *partition* keep their revision."""

    partition: int = 0
    max_unavailable: int | str | None = None


class StatefulSetUpdateStrategy(Lean, frozen=True):
    """How a StatefulSet replaces pods: `RollingUpdate` or `OnDelete`."""

    type: str = "RollingUpdate"
    rolling_update: RollingUpdate = RollingUpdate()


class StatefulSetOrdinals(Lean, frozen=True):
    """Number of the first pod."""

    start: int = 0


class StatefulSetSpec(Lean, frozen=True):
    """What a StatefulSet should be."""

    replicas: int = 1
    min_ready_seconds: int = 0
    service_name: str = ""
    pod_management_policy: str = "OrderedReady"
    update_strategy: StatefulSetUpdateStrategy = StatefulSetUpdateStrategy()
    ordinals: StatefulSetOrdinals = StatefulSetOrdinals()
    selector: Json = {}
    template: Json = {}


class StatefulSetStatus(Lean, frozen=True):
    """Pods counted by the StatefulSet controller, and the ControllerRevisions it knows."""

    replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    current_replicas: int = 0
    updated_replicas: int = 0
    current_revision: str = ""
    update_revision: str = ""
    observed_generation: int = 0
    collision_count: int | None = None


class StatefulSet(Lean, frozen=True):
    """One StatefulSet."""

    metadata: ManagedMetadata
    spec: StatefulSetSpec = StatefulSetSpec()
    status: StatefulSetStatus = StatefulSetStatus()


class ControllerRevision(Lean, frozen=True):
    """One template a StatefulSet has had; *content* is its patch of the StatefulSet, wire name `data`."""

    metadata: Metadata
    revision: int = 0
    content: Json = msgspec.field(default_factory=dict, name="data")


class PodDisruptionBudgetSpec(Lean, frozen=True):
    """How many of the pods that *selector* selects may be evicted; an absent selector selects none, `{}` all.

    *unhealthy_pod_eviction_policy*: "" is `IfHealthyBudget`.
    """

    selector: Json | None = None
    min_available: int | str | None = None
    max_unavailable: int | str | None = None
    unhealthy_pod_eviction_policy: str = ""


class PodDisruptionBudgetStatus(Lean, frozen=True):
    """What the disruption controller counted."""

    disruptions_allowed: int = 0
    current_healthy: int = 0
    desired_healthy: int = 0
    expected_pods: int = 0
    observed_generation: int = 0


class PodDisruptionBudget(Lean, frozen=True):
    """One PodDisruptionBudget."""

    metadata: Metadata
    spec: PodDisruptionBudgetSpec = PodDisruptionBudgetSpec()
    status: PodDisruptionBudgetStatus = PodDisruptionBudgetStatus()


class EndpointConditions(Lean, frozen=True):
    """Whether traffic may be sent; nil means True for ready and serving, by Kubernetes' rules."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class TargetRef(Lean, frozen=True):
    """The object behind an endpoint, usually a pod."""

    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""


class Endpoint(Lean, frozen=True):
    """One backend address of a Service."""

    addresses: tuple[str, ...] = ()
    conditions: EndpointConditions = EndpointConditions()
    target_ref: TargetRef | None = None
    node_name: str = ""


class EndpointPort(Lean, frozen=True):
    """One port of all endpoints of a slice."""

    name: str = ""
    port: int | None = None
    protocol: str = "TCP"


class EndpointSlice(Lean, frozen=True):
    """Some of a Service's endpoints; the Service's name is in label `kubernetes.io/service-name`."""

    metadata: Metadata
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[EndpointPort, ...] = ()
    address_type: str = ""


def template_of(workload: Workload | StatefulSet) -> Json:
    """The pod template of what workloadRef names."""
    return workload.template if isinstance(workload, PodTemplate) else workload.spec.template


def selector_of(workload: Workload | StatefulSet) -> Json:
    """The selector of what workloadRef names; a PodTemplate has none."""
    return {} if isinstance(workload, PodTemplate) else workload.spec.selector


def labels_of(template: Json) -> dict[str, str]:
    """A pod template's labels."""
    metadata: dict[str, Any] = template.get("metadata") or {}
    return dict(metadata.get("labels") or {})
