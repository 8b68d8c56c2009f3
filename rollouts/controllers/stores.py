"""Which objects this controller sees: one informer and store per kind, and how they are found again."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property, partial
from typing import Any, Final, NamedTuple, TypeVar

from msgspec import structs

from rollouts import plugins as registry
from rollouts.api import keys
from rollouts.api.analysis import AnalysisRun, AnalysisTemplate
from rollouts.api.autoscaling import Autoscaler
from rollouts.api.kinds import (
    ANALYSIS_RUN,
    ANALYSIS_TEMPLATE,
    AUTOSCALER,
    CLUSTER_ANALYSIS_TEMPLATE,
    CONTROLLER_REVISION,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    POD,
    POD_DISRUPTION_BUDGET,
    POD_TEMPLATE,
    REPLICA_SET,
    ROLLOUT,
    SERVICE,
    STATEFUL_SET,
)
from rollouts.api.meta import Key, Kind, Object
from rollouts.api.rollout import Rollout
from rollouts.api.workloads import (
    ControllerRevision,
    Deployment,
    EndpointSlice,
    ManagedField,
    Pod,
    PodDisruptionBudget,
    PodTemplate,
    ReplicaSet,
    Service,
    StatefulSet,
)
from rollouts.controllers.memory import Memory
from rollouts.controllers.refusals import complaint
from rollouts.controllers.writes import Written
from rollouts.kube.client import Client
from rollouts.kube.informer import Informer
from rollouts.kube.objects import object_decoder
from rollouts.kube.store import Event, HasMetadata, Index, Store, is_at_least
from rollouts.planner.binding import Settling
from rollouts.planner.neighbours import labels_in
from rollouts.planner.reading import Plugins
from rollouts.wire.decode import decode

BY_OWNER: Final = "owner"
BY_SERVICE: Final = "service"
BY_NAMESPACE: Final = "namespace"
BY_MARK: Final = "mark"
BY_LABEL: Final = "label"
SERVICE_NAME: Final = "kubernetes.io/service-name"
# Which of the cluster's pods are watched, a store for each selector; none may select what another one does.
WATCHED_PODS: Final = (keys.POD_NAME_LABEL, keys.HASH_LABEL)
# Without these nothing can be said of any Rollout; other kinds are waited for where a Rollout needs them.
ESSENTIAL: Final = frozenset({ROLLOUT, REPLICA_SET, ANALYSIS_RUN})
# ReplicaSets that people wrote; those of Deployments, of which there are many, are left out.
PLAIN: Final = f"!{keys.HASH_LABEL},!pod-template-hash"

Seen = TypeVar("Seen", bound=HasMetadata)
OnEvent = Callable[[Kind, Event[Any]], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """What this controller is responsible for: objects of its *instance_id*, in its *namespace* ("": all).

    *settle*: settling times by a router's name in the Rollout; "" is for all the others.
    """

    instance_id: str = ""
    namespace: str = ""
    settle: Mapping[str, timedelta] = field(default_factory=dict)

    @property
    def selector(self) -> str:
        """Selects what is ours: with an instance-id what carries it, without one what carries none."""
        return f"{keys.INSTANCE_ID_LABEL}={self.instance_id}" if self.instance_id else f"!{keys.INSTANCE_ID_LABEL}"


@dataclass(frozen=True)
class Stores:
    """The newest known objects. *cluster_templates* is None for a controller confined to a namespace.

    *pods*: one store for each of WATCHED_PODS, so that idle memory does not grow with the cluster; *replica_sets* are
    those of Rollouts, *plain_replica_sets* those that people wrote.
    """

    rollouts: Store[Rollout]
    replica_sets: Store[ReplicaSet]
    plain_replica_sets: Store[ReplicaSet]
    services: Store[Service]
    endpoint_slices: Store[EndpointSlice]
    deployments: Store[Deployment]
    pod_templates: Store[PodTemplate]
    autoscalers: Store[Autoscaler]
    stateful_sets: Store[StatefulSet]
    controller_revisions: Store[ControllerRevision]
    budgets: Store[PodDisruptionBudget]
    runs: Store[AnalysisRun]
    templates: Store[AnalysisTemplate]
    cluster_templates: Store[AnalysisTemplate] | None = None
    pods: tuple[Store[Pod], ...] = ()
    routes: Mapping[Kind, Store[Object]] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
    run_versions: dict[Key, str] = field(default_factory=dict)

    def note_runs(self, written: Iterable[Written]) -> None:
        """Note which version a Rollout's plan made of which run; "" for one that it deleted."""
        for key in [key for key in self.run_versions if self.is_run_seen(key)]:
            del self.run_versions[key]
        self.run_versions.update((one.key, one.version) for one in written if one.kind == ANALYSIS_RUN)

    def is_run_seen(self, key: Key) -> bool:
        """What a Rollout's plan last made of the run is seen, whatever its own controller has written since."""
        found, version = self.runs.get(key), self.run_versions.get(key)
        if version is None:
            return found is not None
        if not version or found is None:
            return not self.runs.is_stale(key)
        return is_at_least(found.metadata.resource_version, version)

    def of(self, kind: Kind) -> Store[Any] | None:
        """The store of *kind*, the first of several; None for a kind that nobody watches."""
        return next(iter(self._by_kind.get(kind, ())), None)

    def holding(self, kind: Kind, key: Key) -> Store[Any] | None:
        """The store of *kind* that shows *key*; the first one while none does."""
        found = (store for store in self._by_kind.get(kind, ()) if store.get(key) is not None)
        return next(found, self.of(kind))

    def unknown(self, kinds: Iterable[Kind]) -> str:
        """Why nothing can be said of one of *kinds*; "" when all were listed completely and are being watched."""
        needed = sorted(set(kinds))
        refused = {kind: verb for kind, verb in self.refused.items() if kind in needed}
        late = [kind for kind in needed if not all(store.synced for store in self._by_kind.get(kind, ()))]
        return complaint(refused) or (f"{late[0].plural} are not listed yet" if late else "")

    @property
    def refused(self) -> Mapping[Kind, str]:
        """Kinds that our account may not see, each with the verb that is refused."""
        return {kind: store.refused for kind, stores in self._by_kind.items() for store in stores if store.refused}

    @cached_property
    def _by_kind(self) -> dict[Kind, tuple[Store[Any], ...]]:
        known: dict[Kind, Store[Any] | None] = {
            ROLLOUT: self.rollouts,
            SERVICE: self.services,
            ENDPOINT_SLICE: self.endpoint_slices,
            DEPLOYMENT: self.deployments,
            POD_TEMPLATE: self.pod_templates,
            AUTOSCALER: self.autoscalers,
            STATEFUL_SET: self.stateful_sets,
            CONTROLLER_REVISION: self.controller_revisions,
            POD_DISRUPTION_BUDGET: self.budgets,
            ANALYSIS_RUN: self.runs,
            ANALYSIS_TEMPLATE: self.templates,
            CLUSTER_ANALYSIS_TEMPLATE: self.cluster_templates,
            **self.routes,
        }
        several: dict[Kind, tuple[Store[Any], ...]] = {
            POD: self.pods,
            REPLICA_SET: (self.replica_sets, self.plain_replica_sets),
        }
        return several | {kind: (store,) for kind, store in known.items() if store is not None}


def installed(settings: Settings) -> Plugins:
    """Every step, router and provider that was found, with the settling times asked for."""
    return Plugins(registry.steps(), registry.routers(), registry.providers(), Settling(settings.settle))


def informers(
    client: Client, settings: Settings, plugins: Plugins, on_event: OnEvent
) -> tuple[Stores, tuple[Informer[Any], ...]]:
    """All informers, not yet running, and their stores; *on_event* hears of every change with its kind."""
    begin = _Beginning(client, settings, on_event)
    ours, all_of_them = settings.selector, ""
    own: dict[str, Informer[Any]] = {
        "rollouts": begin.lean(ROLLOUT, Rollout, ours, {BY_LABEL: labelled, BY_NAMESPACE: namespace_of}),
        "replica_sets": begin.lean(
            REPLICA_SET, ReplicaSet, keys.HASH_LABEL, {BY_OWNER: owners, BY_NAMESPACE: namespace_of}
        ),
        "plain_replica_sets": begin.lean(REPLICA_SET, ReplicaSet, PLAIN),
        "services": begin.lean(SERVICE, Service, all_of_them, {BY_MARK: marked_for}),
        "endpoint_slices": begin.lean(ENDPOINT_SLICE, EndpointSlice, SERVICE_NAME, {BY_SERVICE: service_of}),
        "deployments": begin.lean(DEPLOYMENT, Deployment, all_of_them),
        "pod_templates": begin.lean(POD_TEMPLATE, PodTemplate, all_of_them),
        "autoscalers": begin.lean(AUTOSCALER, Autoscaler, all_of_them, {BY_NAMESPACE: namespace_of}),
        "stateful_sets": begin.stateful_sets(),
        "controller_revisions": begin.lean(
            CONTROLLER_REVISION, ControllerRevision, keys.CONTROLLER_REVISION_LABEL, {BY_OWNER: owners}
        ),
        "budgets": begin.lean(POD_DISRUPTION_BUDGET, PodDisruptionBudget, all_of_them, {BY_NAMESPACE: namespace_of}),
        "runs": begin.lean(ANALYSIS_RUN, AnalysisRun, ours, {BY_OWNER: owners}),
        "templates": begin.lean(ANALYSIS_TEMPLATE, AnalysisTemplate, ours),
    }
    if not settings.namespace:
        own["cluster_templates"] = begin.lean(CLUSTER_ANALYSIS_TEMPLATE, AnalysisTemplate, ours)
    pods = tuple(begin.lean(POD, Pod, selector, {BY_OWNER: owners}) for selector in WATCHED_PODS)
    routes = {kind: begin.whole(kind) for kind in _route_kinds(plugins)}
    fields: dict[str, Any] = {name: informer.store for name, informer in own.items()}
    fields["pods"] = tuple(informer.store for informer in pods)
    stores = Stores(routes={kind: informer.store for kind, informer in routes.items()}, **fields)
    return stores, (*own.values(), *pods, *routes.values())


def owners(found: HasMetadata) -> Iterable[str]:
    """Index: the uid of what controls the object; without one, `nobody` of its namespace."""
    owner = found.metadata.controller
    return (owner.uid if owner else nobody(found.metadata.namespace),)


def nobody(namespace: str) -> str:
    """Stands for the owner that the orphans of *namespace* do not have."""
    return f"nobody/{namespace}"


def namespace_of(found: HasMetadata) -> Iterable[str]:
    """Index: where the object is."""
    return (found.metadata.namespace,)


def service_of(found: EndpointSlice) -> Iterable[str]:
    """Index: namespace and name of the Service whose endpoints these are."""
    name = found.metadata.labels.get(SERVICE_NAME)
    return (f"{found.metadata.namespace}/{name}",) if name else ()


def marked_for(found: HasMetadata) -> Iterable[str]:
    """Index: namespace and name of the Rollout that the object is marked as managed by."""
    name = found.metadata.annotations.get(keys.MANAGED_BY)
    return (f"{found.metadata.namespace}/{name}",) if name else ()


def labelled(found: Rollout) -> Iterable[str]:
    """Index: namespace and each label of the Rollout's pods; with a workloadRef, which has them, `borrowers`."""
    space = found.metadata.namespace
    if found.spec.get("workloadRef"):
        return (borrowers(space),)
    return (f"{space}/{key}={value}" for key, value in labels_in(found.spec.get("template")).items())


def borrowers(namespace: str) -> str:
    """Stands for the labels of Rollouts of *namespace* whose template is another object's."""
    return f"{namespace}/"


def _route_kinds(plugins: Plugins) -> tuple[Kind, ...]:
    """Every kind that some router watches, each once."""
    watched = (kind for router in plugins.routers.values() for kind, verbs in router.kinds.items() if "watch" in verbs)
    return tuple(sorted(set(watched)))


class _Beginning(NamedTuple):
    """What all informers have in common."""

    client: Client
    settings: Settings
    on_event: OnEvent

    def lean(
        self, kind: Kind, form: type[Seen], selector: str, indexes: Mapping[str, Index[Any]] | None = None
    ) -> Informer[Seen]:
        return self._informer(kind, partial(_lean, form), selector, indexes)

    def stateful_sets(self) -> Informer[StatefulSet]:
        return self._informer(STATEFUL_SET, read_stateful_set, "", None)

    def whole(self, kind: Kind) -> Informer[Object]:
        return self._informer(kind, object_decoder(kind), "", None)

    def _informer(
        self, kind: Kind, read: Callable[[bytes], Seen], selector: str, indexes: Mapping[str, Index[Any]] | None
    ) -> Informer[Seen]:
        return Informer(
            kind,
            read,
            client=self.client,
            namespace=self.settings.namespace if kind.namespaced else "",
            selector=selector,
            indexes=indexes,
            on_event=partial(self.on_event, kind),
        )


def read_stateful_set(body: bytes) -> StatefulSet:
    """The StatefulSet; of what others wrote in it, only whether that was the partition."""
    found = _lean(StatefulSet, body)
    writers = tuple(
        entry if _has_partition(entry) else structs.replace(entry, fields={}) for entry in found.metadata.managed_fields
    )
    return structs.replace(found, metadata=structs.replace(found.metadata, managed_fields=writers))


def _has_partition(field: ManagedField) -> bool:
    written: Any = field.fields
    for name in ("f:spec", "f:updateStrategy", "f:rollingUpdate", "f:partition"):
        written = written.get(name)
        if written is None:
            return False
    return True


def _lean(form: type[Seen], body: bytes) -> Seen:
    """The object without kubectl's copy of it, which is as large as the object and which nobody here reads."""
    found = decode(form, body)
    found.metadata.annotations.pop(keys.LAST_APPLIED, None)
    return found
