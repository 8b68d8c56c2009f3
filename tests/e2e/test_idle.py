"""Between releases everything is as its user applied it, and nothing is asked of the API server."""

import asyncio
from copy import deepcopy
from typing import Any

import pytest
import yaml

from rollouts.api.kinds import HTTP_ROUTE, INGRESS, REPLICA_SET, ROLLOUT, SERVICE
from tests.e2e.audit import QUIET, Audit
from tests.e2e.scene import HASH_LABEL, Scene, ingress, pause, rollout, service, weight

PLUGIN = {"plugins": {"argoproj-labs/gatewayAPI": {"httpRoute": "web"}}}
FIRST_CLASS = {"gatewayAPI": {"httpRoute": "web"}}
NGINX = {"nginx": {"stableIngress": "web"}}
APPLY = {"client": (), "server": ("--server-side",)}


def gateway() -> dict[str, Any]:
    listener = {"name": "http", "protocol": "HTTP", "port": 80, "allowedRoutes": {"namespaces": {"from": "Same"}}}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "front"},
        "spec": {"gatewayClassName": "traefik", "listeners": [listener]},
    }


def route(host: str, **weights: int) -> dict[str, Any]:
    """With a filter, a timeout and a rule that are nobody's business but the user's."""
    refs = [{"name": name, "port": 80, **({"weight": n} if n >= 0 else {})} for name, n in weights.items()]
    header = {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"add": [{"name": "x-mine", "value": "1"}]}}
    rules = [
        {"matches": [{"path": {"type": "PathPrefix", "value": "/"}}], "filters": [header], "backendRefs": refs},
        {"matches": [{"path": {"type": "Exact", "value": "/own"}}], "backendRefs": [{"name": "stable", "port": 80}]},
    ]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "web", "labels": {"team": "blue"}, "annotations": {"note": "mine"}},
        "spec": {"parentRefs": [{"name": "front"}], "hostnames": [host], "rules": rules},
    }


def manifests(scene: Scene, image: str, routing: dict[str, Any]) -> list[dict[str, Any]]:
    """A whole application as it stands in Git."""
    host = f"{scene.namespace}.example.com"
    roads = {
        "nginx": [ingress("web", host, "stable")],
        "gatewayAPI": [gateway(), route(host, stable=-1, canary=-1)],
        "plugins": [gateway(), route(host, stable=100, canary=0)],
    }
    canary = {
        "stableService": "stable",
        "canaryService": "canary",
        "trafficRouting": routing,
        "steps": [weight(50), pause(1)],
        "scaleDownDelaySeconds": 1,
    }
    web = rollout({"canary": canary}, replicas=2, image=image)
    spec = web["spec"]["template"]["spec"]
    spec["containers"][0]["resources"] = {"limits": {"cpu": "0.5", "memory": "1024Mi"}}
    spec["containers"][0]["env"] = [{"name": "EMPTY", "value": ""}]
    return [service("stable"), service("canary"), *roads[next(iter(routing))], web]


async def put(scene: Scene, verb: tuple[str, ...], found: list[dict[str, Any]], check: bool = True) -> str:
    text = yaml.safe_dump_all(scene.placed(manifest) for manifest in found)
    return await scene.kubectl(*verb, "-f", "-", stdin=text, check=check)


async def settled(scene: Scene, image: str) -> bool:
    """The release is over and the old pods are gone."""
    sizes = {name: size for name, size in (await scene.sizes()).items() if size}
    status = (await scene.rollout())["status"]
    return sizes == {image: 2} and status["phase"] == "Healthy" and status["replicas"] == 2


@pytest.mark.parametrize("way", APPLY)
@pytest.mark.parametrize("routing", [NGINX, FIRST_CLASS, PLUGIN], ids=lambda routing: next(iter(routing)))
async def test_after_a_release_git_and_cluster_agree(scene: Scene, routing: dict[str, Any], way: str):
    applied = manifests(scene, "web:v1", routing)
    await put(scene, ("apply", *APPLY[way]), applied)
    await scene.phase("Healthy")
    before = await roads(scene)
    audit = Audit(scene.namespace)
    # A Service's selector has one owner only: applied from the server's side it would conflict with its revision label.
    applied = manifests(scene, "web:v2", routing)[2 if way == "server" else 0 :]
    await put(scene, ("apply", *APPLY[way]), applied)
    await scene.until("released", lambda: settled(scene, "web:v2"))
    await scene.until("given back", lambda: has_roads(scene, before))
    await audit.quiet()
    # kubectl diff fails where there is a difference
    assert await put(scene, ("diff", *APPLY[way]), applied) == ""
    assert await roads(scene) == before
    versions = await stored(scene)
    await put(scene, ("apply", *APPLY[way]), applied)
    await asyncio.sleep(QUIET)
    assert await stored(scene) == versions
    assert not audit.take()


async def stored(scene: Scene) -> dict[str, str]:
    """Generations: they move with every change to a specification."""
    found = [one for kind in (ROLLOUT, INGRESS, HTTP_ROUTE) for one in await scene.all(kind)]
    return {f"{one['kind']} {one['metadata']['name']}": one["metadata"]["generation"] for one in found}


async def roads(scene: Scene) -> dict[str, Any]:
    """The user's Ingress or HTTPRoute without what its data plane says of it."""
    kind = HTTP_ROUTE if await scene.all(HTTP_ROUTE) else INGRESS
    found = await scene.get(kind, "web")
    metadata = found["metadata"]
    kept = {key: metadata.get(key) for key in ("labels", "annotations", "finalizers", "ownerReferences")}
    owners = sorted({entry["manager"] for entry in metadata["managedFields"]} - {"traefik"})
    return {**kept, "spec": found["spec"], "owners": [one for one in owners if "rollouts" in one]}


async def has_roads(scene: Scene, wanted: dict[str, Any]) -> bool:
    return await roads(scene) == wanted


async def test_an_absent_replicas_is_the_only_field_that_is_written(scene: Scene):
    web = rollout({"canary": {}})
    del web["spec"]["replicas"]
    await scene.apply(web)
    await scene.phase("Healthy")
    stored = (await scene.rollout())["spec"]
    assert stored["replicas"] == 1
    stored.pop("replicas")
    assert stored == web["spec"]
    assert await put(scene, ("diff",), [web]) == ""


async def test_fields_of_a_pod_template_that_nobody_knows_are_kept(scene: Scene):
    web = rollout({"canary": {"steps": [weight(50), pause(1)]}}, replicas=2)
    spec = web["spec"]["template"]["spec"]
    spec["fieldOfTheFuture"] = {"a": [1, None, {"b": "c"}]}
    spec["containers"][0]["knobOfTheFuture"] = 5
    await scene.client.create(ROLLOUT, scene.namespace, scene.placed(deepcopy(web)))
    await scene.phase("Healthy")
    audit = Audit(scene.namespace)
    await scene.image("web:v2")
    await scene.until("released", lambda: settled(scene, "web:v2"))
    stored = (await scene.rollout())["spec"]["template"]
    spec["containers"][0]["image"] = "web:v2"
    assert stored == web["spec"]["template"]
    await audit.quiet()
    assert len(await scene.all(REPLICA_SET)) == 2


async def test_services_keep_what_is_the_users(scene: Scene):
    applied = manifests(scene, "web:v1", NGINX)
    applied[0]["metadata"] |= {"labels": {"team": "blue"}, "annotations": {"note": "mine"}}
    applied[0]["spec"] |= {"sessionAffinity": "ClientIP", "publishNotReadyAddresses": True}
    await put(scene, ("apply",), applied)
    await scene.phase("Healthy")
    before = await scene.get(SERVICE, "stable")
    await put(scene, ("apply",), [*applied[:-1], manifests(scene, "web:v2", NGINX)[-1]])
    await scene.until("released", lambda: settled(scene, "web:v2"))
    after = await scene.get(SERVICE, "stable")
    for found in (before, after):
        found["spec"]["selector"].pop("rollouts-pod-template-hash", None)
    assert after["spec"] == before["spec"]
    assert after["metadata"]["labels"] == {"team": "blue"}
    assert after["metadata"]["annotations"]["note"] == "mine"


async def test_after_a_blue_green_release_services_differ_in_their_revision_alone(scene: Scene):
    """Their selector's hash and who manages them are what Argo Rollouts writes there too: clients expect that."""
    host = f"{scene.namespace}.example.com"
    strategy = {"blueGreen": {"activeService": "active", "previewService": "preview", "scaleDownDelaySeconds": 1}}
    services = [service("active"), service("preview"), ingress("web", host, "active")]
    await put(scene, ("apply",), [*services, rollout(strategy, replicas=2)])
    await scene.phase("Healthy")
    before = {name: await scene.get(SERVICE, name) for name in ("active", "preview")}
    audit = Audit(scene.namespace)
    applied = [*services, rollout(strategy, replicas=2, image="web:v2")]
    await put(scene, ("apply",), applied)
    await scene.until("released", lambda: settled(scene, "web:v2"))
    await audit.quiet()
    assert await put(scene, ("diff",), applied) == ""
    for name, old in before.items():
        new = await scene.get(SERVICE, name)
        assert old["spec"]["selector"].pop(HASH_LABEL) != new["spec"]["selector"].pop(HASH_LABEL)
        assert new["spec"] == old["spec"]
        assert new["metadata"]["annotations"] == old["metadata"]["annotations"]
    versions = await stored(scene)
    await put(scene, ("apply",), applied)
    await asyncio.sleep(QUIET)
    assert (await stored(scene), audit.take()) == (versions, {})
