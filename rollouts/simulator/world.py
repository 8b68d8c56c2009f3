"""A cluster in memory: actions go in, time passes, objects can be looked at.

It knows what a release depends on: ReplicaSets and StatefulSets getting pods, pods becoming ready, endpoints that
follow, data planes that follow later, AnalysisRuns that end, a Deployment that shrinks. It is no API server and must
not become one.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final, assert_never

from msgspec import to_builtins

from rollouts.api import keys
from rollouts.api.kinds import (
    ANALYSIS_RUN,
    DEPLOYMENT,
    GATEWAY,
    HTTP_ROUTE,
    INGRESS,
    POD,
    POD_DISRUPTION_BUDGET,
    REPLICA_SET,
    ROLLOUT,
    SERVICE,
    STATEFUL_SET,
)
from rollouts.api.meta import Json, Key, Kind, Ref
from rollouts.planner.actions import (
    Action,
    AdoptReplicaSet,
    ChangeRoute,
    CreateAnalysisRun,
    CreateReplicaSet,
    CreateService,
    DeleteAnalysisRun,
    DeletePod,
    DeleteReplicaSet,
    EditRollout,
    EvictPod,
    FreeService,
    LabelPod,
    PatchStatefulSet,
    ReleaseReplicaSet,
    ReleaseService,
    ScaleDeployment,
    SwitchService,
    TerminateAnalysisRun,
    UpdateReplicaSet,
)
from rollouts.planner.replicaset import patch_of
from rollouts.planner.servicepatch import service_patch
from rollouts.simulator import pods as podwork
from rollouts.simulator.dataplane import DataPlane
from rollouts.simulator.lags import Lags
from rollouts.simulator.objects import FIELD_MANAGER, Objects
from rollouts.simulator.pods import SimulatedPod
from rollouts.simulator.statefulsets import StatefulSets
from rollouts.wire.durations import rfc3339
from trafficrouters.base import CreateRoute, RouteChange

Placed = CreateService | FreeService | ReleaseService | PatchStatefulSet | LabelPod | EvictPod | DeletePod
FINISHED: Final = ("Successful", "Failed", "Error", "Inconclusive")


@dataclass(frozen=True)
class Habits:
    """What this cluster does differently from one where all goes well.

    *never_ready*: images whose pods never become ready. *verdicts*: by label `rollout-type`, how AnalysisRuns of that
    type end one after the other, the last for all further ones; `Running` never ends by itself.
    """

    never_ready: frozenset[str] = frozenset()
    verdicts: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {keys.RUN_TYPE_STEP: ("Successful",), keys.RUN_TYPE_BACKGROUND: ("Running",)}
    )


class World:
    """The cluster at *now*, with what is on its way."""

    def __init__(self, start: datetime, lags: Lags | None = None, habits: Habits | None = None) -> None:
        self.now = start
        self.lags = lags or Lags()
        self.habits = habits or Habits()
        self.objects = Objects()
        self.endpoints: dict[str, tuple[str, ...]] = {}
        self.dataplane = DataPlane()
        self.pods: dict[str, tuple[SimulatedPod, ...]] = {}
        self.revision_of_pod: dict[str, str] = {}
        self.stateful_sets = StatefulSets(self)
        self._coming: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = count()
        self._counted: Counter[tuple[str, str]] = Counter()
        self._latest: dict[tuple[str, str], datetime] = {}

    # Time

    @property
    def next(self) -> datetime | None:
        """When something happens next without anybody's doing."""
        return self._coming[0][0] if self._coming else None

    def advance(self, to: datetime) -> None:
        """Let time pass until *to*; what comes up on the way happens in order."""
        while self._coming and self._coming[0][0] <= to:
            self.now, _, effect = heappop(self._coming)
            effect()
        self.now = max(self.now, to)

    def later(self, what: str, which: str, effect: Callable[[], None]) -> None:
        """Let *effect* happen after a while, but not before an earlier one of the same *what* and *which*."""
        number = self._counted[what, which]
        self._counted[what, which] += 1
        at = max(self.now + self.lags.of(what, which, number), self._latest.get((what, which), self.now))
        self._latest[what, which] = at
        self._at(at, effect)

    def after(self, seconds: float, effect: Callable[[], None]) -> None:
        """Let *effect* happen after so many seconds."""
        self._at(self.now + timedelta(seconds=seconds), effect)

    def _at(self, at: datetime, effect: Callable[[], None]) -> None:
        heappush(self._coming, (at, next(self._order), effect))

    # Writes

    def create(self, kind: Kind, body: Json, manager: str = "") -> Ref:
        """Put an object in; raises Refused when its name is taken."""
        metadata = body["metadata"]
        ref = Ref(kind, metadata.get("namespace", "default"), metadata["name"])
        self.objects.create(ref, body, self.now, manager)
        self._react(ref)
        return ref

    def patch(self, ref: Ref, patch: Json, *, version: str = "", manager: str = "") -> None:
        """Merge-patch an object, as kubectl or the controller does; raises Refused."""
        before = self.objects.get(ref)
        if self.objects.patch(ref, patch, self.now, version=version, manager=manager) is not before:
            self._react(ref)

    def patch_status(self, ref: Ref, patch: Json, *, version: str = "") -> None:
        """Merge-patch an object's status; raises Refused."""
        self.objects.patch_status(ref, patch, self.now, version=version)

    def apply(self, action: Action, versions: dict[Ref, str]) -> None:
        """Carry out one action; raises Refused where the API server would refuse it.

        *versions* are those that this plan's own writes made, in place of those it was made from.
        """
        match action:
            case CreateReplicaSet(body=body):
                self.create(REPLICA_SET, body, FIELD_MANAGER)
            case CreateAnalysisRun(body=body):
                self.create(ANALYSIS_RUN, body, FIELD_MANAGER)
            case UpdateReplicaSet():
                self._write(REPLICA_SET, action, patch_of(action), versions)
            case DeleteReplicaSet():
                self._delete(REPLICA_SET, action.target.key, action.target.resource_version)
            case DeleteAnalysisRun():
                self._delete(ANALYSIS_RUN, action.target.key, action.target.resource_version)
            case AdoptReplicaSet(owners=owners) | ReleaseReplicaSet(owners=owners):
                self._write(REPLICA_SET, action, {"metadata": {"ownerReferences": to_builtins(owners)}}, versions)
            case EditRollout(patch=patch):
                self._write(ROLLOUT, action, patch, versions)
            case SwitchService():
                self._write(SERVICE, action, service_patch(action), versions)
            case TerminateAnalysisRun(target=target):
                self.patch(Ref(ANALYSIS_RUN, *target.key), {"spec": {"terminate": True}}, manager=FIELD_MANAGER)
            case ScaleDeployment(replicas=replicas):
                self._write(DEPLOYMENT, action, {"spec": {"replicas": replicas}}, versions)
            case ChangeRoute(change=change):
                self._change_route(change)
            case _:
                self._apply_placed(action, versions)

    def _apply_placed(self, action: Placed, versions: dict[Ref, str]) -> None:
        """What is done to Services of our own, StatefulSets and pods."""
        match action:
            case CreateService(body=body):
                self.create(SERVICE, body, FIELD_MANAGER)
            case FreeService() | ReleaseService():
                self._write(SERVICE, action, service_patch(action), versions)
            case PatchStatefulSet(patch=patch):
                self._write(STATEFUL_SET, action, patch, versions)
            case LabelPod(target=target, labels=labels, annotations=annotations):
                podwork.mark(self.pods, target.key.name, labels, annotations)
            case EvictPod(target=target) if podwork.owner_of(self.pods, target.key.name):
                self._lose(podwork.owner_of(self.pods, target.key.name), target.key.name)
            case EvictPod(target=target):
                self.stateful_sets.evict(Ref(POD, *target.key), target.resource_version)
            case DeletePod(target=target):
                self.stateful_sets.delete_seen(Ref(POD, *target.key), target.resource_version)
            case _:
                assert_never(action)

    def _write(self, kind: Kind, action: Any, patch: Json, versions: dict[Ref, str]) -> None:
        ref = Ref(kind, *action.target.key)
        version = versions.get(ref, action.target.resource_version)
        self.patch(ref, patch, version=version, manager=FIELD_MANAGER)
        versions[ref] = self.objects.version(ref)
        self._collect(ref)

    def _collect(self, ref: Ref) -> None:
        """What was deleted goes once no finalizer keeps it, and what it owns goes with it."""
        metadata = (self.objects.get(ref) or {"metadata": {}})["metadata"]
        if "deletionTimestamp" not in metadata or metadata.get("finalizers"):
            return
        self.objects.delete(ref, self.now)
        for kind in (SERVICE, INGRESS, REPLICA_SET, ANALYSIS_RUN):
            for raw in self.objects.of(kind):
                if any(one["uid"] == metadata["uid"] for one in raw["metadata"].get("ownerReferences") or ()):
                    self.objects.delete(Ref(kind, raw["metadata"]["namespace"], raw["metadata"]["name"]), self.now)

    def _change_route(self, change: RouteChange) -> None:
        if isinstance(change, CreateRoute):
            self.create(change.ref.kind, change.body, FIELD_MANAGER)
        else:
            self.patch(change.ref, change.patch, version=change.resource_version, manager=FIELD_MANAGER)

    def _delete(self, kind: Kind, key: Key, version: str) -> None:
        self.objects.delete(Ref(kind, *key), self.now, version)
        self.pods.pop(key.name, None)

    def _react(self, ref: Ref) -> None:
        """What the rest of the cluster does about a write."""
        if ref.kind == REPLICA_SET:
            self.later("counts", ref.name, lambda: self._resize(ref))
        elif ref.kind == SERVICE:
            self.later("endpoints", ref.name, lambda: self._follow(ref))
        elif ref.kind in {INGRESS, HTTP_ROUTE}:
            raw = self.objects.get(ref)
            self.later("proxy", str(ref), lambda: self._take_up(ref, raw or {}))
        elif ref.kind == ANALYSIS_RUN:
            self._run(ref)
        elif ref.kind == DEPLOYMENT:
            self._deploy(ref)
        elif ref.kind == STATEFUL_SET:
            self.stateful_sets.wake(ref)
        elif ref.kind == POD_DISRUPTION_BUDGET:
            self.stateful_sets.count_budgets(ref.namespace)

    def _resize(self, ref: Ref) -> None:
        """The ReplicaSet controller: as many pods as wanted."""
        raw = self.objects.get(ref)
        if raw is None:
            return
        wanted = raw["spec"].get("replicas", 1)
        present = podwork.resized(self.pods.get(ref.name, ()), wanted, self.now)
        made = tuple(self._made(raw) for _ in range(wanted - len(present)))
        self.pods[ref.name] = present + made
        for pod in made:
            self._expect(ref, pod)
        self._observe(ref)

    def _made(self, replica_set: Json) -> SimulatedPod:
        name = replica_set["metadata"]["name"]
        self._counted["pods", name] += 1
        pod_name = f"{f'{name}-'[:58]}{self._counted['pods', name]:05}"
        bad = self.is_bad(podwork.images(replica_set["spec"]["template"]))
        ready_at = None if bad else self.now + self.lags.of("ready", name, self._counted["pods", name])
        labels = podwork.labels(replica_set)
        self.revision_of_pod[pod_name] = labels.get(keys.HASH_LABEL, "")
        after = timedelta(seconds=replica_set["spec"].get("minReadySeconds", 0))
        return SimulatedPod(pod_name, name, labels, self.now, ready_at, after, podwork.notes(replica_set))

    def _expect(self, ref: Ref, pod: SimulatedPod) -> None:
        if pod.ready_at is not None:
            for at in sorted({pod.ready_at, pod.ready_at + pod.available_after}):
                self._at(at, lambda: self._observe(ref))

    def _observe(self, ref: Ref) -> None:
        """The ReplicaSet's status, and the endpoints that its pods change."""
        raw = self.objects.get(ref)
        if raw is None:
            return
        self.patch_status(ref, podwork.counts(self.pods.get(ref.name, ()), raw["metadata"]["generation"], self.now))
        for service in self.objects.of(SERVICE):
            self.follow_endpoints(Ref(SERVICE, ref.namespace, service["metadata"]["name"]))

    def follow_endpoints(self, ref: Ref) -> None:
        """Pods changed: so may the endpoints of Service *ref*."""
        if self._behind(self.objects.get(ref) or {}) != self.endpoints.get(ref.name, ()):
            self.later("endpoints", ref.name, lambda: self._follow(ref))

    def _behind(self, service: Json) -> tuple[str, ...]:
        """Names of the ready pods that the Service selects."""
        selector = (service.get("spec") or {}).get("selector") or {}
        every = (pod for owned in self.pods.values() for pod in owned if pod.is_ready(self.now))
        found = [pod.name for pod in every if selector.items() <= dict(pod.labels).items()]
        placed = dict(self.stateful_sets.behind(selector)) if selector else {}
        self.revision_of_pod |= placed
        return tuple(sorted([*found, *placed]))

    def _follow(self, ref: Ref) -> None:
        """The endpoints controller: the Service's endpoints, of which the data plane hears later."""
        found = self._behind(self.objects.get(ref) or {})
        if found == self.endpoints.get(ref.name):
            return
        self.endpoints[ref.name] = found
        self.later("proxy", str(ref), lambda: self.dataplane.endpoints.update({ref.name: found}))

    def _take_up(self, ref: Ref, raw: Json) -> None:
        """A proxy acts by a route from now on; a Gateway then says so in the route's status."""
        self.dataplane.routes[ref] = raw
        parents = (raw["spec"].get("parentRefs") or ()) if ref.kind == HTTP_ROUTE else ()
        existing = [parent for parent in parents if self.objects.get(Ref(GATEWAY, ref.namespace, parent["name"]))]
        if existing:
            generation = raw["metadata"]["generation"]
            self.later("gateway", str(ref), lambda: self.patch_status(ref, _report(existing, generation)))

    def _run(self, ref: Ref) -> None:
        raw = self.objects.get(ref) or {}
        status = raw.get("status") or {}
        if raw["spec"].get("terminate"):
            self._end(ref, "Successful", "Run Terminated")
        elif not status:
            kind = (raw["metadata"].get("labels") or {}).get(keys.RUN_TYPE_LABEL, "")
            verdicts = self.habits.verdicts.get(kind, ("Successful",))
            verdict = verdicts[min(self._counted["verdicts", kind], len(verdicts) - 1)]
            self._counted["verdicts", kind] += 1
            self.patch_status(ref, {"phase": "Running", "startedAt": rfc3339(self.now)})
            if verdict in FINISHED:
                self.later("runs", ref.name, lambda: self._end(ref, verdict, ""))

    def _end(self, ref: Ref, phase: str, message: str) -> None:
        raw = self.objects.get(ref)
        if raw is not None and raw["status"]["phase"] not in FINISHED:
            told = {"message": message} if message else {}
            self.patch_status(ref, {"phase": phase, **told, "completedAt": rfc3339(self.now)})

    def _deploy(self, ref: Ref) -> None:
        raw = self.objects.get(ref) or {}
        size = raw["spec"].get("replicas", 1)
        sizes = dict.fromkeys(("replicas", "readyReplicas", "availableReplicas", "updatedReplicas"), size)
        self.patch_status(ref, {**sizes, "observedGeneration": raw["metadata"]["generation"]})

    def kill(self, revision: str, pods: int = 1) -> None:
        """*pods* pods of the revision of hash *revision* die; their ReplicaSet makes others."""
        for raw in self.objects.of(REPLICA_SET):
            name = raw["metadata"]["name"]
            if raw["metadata"]["labels"].get(keys.HASH_LABEL) == revision:
                self._lose(name, *(pod.name for pod in self.pods.get(name, ())[:pods]))

    def _lose(self, owner: str, *pods: str) -> None:
        self.pods[owner] = tuple(pod for pod in self.pods.get(owner, ()) if pod.name not in pods)
        found = (
            raw["metadata"]["namespace"] for raw in self.objects.of(REPLICA_SET) if raw["metadata"]["name"] == owner
        )
        for ref in [Ref(REPLICA_SET, namespace, owner) for namespace in found]:
            self._observe(ref)
            self.later("counts", owner, lambda ref=ref: self._resize(ref))  # type: ignore[misc]

    def available(self) -> dict[str, int]:
        """Available pods of each revision, as they are and not as they are reported."""
        found: dict[str, int] = {}
        for owned in self.pods.values():
            for pod in owned:
                revision = pod.labels.get(keys.HASH_LABEL, "")
                found[revision] = found.get(revision, 0) + pod.is_available(self.now)
        for revision in self.stateful_sets.available():
            found[revision] = found.get(revision, 0) + 1
        return found

    def remove(self, ref: Ref) -> None:
        """Somebody deletes an object; it stays for its finalizers."""
        self.objects.patch(ref, {"metadata": {"deletionTimestamp": rfc3339(self.now)}}, self.now)
        self._collect(ref)

    def is_bad(self, images: tuple[str, ...]) -> bool:
        """Pods of these images never become ready."""
        return not self.habits.never_ready.isdisjoint(images)

    def traffic(self) -> Iterator[dict[str, Any]]:
        """For each way in, the share of each revision as the data plane sends it now."""
        return self.dataplane.shares(self.revision_of_pod)


def _report(parents: list[Json], generation: int) -> dict[str, Any]:
    conditions = [
        {"type": name, "status": "True", "reason": name, "observedGeneration": generation}
        for name in ("Accepted", "ResolvedRefs")
    ]
    return {
        "parents": [
            {"parentRef": parent, "controllerName": "simulator", "conditions": conditions} for parent in parents
        ]
    }
