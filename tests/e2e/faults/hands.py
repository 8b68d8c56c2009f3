"""What people do by hand in the middle of a release, and the release in which they do it at each step."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from rollouts.api.keys import HASH_LABEL
from rollouts.api.kinds import HTTP_ROUTE, INGRESS, REPLICA_SET, SERVICE
from rollouts.api.meta import Key
from rollouts.kube.client import Content
from rollouts.kube.errors import NotFound
from rollouts.sandbox.load import Load
from tests.chaos.chronicle import CANARY, WEIGHT, Chronicle, chronicle
from tests.e2e.faults.course import canary, gateway, http_route
from tests.e2e.scene import GATEWAY, WEB, Scene, ingress, pause, rollout, service, weight

STEPS = [weight(25), pause(), weight(50), pause(), weight(75), pause()]
# Where the release stops, and the canary's weight and pods there.
STOPS = {1: (25, 1), 3: (50, 2), 5: (75, 3)}
REPLICAS = 4
# So many requests answered one after the other: longer than a proxy keeps news to itself.
CALM = 200
CANARY_INGRESS = "web-web-canary"


@dataclass(frozen=True)
class Hands:
    """A release behind one router under load, and what can be done to it."""

    scene: Scene
    load: Load
    chronicle: Chronicle
    is_gateway: bool

    def manifest(self, image: str) -> dict[str, Any]:
        """What a person applies."""
        return manifest(image, is_gateway=self.is_gateway)

    async def weight(self) -> int | None:
        """The canary's weight at the router; None where there is none."""
        if self.is_gateway:
            refs = (await self.scene.get(HTTP_ROUTE, "web"))["spec"]["rules"][0]["backendRefs"]
            return next((ref.get("weight", 1) for ref in refs if ref["name"] == "canary"), None)
        try:
            found = await self.scene.get(INGRESS, CANARY_INGRESS)
        except NotFound:
            return None
        notes = found["metadata"]["annotations"]
        return int(notes[WEIGHT]) if notes.get(CANARY) == "true" and WEIGHT in notes else None

    async def replica_set(self, image: str) -> dict[str, Any] | None:
        """The revision with *image*."""
        for found in await self.scene.all(REPLICA_SET):
            if found["spec"]["template"]["spec"]["containers"][0]["image"] == image:
                return found
        return None

    async def selected(self, name: str) -> str:
        """The hash of the pods that a Service selects; "" for all."""
        return str((await self.scene.get(SERVICE, name))["spec"]["selector"].get(HASH_LABEL, ""))

    async def stands(self, stop: int) -> bool:
        """Everything is as it has to be at *stop*: weight, pods, Services, step."""
        share, pods = STOPS[stop]
        status = (await self.scene.rollout())["status"]
        new, old = await self.replica_set("web:v2"), await self.replica_set("web:v1")
        if new is None or old is None:
            return False
        hashes = [one["metadata"]["labels"][HASH_LABEL] for one in (old, new)]
        return (
            (status.get("currentStepIndex"), status.get("phase")) == (stop, "Paused")
            and await self.weight() == share
            and await self.scene.pods() == {"web:v1": REPLICAS, "web:v2": pods}
            and [await self.selected("stable"), await self.selected("canary")] == hashes
            and all(one["status"].get("availableReplicas", 0) == one["spec"]["replicas"] for one in (old, new))
        )

    async def is_over(self) -> bool:
        """The release is through: all pods new, the route as it was, no old pod left."""
        status = (await self.scene.rollout())["status"]
        return (
            status.get("phase") == "Healthy"
            and await self.scene.sizes() == {"web:v1": 0, "web:v2": REPLICAS}
            and await self.weight() == 0
            and await self.scene.pods() == {"web:v2": REPLICAS}
        )

    async def change_weight(self, percent: int) -> None:
        """Somebody thinks better of the share."""
        if self.is_gateway:
            refs = [
                {"op": "replace", "path": "/spec/rules/0/backendRefs/0/weight", "value": 100 - percent},
                {"op": "replace", "path": "/spec/rules/0/backendRefs/1/weight", "value": percent},
            ]
            await self.scene.client.patch(HTTP_ROUTE, Key(self.scene.namespace, "web"), refs, content=Content.JSON)
        else:
            await self.scene.kubectl("annotate", "ingress", CANARY_INGRESS, f"{WEIGHT}={percent}", "--overwrite")

    async def scale(self, image: str, replicas: int) -> None:
        """Somebody scales a revision."""
        found = await self.replica_set(image)
        assert found is not None
        await self.scene.kubectl("scale", "replicaset", found["metadata"]["name"], f"--replicas={replicas}")


Edit = Callable[[Hands, int], Awaitable[None]]


@asynccontextmanager
async def release(scene: Scene, router: str) -> AsyncIterator[Hands]:
    """v1 at rest under load, and everything in place for v2."""
    host = f"{scene.namespace}.example.com"
    is_gateway = router == "gateway"
    url = GATEWAY if is_gateway else WEB
    route = [gateway(), http_route(host)] if is_gateway else [ingress("web", host, "stable")]
    await scene.apply(service("stable"), service("canary"), *route, manifest("web:v1", is_gateway=is_gateway))
    await scene.phase("Healthy")
    await scene.served(host, url)
    async with (
        chronicle(scene.client, scene.namespace) as seen,
        scene.load(host, url=url, clients=2, rate=50) as load,
    ):
        yield Hands(scene, load, seen, is_gateway)


def manifest(image: str, *, is_gateway: bool) -> dict[str, Any]:
    """The Rollout behind its router."""
    routing = {"gatewayAPI": {"httpRoute": "web"}} if is_gateway else {"nginx": {"stableIngress": "web"}}
    services = {"stableService": "stable", "canaryService": "canary"}
    return rollout(canary({**services, "trafficRouting": routing}, steps=STEPS), replicas=REPLICAS, image=image)


async def play(hands: Hands, edit: Edit, *, costs: bool = False) -> None:
    """Release v2, with *edit* at each stop; what the edit itself *costs* ends once it is repaired."""
    scene = hands.scene
    await scene.image("web:v2")
    for stop in STOPS:
        await scene.until(f"stands at {stop}", lambda stop=stop: hands.stands(stop))
        hands.load.mark(f"by hand at {stop}")
        await edit(hands, stop)
        await scene.until(f"stands at {stop} again", lambda stop=stop: hands.stands(stop))
        if costs:
            await served_again(hands)
        hands.load.mark(f"repaired at {stop}")
        await scene.promote()
    await scene.until("over", hands.is_over)
    hands.load.mark("over")
    steps = hands.chronicle.steps()
    assert steps == [6, 0, 1, 2, 3, 4, 5, 6], steps
    assert len(hands.chronicle.of(REPLICA_SET)) >= 2
    failed = lost(hands, costs=costs)
    assert failed == [], failed


async def served_again(hands: Hands) -> None:
    """The proxy has heard that all is as it was: it learns of pods and routes after everybody else."""
    base = hands.load.report().total

    async def is_calm() -> bool:
        nonlocal base
        now = hands.load.report().total
        if now.failed > base.failed:
            base = now
        return now.requests - base.requests >= CALM

    await hands.scene.until("served again", is_calm)


def lost(hands: Hands, *, costs: bool) -> list[Any]:
    """Requests that failed and may not have; what an edit costs is lost while it is not repaired."""
    phases = hands.load.report().phases
    return [(p.name, p.failures[:3]) for p in phases if p.failed and not (costs and p.name.startswith("by hand"))]
