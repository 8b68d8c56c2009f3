"""Whom a change concerns: the Rollout itself, the owner, and whoever's newest snapshot depends on the object."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from rollouts.api.analysis import AnalysisRun, AnalysisTemplate
from rollouts.api.autoscaling import Autoscaler
from rollouts.api.keys import HASH_LABEL, MANAGED_BY
from rollouts.api.kinds import (
    ANALYSIS_RUN,
    ANALYSIS_TEMPLATE,
    AUTOSCALER,
    CLUSTER_ANALYSIS_TEMPLATE,
    CONTROLLER_REVISION,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    GROUP,
    POD,
    POD_DISRUPTION_BUDGET,
    POD_TEMPLATE,
    REPLICA_SET,
    ROLLOUT,
    SERVICE,
    STATEFUL_SET,
)
from rollouts.api.meta import Key, Kind, Metadata, Ref
from rollouts.api.workloads import (
    ControllerRevision,
    Deployment,
    EndpointSlice,
    Pod,
    PodDisruptionBudget,
    PodTemplate,
    ReplicaSet,
    Service,
    StatefulSet,
)
from rollouts.controllers.stores import SERVICE_NAME
from rollouts.kube.store import Event

PARTS_OF_A_STATEFUL_SET: Final = frozenset({POD, CONTROLLER_REVISION})

Readers = Callable[[Ref], frozenset[Key]]

# Seconds. A ReplicaSet's controller answers our write with two or three of its own within some milliseconds: to look
# after each would be to plan, and often to write, what the next one overtakes.
BURST: Final = 0.025
# Kinds whose changes come in such bursts. Whoever changes a StatefulSet's specification must be answered at once.
BURSTING: Final = frozenset({POD, CONTROLLER_REVISION, POD_DISRUPTION_BUDGET})
# Before it has answered with as many pods as are wanted, more is about to come; this is for when it does not.
UNANSWERED: Final = 0.25


def wakes(kind: Kind, event: Event[Any], readers: Readers) -> frozenset[Key]:
    """The Rollouts to look at because of *event*; *readers* tells whose snapshot depends on an object."""
    if event.old is not None and event.new is not None and _is_no_news(kind, event.old, event.new):
        return frozenset()
    if kind == ROLLOUT:
        return frozenset({event.key})
    shapes = [found for found in (event.old, event.new) if found is not None]
    concerned = {reader for found in shapes for ref in _refs(kind, found.metadata) for reader in readers(ref)}
    return frozenset(concerned | {owner for found in shapes for owner in _owners(kind, found.metadata)})


def delay(kind: Kind, event: Event[Any]) -> float:
    """Seconds from *event* to the look at what it changed."""
    if kind == REPLICA_SET:
        return BURST if event.new is None or _is_answered(event.new) else UNANSWERED
    return BURST if kind in BURSTING or (kind == STATEFUL_SET and _is_count(event)) else 0.0


def _is_count(event: Event[StatefulSet]) -> bool:
    """Its controller counted; nobody changed what is wanted."""
    old, new = event.old, event.new
    return old is not None and new is not None and old.metadata.generation == new.metadata.generation


def _is_answered(found: ReplicaSet) -> bool:
    is_observed = found.status.observed_generation >= found.metadata.generation
    return is_observed and found.status.replicas == found.spec.replicas


def _refs(kind: Kind, metadata: Metadata) -> Iterable[Ref]:
    """What snapshots call the object.

    They know endpoints by their Service, pods and revisions by their StatefulSet, and look at all orphans, budgets and
    autoscalers of a namespace.
    """
    if kind == ENDPOINT_SLICE:
        return (Ref(SERVICE, metadata.namespace, metadata.labels.get(SERVICE_NAME, "")),)
    if kind in PARTS_OF_A_STATEFUL_SET:
        owner = metadata.controller
        return (Ref(STATEFUL_SET, metadata.namespace, owner.name),) if owner else ()
    named = Ref(kind, metadata.namespace, metadata.name)
    is_orphan = kind == REPLICA_SET and metadata.controller is None and HASH_LABEL in metadata.labels
    is_one_of_all = kind in {POD_DISRUPTION_BUDGET, AUTOSCALER} or is_orphan
    return (named, named._replace(name="")) if is_one_of_all else (named,)


def _owners(kind: Kind, metadata: Metadata) -> Iterable[Key]:
    if kind == SERVICE and MANAGED_BY in metadata.annotations:
        # perhaps one that its Rollout no longer names
        return (Key(metadata.namespace, metadata.annotations[MANAGED_BY]),)
    if kind not in {REPLICA_SET, ANALYSIS_RUN}:
        return ()
    mine = (
        owner
        for owner in metadata.owner_references
        if owner.kind == ROLLOUT.name and owner.api_version.partition("/")[0] == GROUP
    )
    return (Key(metadata.namespace, owner.name) for owner in mine)


def _is_no_news(kind: Kind, old: Any, new: Any) -> bool:
    """Nothing changed that a snapshot shows; kinds without a rule always are news."""
    part = PARTS.get(kind)
    return part is not None and part(old) == part(new)


def _of_run(found: AnalysisRun) -> Any:
    status = found.status
    ends = (found.spec.get("terminate"), found.metadata.deletion_timestamp)
    return status.phase, status.message, found.metadata.labels, found.metadata.uid, ends


def _of_replica_set(found: ReplicaSet) -> Any:
    # pods that end are counted in fields that nobody here reads
    return found.spec, found.status, msgspec.structs.replace(found.metadata, resource_version="")


def _of_stateful_set(found: StatefulSet) -> Any:
    return found.spec, found.status, msgspec.structs.replace(found.metadata, resource_version="")


def _of_pod(found: Pod) -> Any:
    meta = found.metadata
    return meta.uid, meta.labels, meta.deletion_timestamp, found.status.phase, found.status.conditions


def _of_revision(found: ControllerRevision) -> Any:
    return found.metadata.uid, found.metadata.labels, found.metadata.owner_references, found.revision


def _of_budget(found: PodDisruptionBudget) -> Any:
    return found.metadata.uid, found.spec, found.status


def _of_service(found: Service) -> Any:
    return found.spec, found.metadata.annotations, found.metadata.uid, found.metadata.deletion_timestamp


def _of_slice(found: EndpointSlice) -> Any:
    return found.endpoints, found.metadata.labels


def _of_deployment(found: Deployment) -> Any:
    return found.metadata.uid, found.metadata.generation, found.metadata.deletion_timestamp, found.status.replicas


def _of_pod_template(found: PodTemplate) -> Any:
    return found.metadata.uid, found.template, found.metadata.deletion_timestamp


def _of_autoscaler(found: Autoscaler) -> Any:
    return found.metadata.uid, found.spec


def _of_template(found: AnalysisTemplate) -> Any:
    return found.metadata.uid, found.spec


PARTS: Final[dict[Kind, Callable[[Any], Any]]] = {
    ANALYSIS_RUN: _of_run,
    REPLICA_SET: _of_replica_set,
    STATEFUL_SET: _of_stateful_set,
    CONTROLLER_REVISION: _of_revision,
    POD: _of_pod,
    POD_DISRUPTION_BUDGET: _of_budget,
    SERVICE: _of_service,
    ENDPOINT_SLICE: _of_slice,
    DEPLOYMENT: _of_deployment,
    POD_TEMPLATE: _of_pod_template,
    AUTOSCALER: _of_autoscaler,
    ANALYSIS_TEMPLATE: _of_template,
    CLUSTER_ANALYSIS_TEMPLATE: _of_template,
}
