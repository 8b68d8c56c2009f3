"""Who watches a release: told after every write and after every moment in which something happened by itself."""

from datetime import datetime
from typing import Any

from rollouts.api import keys
from rollouts.api.kinds import HTTP_ROUTE, INGRESS, REPLICA_SET, ROLLOUT
from rollouts.api.meta import Ref
from rollouts.planner.actions import Action
from rollouts.simulator.dataplane import DataPlane
from rollouts.simulator.script import begun
from rollouts.simulator.timeline import Simulation
from rollouts.simulator.world import World
from rollouts.wire.intorstring import resolve_fenceposts
from tests.properties.releases import Release


class Judge:
    """Sees the world; *charges* are what went wrong."""

    def __init__(self) -> None:
        self.charges: list[str] = []

    def look(self, world: World, what: str) -> None:
        """After *what*."""

    def before(self, world: World) -> None:
        """Before the next write."""


class WatchedWorld(World):
    """A world whose every event is judged by itself."""

    judge: Judge = Judge()

    def apply(self, action: Action, versions: dict[Ref, str]) -> None:
        self.judge.before(self)
        super().apply(action, versions)
        self.judge.look(self, str(action))

    def advance(self, to: datetime) -> None:
        while self.next is not None and self.next < to:
            super().advance(self.next)
            self.judge.look(self, "time passes")
        super().advance(to)
        self.judge.look(self, "time passes")


def watched(release: Release, judge: Judge) -> Simulation:
    """The release at its beginning, with somebody watching."""
    simulation = begun(release.script)
    world = simulation.world
    world.__class__ = WatchedWorld
    world.judge = judge  # type: ignore[attr-defined]
    return simulation


class Weights(Judge):
    """Weights sum to the total, in the status and in every rule of a route under way."""

    def look(self, world: World, what: str) -> None:
        for raw in world.objects.of(HTTP_ROUTE):
            for rule in raw["spec"]["rules"]:
                weights = [ref.get("weight", 1) for ref in rule["backendRefs"]]
                if sum(weights) not in {1, 100}:
                    self.charges.append(f"{world.now}: route weights {weights} after {what}")
        for raw in world.objects.of(INGRESS):
            weight = (raw["metadata"].get("annotations") or {}).get("nginx.ingress.kubernetes.io/canary-weight", "0")
            if not 0 <= int(weight) <= 100:
                self.charges.append(f"{world.now}: canary-weight {weight} after {what}")


class Traffic(Judge):
    """No request is sent to a revision without available pods, neither by the objects nor by the proxies as they lag.

    Nobody can help it while there are no pods at all: before the first ones, and from a scale to zero until the stable
    revision is back.
    """

    def __init__(self) -> None:
        super().__init__()
        self.has_pods = False

    def look(self, world: World, what: str) -> None:
        rollout = hero(world)
        available = world.available()
        stable = (rollout.get("status") or {}).get("stableRS", "")
        wanted = rollout["spec"]["replicas"]
        if wanted == 0:
            self.has_pods = False
        elif available.get(stable, 0) >= wanted and pointed(world):
            self.has_pods = True
        if not self.has_pods:
            return
        for view, shares in (
            ("proxies", world.traffic()),
            ("objects", as_written(world).shares(world.revision_of_pod)),
        ):
            for share in shares:
                for revision, part in share.items():
                    if not available.get(revision, 0):
                        self.charges.append(
                            f"{world.now}: {view} send {part} to {revision or 'nobody'} of {available} after {what}"
                        )


def pointed(world: World) -> bool:
    """Proxies know of living pods for all they send: those that know the dead alone have yet to hear of none at all."""
    plane, living = world.dataplane, {pod.name for owned in world.pods.values() for pod in owned}
    services = [service for way in plane.services() for service, share in way.items() if share]
    return bool(services) and all(living.intersection(plane.endpoints.get(service, ())) for service in services)


def as_written(world: World) -> DataPlane:
    """A data plane that knows everything at once."""
    plane = DataPlane()
    for kind in (INGRESS, HTTP_ROUTE):
        for raw in world.objects.of(kind):
            plane.routes[Ref(kind, raw["metadata"]["namespace"], raw["metadata"]["name"])] = raw
    plane.endpoints = dict(world.endpoints)
    return plane


class Availability(Judge):
    """No write takes available pods away that are needed.

    Needed are replicas - maxUnavailable; with a router all replicas, in the stable and canary revisions. What a ReplicaSet is told to keep counts, so that
    a slow ReplicaSet controller hides nothing.
    """

    def __init__(self, *, routed: bool) -> None:
        super().__init__()
        self.routed = routed
        self.had = 0

    def before(self, world: World) -> None:
        self.had = self.promised(world)

    def look(self, world: World, what: str) -> None:
        if what == "time passes":
            return
        left, least = self.promised(world), self.least(world)
        if left < min(self.had, least):
            self.charges.append(f"{world.now}: {self.had} → {left} pods of {least} needed after {what}")

    def promised(self, world: World) -> int:
        kept = promised(world)
        if not self.routed:
            return sum(kept.values())
        status = hero(world).get("status") or {}
        return sum(kept.get(pod_hash, 0) for pod_hash in {status.get("stableRS"), status.get("currentPodHash")})

    def least(self, world: World) -> int:
        spec = hero(world)["spec"]
        canary, replicas = spec["strategy"]["canary"], spec["replicas"]
        if self.routed:
            return int(replicas)
        surge, unavailable = canary.get("maxSurge", "25%"), canary.get("maxUnavailable", "25%")
        return max(0, replicas - resolve_fenceposts(surge, unavailable, replicas)[1])


def promised(world: World) -> dict[str, int]:
    """Available pods of each revision that stay once every ReplicaSet has the size it was told."""
    available = world.available()
    return {
        (pod_hash := raw["metadata"]["labels"][keys.HASH_LABEL]): min(
            raw["spec"]["replicas"], available.get(pod_hash, 0)
        )
        for raw in world.objects.of(REPLICA_SET)
    }


def hero(world: World) -> dict[str, Any]:
    """The Rollout."""
    return world.objects.of(ROLLOUT)[0]
