"""StatefulSets as Kubernetes' own controller treats them: revisions, places filled in order or at once, the partition.

Also what depends on their pods: PodDisruptionBudgets, and evictions that these refuse.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from rollouts.api import keys
from rollouts.api.kinds import CONTROLLER_REVISION, POD, POD_DISRUPTION_BUDGET, SERVICE, STATEFUL_SET
from rollouts.api.meta import Json, Kind, Ref
from rollouts.api.workloads import Pod, PodDisruptionBudget, StatefulSet, labels_of
from rollouts.planner.evicting import refusal
from rollouts.planner.ordinals import Ordinals
from rollouts.simulator.objects import Objects, Refused
from rollouts.simulator.pods import images
from rollouts.wire.decode import decode
from rollouts.wire.durations import parse_rfc3339, rfc3339
from rollouts.wire.intorstring import resolve
from rollouts.wire.podhash import pod_template_hash


class Surroundings(Protocol):
    """The world, as far as it matters here."""

    now: datetime
    objects: Objects

    def later(self, what: str, which: str, effect: Callable[[], None]) -> None:
        """Let *effect* happen after the lag of *what*."""

    def after(self, seconds: float, effect: Callable[[], None]) -> None:
        """Let *effect* happen after so many seconds."""

    def is_bad(self, images: tuple[str, ...]) -> bool:
        """Pods of these images never become ready."""

    def follow_endpoints(self, ref: Ref) -> None:
        """Pods changed: so may the endpoints of Service *ref*."""


class Place(NamedTuple):
    """The index *at* which a pod stands, and the pod."""

    at: int
    raw: dict[str, Any]

    @property
    def is_ready(self) -> bool:
        """Ready, and nobody deleted it."""
        found = (self.raw.get("status") or {}).get("conditions") or ()
        return not self.is_going and any(c["type"] == "Ready" and c["status"] == "True" for c in found)

    @property
    def is_going(self) -> bool:
        """Somebody deleted it."""
        return "deletionTimestamp" in self.raw["metadata"]

    @property
    def revision(self) -> str:
        """The name of its ControllerRevision."""
        return str(self.raw["metadata"]["labels"][keys.REVISION_LABEL])

    def is_available(self, now: datetime, wait: float) -> bool:
        """Ready for *wait* seconds."""
        since = self.raw["status"]["conditions"][0].get("lastTransitionTime") if self.is_ready else None
        return since is not None and (now - parse_rfc3339(since)).total_seconds() >= wait


class StatefulSets:
    """The controllers of StatefulSets and of PodDisruptionBudgets in a world."""

    def __init__(self, world: Surroundings) -> None:
        self._world = world
        self._made = 0

    def wake(self, ref: Ref) -> None:
        """Something about StatefulSet *ref* changed."""
        self._world.later("counts", ref.name, lambda: self.sync(ref))

    def sync(self, ref: Ref) -> None:
        """One pass of the controller: status as it is, then at most what order allows."""
        raw = self._world.objects.get(ref)
        if raw is None:
            return
        update = self._revise(ref, raw)
        current = (raw.get("status") or {}).get("currentRevision") or update
        places = self._places(ref, raw)
        current = self._report(ref, raw, places, (current, update))
        if self._fill(ref, raw, places, (current, update)) and self._shrink(raw, places):
            self._replace(raw, places, update)

    def _revise(self, ref: Ref, raw: Json) -> str:
        """The name of the revision of the template in force; an old one that is equal becomes the newest again."""
        template = raw["spec"]["template"]
        name = f"{ref.name}-{pod_template_hash(template)}"
        own = [one for one in self._world.objects.of(CONTROLLER_REVISION) if _is_of(one, raw)]
        newest = max((one["revision"] for one in own), default=0)
        known = next((one for one in own if one["metadata"]["name"] == name), None)
        revision = Ref(CONTROLLER_REVISION, ref.namespace, name)
        if known is None:
            metadata = {"name": name, "namespace": ref.namespace, "ownerReferences": [_owner(ref, raw)]}
            body = {"metadata": metadata, "revision": newest + 1, "data": {"spec": {"template": template}}}
            self._world.objects.create(revision, body, self._world.now)
        elif known["revision"] < newest:
            self._world.objects.patch(revision, {"revision": newest + 1}, self._world.now)
        return name

    def _places(self, ref: Ref, raw: Json) -> list[Place]:
        start = (raw["spec"].get("ordinals") or {}).get("start", 0)
        own = (pod for pod in self._world.objects.of(POD) if _is_of(pod, raw))
        found = (Place(int(pod["metadata"]["name"].removeprefix(f"{ref.name}-")) - start, pod) for pod in own)
        return sorted(found, key=lambda place: place.at)

    def _report(self, ref: Ref, raw: Json, places: list[Place], revisions: tuple[str, str]) -> str:
        """The status; when every pod is new and ready, the newest revision becomes the current one."""
        current, update = revisions
        wanted = raw["spec"].get("replicas", 1)
        wait = raw["spec"].get("minReadySeconds", 0)
        there = [place for place in places if not place.is_going]
        updated = sum(place.revision == update for place in there)
        ready = sum(place.is_ready for place in there)
        if updated == ready == len(places) == wanted:
            current = update
        counts = {
            "replicas": len(places),
            "readyReplicas": ready,
            "availableReplicas": sum(place.is_available(self._world.now, wait) for place in there),
            "currentReplicas": sum(place.revision == current for place in there),
            "updatedReplicas": updated,
            "currentRevision": current,
            "updateRevision": update,
            "observedGeneration": raw["metadata"]["generation"],
        }
        self._world.objects.patch_status(ref, counts, self._world.now)
        self.count_budgets(ref.namespace)
        self._tell_services(ref.namespace)
        return current

    def _fill(self, ref: Ref, raw: Json, places: list[Place], revisions: tuple[str, str]) -> bool:
        """Make what is missing; whether all places are filled, and in order with a ready pod."""
        is_ordered = _is_ordered(raw)
        by_index = {place.at: place for place in places}
        is_full = True
        for index in range(raw["spec"].get("replicas", 1)):
            place = by_index.get(index)
            if place is None:
                self._make(ref, raw, index, revisions[index >= _partition(raw)])
                is_full = False
                if is_ordered:
                    return False
            elif is_ordered and not self._is_done(raw, place):
                return False
        return is_full

    def _is_done(self, raw: Json, place: Place) -> bool:
        return place.is_available(self._world.now, raw["spec"].get("minReadySeconds", 0))

    def _shrink(self, raw: Json, places: list[Place]) -> bool:
        """Delete what is beyond the last place, from above; whether nothing is."""
        surplus = [place for place in places if not 0 <= place.at < raw["spec"].get("replicas", 1)]
        for place in reversed(surplus):
            if not place.is_going:
                self.delete(place.raw)
            if _is_ordered(raw):
                return False
        return not surplus

    def _replace(self, raw: Json, places: list[Place], update: str) -> None:
        """Delete the highest pod of another revision, unless one above it is not ready."""
        partition = _partition(raw)
        for place in reversed(places):
            if place.at < partition:
                return
            if place.revision != update and not place.is_going:
                self.delete(place.raw)
                return
            if not self._is_done(raw, place):
                return

    def _make(self, ref: Ref, raw: Json, index: int, revision: str) -> None:
        start = (raw["spec"].get("ordinals") or {}).get("start", 0)
        name = f"{ref.name}-{start + index}"
        known = self._world.objects.get(Ref(CONTROLLER_REVISION, ref.namespace, revision)) or {}
        template = known["data"]["spec"]["template"]
        labels = {**labels_of(template), keys.REVISION_LABEL: revision, keys.POD_INDEX_LABEL: str(start + index)}
        pod = Ref(POD, ref.namespace, name)
        metadata = {
            "name": name,
            "namespace": ref.namespace,
            "labels": labels,
            "ownerReferences": [_owner(ref, raw)],
        }
        self._made += 1
        body = {"metadata": metadata, "spec": {}, "status": {"phase": "Running", "conditions": [self._ready(False)]}}
        uid = self._world.objects.create(pod, body, self._world.now)["metadata"]["uid"]
        if not self._world.is_bad(images(template)):
            self._world.later("ready", f"{name}/{self._made}", lambda: self._become_ready(pod, uid, ref))

    def _become_ready(self, pod: Ref, uid: str, owner: Ref) -> None:
        raw = self._world.objects.get(pod)
        if raw is None or raw["metadata"]["uid"] != uid or "deletionTimestamp" in raw["metadata"]:
            return
        self._world.objects.patch_status(pod, {"conditions": [self._ready(True)]}, self._world.now)
        self.sync(owner)
        wait = (self._world.objects.get(owner) or {"spec": {}})["spec"].get("minReadySeconds", 0)
        if wait:
            self._world.after(wait, lambda: self.sync(owner))

    def _ready(self, is_ready: bool) -> dict[str, str]:
        return {"type": "Ready", "status": str(is_ready), "lastTransitionTime": rfc3339(self._world.now)}

    def delete(self, raw: Json) -> None:
        """Somebody deletes a pod: it takes a while to go."""
        ref = _ref(POD, raw)
        if (self._world.objects.get(ref) or raw)["metadata"].get("deletionTimestamp"):
            return
        patch = {"metadata": {"deletionTimestamp": rfc3339(self._world.now)}}
        self._world.objects.patch(ref, patch, self._world.now)
        self.count_budgets(ref.namespace)
        self._tell_services(ref.namespace)
        uid, owner = raw["metadata"]["uid"], raw["metadata"]["ownerReferences"][0]["name"]
        self._world.later("going", ref.name, lambda: self._remove(ref, uid, Ref(STATEFUL_SET, ref.namespace, owner)))

    def _remove(self, ref: Ref, uid: str, owner: Ref) -> None:
        found = self._world.objects.get(ref)
        if found is not None and found["metadata"]["uid"] == uid:
            self._world.objects.delete(ref, self._world.now)
        self.wake(owner)

    def evict(self, ref: Ref, version: str) -> None:
        """The Eviction API: raises Refused where a PodDisruptionBudget says no."""
        raw = self._seen(ref, version)
        budgets = tuple(decode(PodDisruptionBudget, one) for one in self._world.objects.of(POD_DISRUPTION_BUDGET))
        owner = self._world.objects.get(Ref(STATEFUL_SET, ref.namespace, raw["metadata"]["ownerReferences"][0]["name"]))
        refused = refusal(Ordinals(decode(StatefulSet, owner), budgets=budgets), decode(Pod, raw)) if owner else ""
        if refused:
            raise Refused(f"Cannot evict pod as it would violate the pod's disruption budget: {refused}")
        self.delete(raw)

    def delete_seen(self, ref: Ref, version: str) -> None:
        """Delete the pod if it is still as it was seen; raises Refused."""
        self.delete(self._seen(ref, version))

    def _seen(self, ref: Ref, version: str) -> dict[str, Any]:
        found = self._world.objects.get(ref)
        if found is None or found["metadata"]["resourceVersion"] != version:
            raise Refused(f"{ref} is no longer as it was seen")
        return found

    def available(self) -> Iterator[str]:
        """The revision of each pod that is ready, as it is and not as it is reported."""
        for raw in self._world.objects.of(POD):
            place = Place(0, raw)
            if place.is_ready:
                yield place.revision

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Pods, and ready ones, of each revision."""
        found: dict[str, tuple[int, int]] = {}
        for raw in self._world.objects.of(POD):
            place = Place(0, raw)
            pods, ready = found.get(place.revision, (0, 0))
            found[place.revision] = (pods + 1, ready + place.is_ready)
        return found

    def behind(self, selector: Json) -> Iterator[tuple[str, str]]:
        """Names that no two pods ever share, and revisions, of the ready pods that *selector* selects."""
        for raw in self._world.objects.of(POD):
            place = Place(0, raw)
            if place.is_ready and selector.items() <= raw["metadata"]["labels"].items():
                yield f"{raw['metadata']['name']}/{raw['metadata']['uid']}", place.revision

    def _tell_services(self, namespace: str) -> None:
        for service in self._world.objects.of(SERVICE):
            self._world.follow_endpoints(Ref(SERVICE, namespace, service["metadata"]["name"]))

    def count_budgets(self, namespace: str) -> None:
        """The disruption controller; every pod that a budget selects counts, those that are missing too."""
        for raw in self._world.objects.of(POD_DISRUPTION_BUDGET):
            found = decode(PodDisruptionBudget, raw)
            expected = sum(one["spec"].get("replicas", 1) for one in self._world.objects.of(STATEFUL_SET))
            labels = (found.spec.selector or {}).get("matchLabels") or {}
            healthy = sum(1 for _ in self.behind(labels))
            desired = _desired(found, expected)
            counts = {
                "disruptionsAllowed": max(0, healthy - desired) if healthy else 0,
                "currentHealthy": healthy,
                "desiredHealthy": desired,
                "expectedPods": expected,
                "observedGeneration": raw["metadata"]["generation"],
            }
            self._world.objects.patch_status(
                Ref(POD_DISRUPTION_BUDGET, namespace, found.metadata.name), counts, self._world.now
            )


def _desired(budget: PodDisruptionBudget, expected: int) -> int:
    if budget.spec.max_unavailable is not None:
        return max(0, expected - resolve(budget.spec.max_unavailable, expected, round_up=True))
    return resolve(budget.spec.min_available or 0, expected, round_up=True)


def _is_ordered(raw: Json) -> bool:
    return bool(raw["spec"].get("podManagementPolicy", "OrderedReady") != "Parallel")


def _partition(raw: Json) -> int:
    rolling = (raw["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    return int(rolling.get("partition", 0))


def _is_of(raw: Json, owner: Json) -> bool:
    return any(one["uid"] == owner["metadata"]["uid"] for one in raw["metadata"].get("ownerReferences") or ())


def _owner(ref: Ref, raw: Json) -> dict[str, Any]:
    kind = {"apiVersion": STATEFUL_SET.api_version, "kind": STATEFUL_SET.name}
    return {**kind, "name": ref.name, "uid": raw["metadata"]["uid"], "controller": True}


def _ref(kind: Kind, raw: Json) -> Ref:
    return Ref(kind, raw["metadata"]["namespace"], raw["metadata"]["name"])
