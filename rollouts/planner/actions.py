"""Everything a plan may do, as a closed union. Each action carries its reason and what makes a replay harmless."""

from collections.abc import Mapping
from dataclasses import dataclass

from rollouts.api.keys import HASH_LABEL
from rollouts.api.meta import Json, Key, OwnerReference
from trafficrouters.base import RouteChange


@dataclass(frozen=True, slots=True)
class Announcement:
    """What an Event says once the write it belongs to was accepted."""

    reason: str
    message: str
    is_warning: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """An existing object as it was seen: a write to any other version of it is refused by the API server."""

    key: Key
    uid: str
    resource_version: str


@dataclass(frozen=True, slots=True)
class CreateReplicaSet:
    """Create a revision's ReplicaSet; its name derives from the template, so that a replay meets itself."""

    key: Key
    body: Json
    because: str
    events: tuple[Announcement, ...] = ()


@dataclass(frozen=True, slots=True)
class UpdateReplicaSet:
    """Change size and bookkeeping of a ReplicaSet in one write; None leaves a field, a None value removes a key.

    *template* is a merge patch of `spec.template`: only pods made from then on are as it says.
    """

    target: Target
    because: str
    replicas: int | None = None
    annotations: Mapping[str, str | None] | None = None
    min_ready_seconds: int | None = None
    template: Json | None = None
    events: tuple[Announcement, ...] = ()


@dataclass(frozen=True, slots=True)
class DeleteReplicaSet:
    """Delete an old, empty ReplicaSet."""

    target: Target
    because: str
    events: tuple[Announcement, ...] = ()


@dataclass(frozen=True, slots=True)
class AdoptReplicaSet:
    """Become the controller of a ReplicaSet that nobody controls; *owners* are all that it has afterwards."""

    target: Target
    owners: tuple[OwnerReference, ...]
    because: str
    events: tuple[Announcement, ...] = ()


@dataclass(frozen=True, slots=True)
class ReleaseReplicaSet:
    """Let go of a ReplicaSet, pods and all; *owners* are those that it has afterwards."""

    target: Target
    owners: tuple[OwnerReference, ...]
    because: str
    events: tuple[Announcement, ...] = ()


@dataclass(frozen=True, slots=True)
class EditRollout:
    """Merge-patch the Rollout itself: revision annotation, a command taken from spec, an absent `spec.replicas`.

    An empty patch changes nothing, and is refused unless the Rollout is still the one that was seen.
    """

    target: Target
    patch: Json
    because: str
    events: tuple[Announcement, ...] = ()


@dataclass(frozen=True, slots=True)
class SwitchService:
    """Point a Service at a revision, which pods carry under *label*, and mark it as ours."""

    target: Target
    hash: str
    managed_by: str
    because: str
    events: tuple[Announcement, ...] = ()
    label: str = HASH_LABEL


@dataclass(frozen=True, slots=True)
class CreateService:
    """Create a Service of our own; its name follows from the Rollout."""

    key: Key
    body: Json
    because: str
    events: tuple[Announcement, ...] = ()


@dataclass(frozen=True, slots=True)
class FreeService:
    """Let a Service of the users select every pod again: the selector's `HASH_LABEL` and the mark `MANAGED_BY` go."""

    target: Target
    because: str
    events: tuple[Announcement, ...] = ()


@dataclass(frozen=True, slots=True)
class ReleaseService:
    """Let a Service of our own outlive the Rollout, for every pod of its StatefulSet.

    Its ownerReferences and the selector's `REVISION_LABEL` go. The annotation `MANAGED_BY` stays: a Rollout of the same
    name finds its Service by it.
    """

    target: Target
    because: str
    events: tuple[Announcement, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeRoute:
    """Write what a router rendered."""

    change: RouteChange
    because: str
    events: tuple[Announcement, ...] = ()


@dataclass(frozen=True, slots=True)
class CreateAnalysisRun:
    """Create a run; its name derives from revision and step."""

    key: Key
    body: Json
    because: str
    events: tuple[Announcement, ...] = ()


@dataclass(frozen=True, slots=True)
class TerminateAnalysisRun:
    """Ask a run to end."""

    target: Target
    because: str
    events: tuple[Announcement, ...] = ()


@dataclass(frozen=True, slots=True)
class DeleteAnalysisRun:
    """Delete a finished run that history no longer keeps."""

    target: Target
    because: str
    events: tuple[Announcement, ...] = ()


@dataclass(frozen=True, slots=True)
class ScaleDeployment:
    """Give up the pods of the Deployment that workloadRef names."""

    target: Target
    replicas: int
    because: str
    events: tuple[Announcement, ...] = ()


@dataclass(frozen=True, slots=True)
class PatchStatefulSet:
    """Merge-patch a StatefulSet's partition and our annotations on it, if it is still the version that was seen."""

    target: Target
    patch: Json
    because: str
    events: tuple[Announcement, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelPod:
    """Change labels and annotations of a pod; a None value removes a key."""

    target: Target
    labels: Mapping[str, str | None]
    annotations: Mapping[str, str | None]
    because: str
    events: tuple[Announcement, ...] = ()


@dataclass(frozen=True, slots=True)
class EvictPod:
    """Evict exactly this pod, at this version (policy/v1 Eviction with both as preconditions)."""

    target: Target
    because: str
    events: tuple[Announcement, ...] = ()


@dataclass(frozen=True, slots=True)
class DeletePod:
    """Delete exactly this pod, at this version; only for one that is not ready."""

    target: Target
    because: str
    events: tuple[Announcement, ...] = ()


Action = (
    CreateReplicaSet
    | UpdateReplicaSet
    | DeleteReplicaSet
    | AdoptReplicaSet
    | ReleaseReplicaSet
    | EditRollout
    | SwitchService
    | ChangeRoute
    | CreateAnalysisRun
    | TerminateAnalysisRun
    | DeleteAnalysisRun
    | ScaleDeployment
    | CreateService
    | FreeService
    | ReleaseService
    | PatchStatefulSet
    | LabelPod
    | EvictPod
    | DeletePod
)
