"""Everything one decision about one Rollout needs, read once: from a cluster, or from a file that `snapshot` wrote.

What a decision depends on is only known by trying: gather, read what was looked for in vain, gather again.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec

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
from rollouts.api.meta import Json, Key, Kind, Ref
from rollouts.api.rollout import Rollout
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
from rollouts.cli.connection import Failure, absent
from rollouts.cli.neighbours import read_neighbours
from rollouts.controllers.gather import Gone, Stale, gather
from rollouts.controllers.memory import Memory
from rollouts.controllers.stores import (
    BY_LABEL,
    BY_MARK,
    BY_NAMESPACE,
    BY_OWNER,
    BY_SERVICE,
    SERVICE_NAME,
    Settings,
    Stores,
    installed,
    labelled,
    marked_for,
    namespace_of,
    owners,
    service_of,
)
from rollouts.kube.client import Client
from rollouts.kube.errors import NotFound
from rollouts.kube.objects import object_decoder
from rollouts.kube.store import Store
from rollouts.planner.snapshot import Snapshot
from rollouts.settings import Settings as Flags
from rollouts.wire.decode import decode

FORMS: Final[Mapping[Kind, type[Any]]] = {
    ROLLOUT: Rollout,
    REPLICA_SET: ReplicaSet,
    SERVICE: Service,
    ENDPOINT_SLICE: EndpointSlice,
    DEPLOYMENT: Deployment,
    POD_TEMPLATE: PodTemplate,
    AUTOSCALER: Autoscaler,
    STATEFUL_SET: StatefulSet,
    CONTROLLER_REVISION: ControllerRevision,
    POD: Pod,
    POD_DISRUPTION_BUDGET: PodDisruptionBudget,
    ANALYSIS_RUN: AnalysisRun,
    ANALYSIS_TEMPLATE: AnalysisTemplate,
    CLUSTER_ANALYSIS_TEMPLATE: AnalysisTemplate,
}

# Settling times by a router's name in the Rollout. The controller's flags are not known here; these are its defaults.
Settle = Mapping[str, timedelta]
DEFAULT_SETTLE: Final[Settle] = {"nginx": Flags().nginx_settle, "gatewayAPI": Flags().gateway_settle}


class Moment(NamedTuple):
    """A snapshot, when it was taken, and what it was made from."""

    snapshot: Snapshot
    at: datetime
    objects: tuple[dict[str, Any], ...]


@dataclass
class Objects:
    """Raw objects by kind and key; *unserved* are kinds that the cluster does not know."""

    found: dict[Kind, dict[Key, dict[str, Any]]] = field(default_factory=dict)
    unserved: set[Kind] = field(default_factory=set)

    def add(self, kind: Kind, items: Iterable[Json]) -> None:
        """Take objects in, with apiVersion and kind."""
        for item in items:
            metadata = item["metadata"]
            key = Key(metadata.get("namespace", ""), metadata["name"])
            named = {"apiVersion": kind.api_version, "kind": kind.name}
            self.found.setdefault(kind, {})[key] = named | dict(item)

    def all(self) -> Iterator[dict[str, Any]]:
        """Every object, kinds and keys in order."""
        for kind in sorted(self.found):
            yield from (self.found[kind][key] for key in sorted(self.found[kind]))

    def store(self, kind: Kind, indexes: Mapping[str, Any] | None = None) -> Store[Any]:
        """What there is of *kind*, as a controller holds it."""
        store: Store[Any] = Store(indexes, clock=lambda: 0.0)
        form, whole = FORMS.get(kind), object_decoder(kind)
        read = (lambda raw: decode(form, raw)) if form else (lambda raw: whole(msgspec.json.encode(raw)))
        if kind in self.unserved:
            store.unserved()
        else:
            store.replace([read(raw) for raw in self.found.get(kind, {}).values()], "0")
        return store


class _Noting(Memory):
    """A memory that can say what was looked for."""

    refs: frozenset[Ref] = frozenset()

    def looked_at(self, key: Key, refs: frozenset[Ref]) -> None:
        super().looked_at(key, refs)
        self.refs = refs


def gathered(key: Key, objects: Objects, settle: Settle = DEFAULT_SETTLE) -> tuple[Snapshot, frozenset[Ref]]:
    """The snapshot that a controller would make of *objects*, and what it looked for. Raises Failure."""
    memory, settings = _Noting(), _settings(key, objects, settle)
    plugins = installed(settings)
    kinds = {kind for router in plugins.routers.values() for kind in router.kinds}
    match gather(key, replace(_stores(objects, kinds), memory=memory), plugins, settings):
        case Gone():
            raise Failure(f"Rollout {key} is not there, or it is being deleted")
        case Stale(why=why):
            raise Failure(f"Rollout {key} cannot be judged: {why}")
        case snapshot:
            return snapshot, memory.refs


def _settings(key: Key, objects: Objects, settle: Settle) -> Settings:
    """Those of the controller whose Rollout this is."""
    rollout = objects.found.get(ROLLOUT, {}).get(key, {"metadata": {}})
    instance = (rollout["metadata"].get("labels") or {}).get(keys.INSTANCE_ID_LABEL, "")
    return Settings(instance_id=instance, settle=settle)


def _stores(objects: Objects, route_kinds: Iterable[Kind]) -> Stores:
    return Stores(
        rollouts=objects.store(ROLLOUT, {BY_LABEL: labelled, BY_NAMESPACE: namespace_of}),
        replica_sets=objects.store(REPLICA_SET, {BY_OWNER: owners}),
        plain_replica_sets=objects.store(REPLICA_SET),
        services=objects.store(SERVICE, {BY_MARK: marked_for}),
        endpoint_slices=objects.store(ENDPOINT_SLICE, {BY_SERVICE: service_of}),
        deployments=objects.store(DEPLOYMENT),
        pod_templates=objects.store(POD_TEMPLATE),
        autoscalers=objects.store(AUTOSCALER, {BY_NAMESPACE: namespace_of}),
        stateful_sets=objects.store(STATEFUL_SET),
        controller_revisions=objects.store(CONTROLLER_REVISION, {BY_OWNER: owners}),
        budgets=objects.store(POD_DISRUPTION_BUDGET, {BY_NAMESPACE: namespace_of}),
        pods=(objects.store(POD, {BY_OWNER: owners}),),
        runs=objects.store(ANALYSIS_RUN, {BY_OWNER: owners}),
        templates=objects.store(ANALYSIS_TEMPLATE),
        cluster_templates=objects.store(CLUSTER_ANALYSIS_TEMPLATE),
        routes={kind: objects.store(kind) for kind in route_kinds},
    )


async def read(client: Client, key: Key, now: datetime, settle: Settle = DEFAULT_SETTLE) -> Moment:
    """Read all that a decision about Rollout *key* needs; nothing is written. Raises Failure and ApiError."""
    objects, asked = Objects(), frozenset[Ref]()
    try:
        objects.add(ROLLOUT, [msgspec.json.decode(await client.get(ROLLOUT, key))])
    except NotFound:
        raise await absent(client, key) from None
    uid = objects.found[ROLLOUT][key]["metadata"]["uid"]
    for kind, selector, wanted in ((REPLICA_SET, keys.HASH_LABEL, {uid, ""}), (ANALYSIS_RUN, "", {uid})):
        objects.add(kind, _controlled(await client.list(kind, key.namespace, selector=selector), wanted))
    while True:
        snapshot, refs = gathered(key, objects, settle)
        if refs <= asked:
            return Moment(snapshot, now, tuple(objects.all()))
        for ref in sorted(refs - asked):
            if ref.kind == ROLLOUT:
                settings = _settings(key, objects, settle)
                objects.add(ROLLOUT, await read_neighbours(client, key, ref.name, settings))
            else:
                await (_fetch(client, ref, objects) if ref.name else _fetch_all(client, ref, objects))
        asked |= refs


def _controlled(items: Iterable[dict[str, Any]], by: Collection[str]) -> list[dict[str, Any]]:
    """Those whose controller has one of these uids; "" is nobody's."""
    return [item for item in items if _controller(item) in by]


def _controller(item: dict[str, Any]) -> str:
    owners = item["metadata"].get("ownerReferences") or ()
    return next((str(one["uid"]) for one in owners if one.get("controller")), "")


async def _fetch_all(client: Client, ref: Ref, objects: Objects) -> None:
    """A ref without a name stands for all of its namespace; ReplicaSets are listed already."""
    if ref.kind != REPLICA_SET:
        objects.add(ref.kind, await client.list(ref.kind, ref.namespace))


async def _fetch(client: Client, ref: Ref, objects: Objects) -> None:
    if ref.kind == SERVICE:
        selector = f"{SERVICE_NAME}={ref.name}"
        objects.add(ENDPOINT_SLICE, await client.list(ENDPOINT_SLICE, ref.namespace, selector=selector))
    try:
        found = msgspec.json.decode(await client.get(ref.kind, ref.key))
        objects.add(ref.kind, [found])
        if ref.kind == STATEFUL_SET:
            await _fetch_parts(client, found["metadata"], objects)
    except NotFound as error:
        # for a kind that it does not serve, the API server does not say what it has not found
        if ref.name not in error.message:
            objects.unserved.add(ref.kind)


async def _fetch_parts(client: Client, of: Json, objects: Objects) -> None:
    """The pods and revisions of the StatefulSet with metadata *of*."""
    for kind, selector in ((POD, keys.POD_NAME_LABEL), (CONTROLLER_REVISION, keys.CONTROLLER_REVISION_LABEL)):
        listed = await client.list(kind, of["namespace"], selector=selector)
        objects.add(kind, _controlled(listed, {of["uid"]}))
