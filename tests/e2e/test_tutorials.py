"""What the first users run, with the commands they type, under continuous load."""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest

from rollouts.api.kinds import HTTP_ROUTE, INGRESS, NAMESPACE
from rollouts.api.meta import Key
from rollouts.kube.errors import AlreadyExists, NotFound
from tests.e2e.scene import GATEWAY, Scene, ingress, seed, service

CLIENTS = 4


@asynccontextmanager
async def elsewhere(scene: Scene, namespace: str, manifests: list[dict]):
    """The scene in the namespace that a tutorial names; what it applied is gone afterwards."""
    there = Scene(scene.client, namespace)
    try:
        yield there
    finally:
        for manifest in manifests:
            if manifest["kind"] != "Namespace":
                await there.kubectl("delete", manifest["kind"], manifest["metadata"]["name"], "--ignore-not-found")


async def share(load, name: str, version: str, percent: int, seconds: float = 3) -> None:
    """Ask for a while with nothing changing: the share is exact but for what is under way at the edges."""
    load.mark(name)
    await asyncio.sleep(seconds)
    load.mark(f"after {name}")
    await asyncio.sleep(0.2)
    seen = load.report().phase(name)
    canary = seen.by(lambda answer: answer.version)[version]
    assert seen.requests > 100
    assert abs(canary * 100 - seen.requests * percent) <= 100 * (CLIENTS + 2), (name, canary, seen.requests)


def versions(load, phase: str) -> set[str]:
    return {version for version, count in load.report().phase(phase).by(lambda answer: answer.version).items() if count}


async def is_verified(scene: Scene, name: str, weight: int) -> bool:
    weights = (await scene.rollout(name)).get("status", {}).get("canary", {}).get("weights") or {}
    return weights.get("verified") is True and weights["canary"]["weight"] == weight


GATEWAY_PATCH = (
    '[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"kostiscodefresh/summer-of-k8s-app:%s"}]'
)


@pytest.mark.timeout(600)
async def test_gateway_canary(scene: Scene):
    manifests = seed("gateway-canary.yaml")
    async with elsewhere(scene, "default", manifests) as shop:
        await shop.apply(*manifests)
        await shop.phase("Healthy", name="rollouts-demo")
        await shop.served("demo.example.com", GATEWAY)
        before = (await shop.get(HTTP_ROUTE, "argo-rollouts-http-route"))["spec"]
        async with shop.load("demo.example.com", url=GATEWAY, clients=CLIENTS) as load:
            await gateway_release(shop, load)
            assert load.report().total.failed == 0, load.report().failures[:5]
            await gateway_abort(shop, load)
        assert load.report().total.failed == 0, load.report().failures[:5]
        assert (await shop.get(HTTP_ROUTE, "argo-rollouts-http-route"))["spec"] == before


async def gateway_release(shop: Scene, load) -> None:
    await shop.kubectl("patch", "rollout", "rollouts-demo", "--type=json", "-p", GATEWAY_PATCH % "v2")
    for index, percent in ((1, 30), (3, 60), (5, 100)):
        await shop.step(index, "rollouts-demo")
        await share(load, f"v2 at {percent}", "v2", percent)
    await shop.phase("Healthy", name="rollouts-demo")
    load.mark("promoted")
    await shop.until("old pods gone", lambda: only(shop, "kostiscodefresh/summer-of-k8s-app:v2"))
    assert versions(load, "promoted") == {"v2"}


async def gateway_abort(shop: Scene, load) -> None:
    await shop.kubectl("patch", "rollout", "rollouts-demo", "--type=json", "-p", GATEWAY_PATCH % "v3")
    await shop.step(1, "rollouts-demo")
    await shop.kubectl("patch", "rollout", "rollouts-demo", "--type", "merge", "-p", '{"spec":{"abort":true}}')
    await shop.phase("Degraded", name="rollouts-demo")
    await shop.until("weight 0 verified", lambda: is_verified(shop, "rollouts-demo", 0))
    load.mark("aborted")
    await shop.until("canary gone", lambda: only(shop, "kostiscodefresh/summer-of-k8s-app:v2"))
    assert versions(load, "aborted") == {"v2"}
    await shop.until("route given back", lambda: is_given_back(shop))


async def is_given_back(shop: Scene) -> bool:
    route = await shop.get(HTTP_ROUTE, "argo-rollouts-http-route")
    return [ref.get("weight") for ref in route["spec"]["rules"][0]["backendRefs"]] == [1, 1]


async def only(scene: Scene, image: str) -> bool:
    sizes = {name: size for name, size in (await scene.sizes()).items() if size}
    pods = {name: count for name, count in (await scene.pods()).items() if count}
    return set(sizes) == set(pods) == {image}


@pytest.mark.timeout(600)
async def test_nginx_workloadref(scene: Scene):
    manifests = seed("nginx-workloadref.yaml")
    async with elsewhere(scene, "pregap", manifests) as shop:
        with suppress(AlreadyExists):
            await scene.client.create(NAMESPACE, "", manifests[0])
        await shop.until("furnished", lambda: shop.kubectl("get", "serviceaccount", "default", "--output", "name"))
        await shop.apply(*manifests[1:])
        await shop.phase("Healthy", name="rollouts-pregap")
        await shop.served("pregap.example.com")
        async with shop.load("pregap.example.com", clients=CLIENTS) as load:
            await pregap_release(shop, load)
        assert load.report().total.failed == 0, load.report().failures[:5]


async def pregap_release(shop: Scene, load) -> None:
    await shop.kubectl("set", "image", "deployment/test2-pregap", "pregap=registry.example.com/pregap:1.1")
    await shop.step(1, "rollouts-pregap")
    canary = await shop.get(INGRESS, "rollouts-pregap-rollouts-pregap-canary")
    annotations = canary["metadata"]["annotations"]
    assert annotations["nginx.ingress.kubernetes.io/canary"] == "true"
    assert annotations["nginx.ingress.kubernetes.io/canary-weight"] == "20"
    await share(load, "1.1 at 20", "1.1", 20)
    await shop.kubectl(
        "patch", "rollout", "rollouts-pregap", "--subresource", "status", "--type", "merge",
        "-p", '{"status":{"pauseConditions":null}}',
    )  # fmt: skip
    await shop.step(3, "rollouts-pregap")
    await share(load, "1.1 at 50", "1.1", 50)
    await shop.phase("Healthy", name="rollouts-pregap")
    load.mark("promoted")
    await shop.until("old pods gone", lambda: only(shop, "registry.example.com/pregap:1.1"))
    assert versions(load, "promoted") == {"1.1"}
    assert (await shop.get(INGRESS, "rollouts-pregap-rollouts-pregap-canary"))["metadata"]["annotations"][
        "nginx.ingress.kubernetes.io/canary-weight"
    ] == "0"


async def test_canary_basic(scene: Scene):
    host = f"{scene.namespace}.example.com"
    front = service("front")
    front["spec"]["selector"] = {"app": "example"}
    front["spec"]["ports"] = [{"name": "http", "port": 80, "targetPort": 8080}]
    await scene.apply(front, ingress("front", host, "front"), *seed("canary-basic.yaml"))
    await scene.phase("Healthy", name="example-rollout")
    await scene.served(host)
    async with scene.load(host, clients=CLIENTS) as load:
        await scene.image("your-image:v2", "example-rollout")
        await scene.step(1, "example-rollout")
        assert await scene.sizes() == {"your-image:latest": 3, "your-image:v2": 1}
        await scene.promote("example-rollout")
        await scene.phase("Healthy", name="example-rollout")
        await scene.until("old pods gone", lambda: only(scene, "your-image:v2"))
    assert load.report().total.failed == 0, load.report().failures[:5]


async def test_the_tutorials_plugin_configmap_is_harmless(scene: Scene):
    download = "- name: argoproj-labs/gatewayAPI\n  location: https://example.invalid/plugin\n"
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argo-rollouts-config"}}
    await scene.apply({**manifest, "data": {"trafficRouterPlugins": download}}, *seed("canary-basic.yaml"))
    await scene.phase("Healthy", name="example-rollout")
    with pytest.raises(NotFound):
        await scene.client.get(HTTP_ROUTE, Key(scene.namespace, "none"))
