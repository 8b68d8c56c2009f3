"""Read everything one decision needs, at one moment: nothing here awaits, so nothing changes meanwhile."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from msgspec import structs

from rollouts.api.analysis import AnalysisRun, AnalysisTemplate
from rollouts.api.autoscaling import Autoscaler
from rollouts.api.keys import PARTITION_FINALIZER
from rollouts.api.kinds import (
    ANALYSIS_RUN,
    AUTOSCALER,
    CONTROLLER_REVISION,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    POD,
    POD_DISRUPTION_BUDGET,
    POD_TEMPLATE,
    REPLICA_SET,
    SERVICE,
    STATEFUL_SET,
)
from rollouts.api.meta import Key, Kind, Object, Ref
from rollouts.api.rollout import Rollout
from rollouts.api.workloads import (
    ControllerRevision,
    Deployment,
    Endpoint,
    Pod,
    PodDisruptionBudget,
    PodTemplate,
    ReplicaSet,
    Service,
    StatefulSet,
)
from rollouts.controllers.neighbours import neighbours
from rollouts.controllers.stores import (
    BY_MARK,
    BY_NAMESPACE,
    BY_OWNER,
    BY_SERVICE,
    ESSENTIAL,
    Settings,
    Stores,
    nobody,
)
from rollouts.kube.store import HasMetadata, Store
from rollouts.planner.assembly import assemble
from rollouts.planner.neighbours import Neighbour
from rollouts.planner.reading import Plugins
from rollouts.planner.snapshot import Snapshot

# The change that is waited for wakes the Rollout when it arrives; this is for one that never does.
PATIENCE: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Gone:
    """The Rollout does not exist, or is being deleted: its objects go with it, and nothing is to be given back."""


@dataclass(frozen=True, slots=True)
class Stale:
    """What is known is older than what we wrote, or incomplete: look again after *patience*."""

    patience: timedelta
    why: str


def gather(key: Key, stores: Stores, plugins: Plugins, settings: Settings) -> Gone | Stale | Snapshot:
    """All that may be known about Rollout *key* now; `stores.memory` learns what that depends on."""
    if why := stores.unknown(ESSENTIAL):
        return Stale(PATIENCE, why)
    if stores.rollouts.is_stale(key):
        return Stale(PATIENCE, f"Rollout {key} is older than our last write to it")
    rollout = stores.rollouts.get(key)
    if rollout is None or _is_going(rollout):
        stores.memory.forget(key)
        return Gone()
    look = _Look(stores)
    snapshot = assemble(rollout, look, plugins, instance_id=settings.instance_id, recall=stores.memory.recall)
    stores.memory.looked_at(key, frozenset(look.refs))
    why = (
        stores.unknown(look.kinds)
        or _children_behind(rollout, stores)
        or _references_behind(look, stores)
        or _pods_behind(key.namespace, look, stores)
        or _revision_behind(snapshot)
    )
    return Stale(PATIENCE, why) if why else snapshot


def _is_going(rollout: Rollout) -> bool:
    """It is being deleted, and waits for nothing of ours."""
    meta = rollout.metadata
    return meta.deletion_timestamp is not None and PARTITION_FINALIZER not in meta.finalizers


@dataclass(frozen=True, slots=True)
class _Look:
    """The stores as a Cluster; *refs* collects what was looked for, *owners* whose pods were, *kinds* all of that."""

    stores: Stores
    refs: set[Ref] = field(default_factory=set)
    kinds: set[Kind] = field(default_factory=set)
    owners: set[str] = field(default_factory=set)

    def replica_sets(self, owner: str) -> tuple[ReplicaSet, ...]:
        return self.stores.replica_sets.by_index(BY_OWNER, owner)

    def orphans(self, namespace: str) -> tuple[ReplicaSet, ...]:
        found = self.stores.replica_sets.by_index(BY_OWNER, nobody(namespace))
        for key in (Key(namespace, ""), *(one.metadata.key for one in found)):
            self._note(REPLICA_SET, key)
        return found

    def replica_set(self, key: Key) -> ReplicaSet | None:
        self._note(REPLICA_SET, key)
        return self.stores.replica_sets.get(key)

    def runs(self, owner: str) -> tuple[AnalysisRun, ...]:
        return tuple(self._newest(run) for run in self.stores.runs.by_index(BY_OWNER, owner))

    def _newest(self, run: AnalysisRun) -> AnalysisRun:
        """*run* at the version that its own controller made last: what it measured binds no plan, its version does."""
        version = self.stores.runs.awaited(run.metadata.key)
        if not version:
            return run
        return structs.replace(run, metadata=structs.replace(run.metadata, resource_version=version))

    def run(self, key: Key) -> AnalysisRun | None:
        self._note(ANALYSIS_RUN, key)
        return self.stores.runs.get(key)

    def service(self, key: Key) -> Service | None:
        self._note(SERVICE, key)
        return self.stores.services.get(key)

    def endpoints(self, service: Key) -> tuple[str, ...]:
        self.kinds.add(ENDPOINT_SLICE)
        slices = self.stores.endpoint_slices.by_index(BY_SERVICE, str(service))
        return tuple(sorted({_pod(one) for slice_ in slices for one in slice_.endpoints if _is_ready_pod(one)}))

    def deployment(self, key: Key) -> Deployment | None:
        self._note(DEPLOYMENT, key)
        return self.stores.deployments.get(key)

    def plain_replica_set(self, key: Key) -> ReplicaSet | None:
        self._note(REPLICA_SET, key)
        return self.stores.plain_replica_sets.get(key)

    def pod_template(self, key: Key) -> PodTemplate | None:
        self._note(POD_TEMPLATE, key)
        return self.stores.pod_templates.get(key)

    def autoscalers(self, namespace: str) -> tuple[Autoscaler, ...]:
        self._note(AUTOSCALER, Key(namespace, ""))
        return self.stores.autoscalers.by_index(BY_NAMESPACE, namespace)

    def services_of(self, rollout: Key) -> tuple[Service, ...]:
        found = self.stores.services.by_index(BY_MARK, str(rollout))
        for key in (Key(rollout.namespace, ""), *(service.metadata.key for service in found)):
            self._note(SERVICE, key)
        return found

    def neighbours(self, rollout: Key, labels: Mapping[str, str]) -> Iterable[Neighbour]:
        found = neighbours(rollout, labels, self.stores)
        self.refs.add(found.heard_by)
        return found.neighbours

    def stateful_set(self, key: Key) -> StatefulSet | None:
        self._note(STATEFUL_SET, key)
        return self.stores.stateful_sets.get(key)

    def pods(self, owner: str) -> tuple[Pod, ...]:
        self.owners.add(owner)
        self.kinds.add(POD)
        return tuple(pod for store in self.stores.pods for pod in store.by_index(BY_OWNER, owner))

    def controller_revisions(self, owner: str) -> tuple[ControllerRevision, ...]:
        self.kinds.add(CONTROLLER_REVISION)
        return self.stores.controller_revisions.by_index(BY_OWNER, owner)

    def budgets(self, namespace: str) -> tuple[PodDisruptionBudget, ...]:
        self._note(POD_DISRUPTION_BUDGET, Key(namespace, ""))
        return self.stores.budgets.by_index(BY_NAMESPACE, namespace)

    def template(self, kind: Kind, key: Key) -> AnalysisTemplate | None:
        self._note(kind, key)
        store: Store[AnalysisTemplate] | None = self.stores.of(kind)
        return store.get(key) if store else None

    def route(self, ref: Ref) -> Object | None:
        self.refs.add(ref)
        self.kinds.add(ref.kind)
        store = self.stores.routes.get(ref.kind)
        return store.get(ref.key) if store is not None else None

    def serves(self, kind: Kind) -> bool:
        store = self.stores.of(kind)
        return store is not None and store.served

    def _note(self, kind: Kind, key: Key) -> None:
        self.refs.add(Ref(kind, key.namespace, key.name))
        self.kinds.add(kind)


def _is_ready_pod(endpoint: Endpoint) -> bool:
    """Traffic may be sent there: absent conditions count as ready, and as not terminating, by Kubernetes' rules."""
    conditions = endpoint.conditions
    is_pod = endpoint.target_ref is not None and endpoint.target_ref.kind == "Pod"
    return is_pod and conditions.ready is not False and conditions.terminating is not True


def _pod(endpoint: Endpoint) -> str:
    return endpoint.target_ref.name if endpoint.target_ref else ""


def _children_behind(rollout: Rollout, stores: Stores) -> str:
    """Which ReplicaSet or run of *rollout* is older than what we wrote; "" when none is."""
    namespace = rollout.metadata.namespace
    children: tuple[tuple[str, Store[ReplicaSet] | Store[AnalysisRun]], ...] = (
        ("ReplicaSet", stores.replica_sets),
        ("AnalysisRun", stores.runs),
    )
    for kind, store in children:
        for key in store.pending(namespace):
            found = store.get(key)
            # A run's own controller writes what was measured, maybe faster than news arrives: that is not waited for.
            if kind == "AnalysisRun" and stores.is_run_seen(key):
                continue
            if _is_child(rollout, key, found):
                return f"{kind} {key} is older than our last write to it"
    return ""


def _is_child(rollout: Rollout, key: Key, found: HasMetadata | None) -> bool:
    """By owner; what we created and have not seen yet is known by how its name begins."""
    if found is None:
        return key.name.startswith(f"{rollout.metadata.name}-")
    owner = found.metadata.controller
    return owner is not None and owner.uid == rollout.metadata.uid


def _references_behind(look: _Look, stores: Stores) -> str:
    for ref in look.refs:
        store = stores.of(ref.kind)
        if store is None:
            continue
        if store.is_stale(ref.key):
            return f"{ref} is older than our last write to it"
    return ""


def _pods_behind(namespace: str, look: _Look, stores: Stores) -> str:
    """Which pod of an owner whose pods were looked at is older than what we wrote; "" when none is."""
    for store in stores.pods:
        for key in store.pending(namespace):
            found = store.get(key)
            if found and found.metadata.controller and found.metadata.controller.uid in look.owners:
                return f"{POD.name} {key} is older than our last write to it"
    return ""


def _revision_behind(snapshot: Snapshot) -> str:
    """Which ControllerRevision of a template just changed is not known yet as the newest; "" when none is.

    Its StatefulSet's status tells the name, and the number comes with other news, which may be later. The number is
    above all others even where an old template is the newest again.
    """
    ordinals, name = snapshot.ordinals, snapshot.hash
    if ordinals is None or not ordinals.is_observed or name == snapshot.status.current_pod_hash:
        return ""
    numbers = {one.metadata.name: one.revision for one in ordinals.revisions}
    highest = max(numbers.values(), default=0)
    if numbers.get(name) == highest:
        return ""
    return f"{CONTROLLER_REVISION.name} {name} has no number above {highest}: its newest is not known yet"
