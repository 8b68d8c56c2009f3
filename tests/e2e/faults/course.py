"""The release that faults must not change: what it is, how it goes without them, and how it is held against that."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from rollouts.api.kinds import ANALYSIS_RUN, REPLICA_SET
from rollouts.sandbox.load import Load
from tests.chaos.chronicle import Chronicle, chronicle
from tests.chaos.faults import Seen, tally
from tests.chaos.mortal import Mortal, behind_proxy, owned
from tests.chaos.proxy import Proxy
from tests.e2e.scene import GATEWAY, WEB, Scene, ingress, pause, rollout, service, weight

STEPS = [weight(25), pause(2), weight(50), pause(2), weight(75), pause(2)]
NGINX = {"stableService": "stable", "canaryService": "canary", "trafficRouting": {"nginx": {"stableIngress": "web"}}}
GATEWAY_API = {
    "stableService": "stable",
    "canaryService": "canary",
    "trafficRouting": {"gatewayAPI": {"httpRoute": "web"}},
}

# The phase of a load in which there is nothing left to answer.
GONE = "gone"


class Course(NamedTuple):
    """How a release goes, with or without faults; *told* are Events of the Rollout's whole life."""

    weights: list[int]
    steps: list[int]
    told: dict[str, int]
    runs: int = 0


def told(steps: int, pauses: int) -> dict[str, int]:
    """Events of a Rollout's creation and of one release."""
    return {
        "RolloutUpdated": 2,
        "NewReplicaSetCreated": 2,
        "RolloutStepCompleted": steps,
        "RolloutPaused": pauses,
        "RolloutResumed": pauses,
        "RolloutCompleted": 2,
    }


# How a release of STEPS goes, and one of JUDGED.
PLAIN = Course([0, 25, 50, 75, 100, 0], [6, 0, 1, 2, 3, 4, 5, 6], told(6, 3))
LATEST = [{"name": "hash", "valueFrom": {"podTemplateHashValue": "Latest"}}]
JUDGED = [weight(25), {"analysis": {"templates": [{"templateName": "check"}], "args": LATEST}}, weight(50), pause(1)]
AFTER_VERDICT = Course([0, 25, 50, 100, 0], [4, 0, 1, 2, 3, 4], told(4, 1), runs=1)


class Play(NamedTuple):
    """A controller behind a faulty proxy, a Rollout of its own at rest, and requests on their way to it."""

    scene: Scene
    controller: Mortal
    proxy: Proxy
    chronicle: Chronicle
    load: Load

    async def release(self, seconds: float = 90.0) -> None:
        """From v1 to v2, to the very end."""
        await self.scene.image("web:v2")
        await self.over(seconds)

    async def over(self, seconds: float = 90.0) -> None:
        """Wait until the release is through and the old pods are gone."""
        await self.scene.phase("Healthy", seconds=seconds)
        await self.scene.until("old pods gone", self._rests, seconds)

    async def _rests(self) -> bool:
        return await self.scene.sizes() == {"web:v1": 0, "web:v2": 4} and self.chronicle.weights()[-1:] == [0]

    def asked(self) -> Counter[str]:
        """The controller's requests about this release since it could begin, by name.

        Services whose Rollouts go are looked after in every namespace, and here other tests' come and go.
        """
        return tally(self.mine)

    @property
    def mine(self) -> list[Seen]:
        """The controller's requests but those about other namespaces."""
        place = f"/namespaces/{self.scene.namespace}/"
        return [one for one in self.proxy.seen if "/namespaces/" not in one.path or place in one.path]

    async def fails(self) -> int:
        """Events that say that a pass over the Rollout failed."""
        return (await said(self.scene))["ReconciliationError"]


@asynccontextmanager
async def play(scene: Scene, *before: dict[str, Any], strategy: dict[str, Any] | None = None) -> AsyncIterator[Play]:
    """Everything in place, v1 Healthy, load on it; at the end no request may have failed. *before* is applied first."""
    async with behind_proxy(scene) as (controller, proxy):
        if before:
            await scene.apply(*before)
        host, url = await deployed(scene, strategy or canary())
        async with chronicle(scene.client, scene.namespace) as told:
            async with scene.load(host, url=url, clients=2, rate=50) as load:
                proxy.seen.clear()
                yield Play(scene, controller, proxy, told, load)
                assert controller.is_running
            report = load.report()
        failures = [failure for failure in report.failures if failure.phase != GONE]
        assert failures == [], failures[:5]
        assert report.requests > 100


def canary(routing: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """The strategy of the release."""
    return {"canary": {**(routing or NGINX), "steps": STEPS, "scaleDownDelaySeconds": 1, **fields}}


async def deployed(scene: Scene, strategy: dict[str, Any]) -> tuple[str, str]:
    """v1 of a Rollout and what leads to it; host and address at which it is asked."""
    host = f"{scene.namespace}.example.com"
    is_gateway = "gatewayAPI" in strategy["canary"].get("trafficRouting", {})
    route = [gateway(), http_route(host)] if is_gateway else [ingress("web", host, "stable")]
    await scene.apply(service("stable"), service("canary"), *route, owned(scene, rollout(strategy)))
    await scene.phase("Healthy")
    url = GATEWAY if is_gateway else WEB
    await scene.served(host, url)
    return host, url


def gateway() -> dict[str, Any]:
    """The Gateway `gw` of the namespace."""
    spec = {"gatewayClassName": "traefik", "listeners": [{"name": "http", "protocol": "HTTP", "port": 80}]}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "gw"},
        "spec": spec,
    }


def http_route(host: str) -> dict[str, Any]:
    """An HTTPRoute that leads *host* to the Service `stable`, and could to `canary`."""
    backends = [{"name": "stable", "port": 80, "weight": 100}, {"name": "canary", "port": 80, "weight": 0}]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "web"},
        "spec": {
            "parentRefs": [{"name": "gw"}],
            "hostnames": [host],
            "rules": [{"backendRefs": backends}],
        },
    }


async def went_as_without(play: Play, course: Course = PLAIN, *, told_all: bool = True) -> None:
    """The same weights, steps, ReplicaSets, runs and Events as in a release that nothing disturbed.

    Without *told_all* Events may be missing: what a write did is not told by whom its answer never reached.
    """
    assert play.chronicle.weights() == course.weights
    assert play.chronicle.steps() == course.steps
    assert len(play.chronicle.created(REPLICA_SET)) == 2
    assert len(play.chronicle.created(ANALYSIS_RUN)) == course.runs
    # stable keeps its pods to the end
    assert play.chronicle.most_pods() <= 8
    if told_all:
        await play.scene.until("everything told", lambda: all_told(play.scene, course))
    found = await said(play.scene)
    assert {reason: found[reason] for reason in course.told if found[reason] > course.told[reason]} == {}


async def all_told(scene: Scene, course: Course) -> bool:
    """Whether nothing is missing."""
    found = await said(scene)
    return all(found[reason] >= course.told[reason] for reason in course.told)


async def said(scene: Scene) -> Counter[str]:
    """Events of the Rollout by reason."""
    counted: Counter[str] = Counter()
    for event in await scene.events():
        if event["involvedObject"]["kind"] == "Rollout":
            counted[event["reason"]] += event["count"]
    return counted


def busiest(seen: list[Seen], name: str, seconds: float = 5.0) -> int:
    """Most requests whose name begins so within any *seconds*."""
    times = [one.at for one in seen if one.name.startswith(name)]
    return max((sum(1 for other in times if 0 <= other - at < seconds) for at in times), default=0)
