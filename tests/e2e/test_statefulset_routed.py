"""StatefulSet canaries under continuous load, alone and beside a router: not one request fails."""

from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest

from rollouts.api.keys import REVISION_LABEL
from rollouts.api.kinds import GATEWAY as GATEWAYS
from rollouts.api.kinds import HTTP_ROUTE, INGRESS, SERVICE
from rollouts.api.meta import Kind
from rollouts.kube.errors import NotFound
from rollouts.sandbox.load import Load
from tests.e2e.ordinals import abort, bump, diary, idle, referring, retry, stand, stateful_set
from tests.e2e.scene import GATEWAY, WEB, Scene, ingress, pause, service, weight

STEPS = [weight(40), pause(), weight(80), pause(2)]
BACK = ["db-4 v2 ends", "db-4 v1 ready", "db-3 v2 ends", "db-3 v1 ready"]


class Way(NamedTuple):
    """How requests get to the pods. *router*: what stands beside the partition; *kind*: the route that has weights."""

    url: str
    router: dict[str, Any]
    kind: Kind | None

    def manifests(self, host: str) -> list[dict[str, Any]]:
        if self.url == GATEWAY:
            return [service("web"), gateway(), http_route(host)]
        return [service("web"), ingress("web", host, "web-stable" if self.router else "web")]


ALONE = Way(WEB, {}, None)
NGINX = Way(WEB, {"nginx": {"stableIngress": "web"}}, INGRESS)
GATEWAY_API = Way(GATEWAY, {"gatewayAPI": {"httpRoute": "web"}}, HTTP_ROUTE)
WAYS = pytest.mark.parametrize("way", [ALONE, NGINX, GATEWAY_API], ids=["alone", "nginx", "gatewayAPI"])
ROUTED = pytest.mark.parametrize("way", [NGINX, GATEWAY_API], ids=["nginx", "gatewayAPI"])


def gateway() -> dict[str, Any]:
    spec = {"gatewayClassName": "traefik", "listeners": [{"name": "http", "protocol": "HTTP", "port": 80}]}
    return {"apiVersion": GATEWAYS.api_version, "kind": GATEWAYS.name, "metadata": {"name": "gw"}, "spec": spec}


def http_route(host: str) -> dict[str, Any]:
    backends = [
        {"name": f"web-{side}", "port": 80, "weight": share} for side, share in (("stable", 100), ("canary", 0))
    ]
    rule = {"backendRefs": backends}
    spec = {"parentRefs": [{"name": "gw"}], "hostnames": [host], "rules": [rule]}
    return {"apiVersion": HTTP_ROUTE.api_version, "kind": "HTTPRoute", "metadata": {"name": "web"}, "spec": spec}


@asynccontextmanager
async def under_load(scene: Scene, way: Way):
    """v1 in place and asked all the time; at the end no request may have failed."""
    host = f"{scene.namespace}.example.com"
    rollout = referring(*STEPS, trafficRouting={"statefulSet": {}, **way.router})
    governing = service("db")
    governing["spec"]["clusterIP"] = "None"
    await idle(scene, governing, *way.manifests(host), stateful_set(drain="3s"), rollout)
    await scene.served(host, way.url)
    async with scene.load(host, url=way.url, clients=2, rate=60) as load:
        yield load
    report = load.report()
    assert report.total.failed == 0, report.failures[:5]
    assert report.requests > 100


def versions(load: Load, phase: str) -> set[str]:
    return set(load.report().phase(phase).by(lambda answer: answer.version))


async def asked(load: Load, phase: str, scene: Scene) -> set[str]:
    """Versions that answer from now on, after enough requests for each to have its turn."""
    load.mark(phase)

    async def enough() -> bool:
        return load.report().phase(phase).requests >= 60

    await scene.until(f"asked {phase}", enough)
    return versions(load, phase)


@WAYS
async def test_a_release_under_load_loses_no_request(scene: Scene, way: Way):
    async with under_load(scene, way) as load:
        await bump(scene, "web:v2")
        await scene.step(1)
        assert await asked(load, "canary", scene) == {"v1", "v2"}
        await scene.promote()
        await scene.phase("Healthy")
        await stand(scene, *["v2"] * 5)
        await scene.until("only v2", lambda: only(load, scene, "v2"))


@WAYS
async def test_an_abort_under_load_loses_no_request_and_a_retry_neither(scene: Scene, way: Way):
    async with under_load(scene, way) as load:
        await bump(scene, "web:v2")
        await scene.step(1)
        async with diary(scene) as told:
            await abort(scene)
            await scene.phase("Degraded")
            await stand(scene, *["v1"] * 5)
            await told.tells(scene, BACK)
        await scene.until("only v1", lambda: only(load, scene, "v1"))
        await retry(scene)
        await scene.step(1)
        assert await asked(load, "canary again", scene) == {"v1", "v2"}


@ROUTED
async def test_weight_follows_available_pods_and_leaves_before_they_do(scene: Scene, way: Way):
    async with under_load(scene, way), diary(scene, way.kind) as told:
        await bump(scene, "web:v2")
        await scene.step(1)
        await told.says(scene, "db-3 v2 ready", "weight 40")
        assert told.told("ready", "40")[-1] == "weight 40"
        assert told.told("ready", "40").count("db-3 v2 ready") == 1
        told.forget()
        await abort(scene)
        await scene.phase("Degraded")
        await stand(scene, *["v1"] * 5)
        await told.says(scene, "weight 0", "db-3 v1 ready")
        assert [line for line in told.told("ends", "ready", "0") if line != "weight 0"] == BACK
        assert told.told("ends", "0")[0] == "weight 0"


@ROUTED
async def test_services_are_ours_by_revision_and_the_users_is_never_touched(scene: Scene, way: Way):
    async with under_load(scene, way):
        before = await scene.get(SERVICE, "web")
        assert await selectors(scene) == [1, 1]
        await bump(scene, "web:v2")
        status = (await scene.step(1))["status"]
        for side, revision in (("stable", status["stableRS"]), ("canary", status["currentPodHash"])):
            found = await scene.get(SERVICE, f"web-{side}")
            assert found["spec"]["selector"] == {"app": "web", REVISION_LABEL: revision}
            assert found["metadata"]["ownerReferences"][0]["name"] == "web"
        assert await scene.get(SERVICE, "web") == before
        await scene.promote()
        await scene.phase("Healthy")
        assert await scene.get(SERVICE, "web") == before


async def selectors(scene: Scene) -> list[int]:
    """How many Services there are of each side."""
    found = []
    for side in ("stable", "canary"):
        try:
            found.append(len([await scene.get(SERVICE, f"web-{side}")]))
        except NotFound:
            found.append(0)
    return found


async def only(load: Load, scene: Scene, version: str) -> bool:
    return await asked(load, f"only {version} {load.report().requests}", scene) == {version}
