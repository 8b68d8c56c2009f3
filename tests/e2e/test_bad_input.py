"""Bad input: said once, with path, cause and remedy; nothing crashes or spins; mended, it goes on by itself."""

from typing import Any

from rollouts.api.kinds import HTTP_ROUTE, INGRESS
from tests.e2e.audit import Audit
from tests.e2e.bad import BY_WATCH, CANARY, canary, is_valid, mended, refused
from tests.e2e.scene import Scene, ingress, pause, rollout, service, weight


async def test_a_bad_spec_in_mid_release_leaves_pods_and_traffic_alone(scene: Scene):
    await scene.apply(rollout({"canary": {"steps": [weight(50), pause()]}}, replicas=2))
    await scene.phase("Healthy")
    await scene.image("web:v2")
    await scene.step(1)
    audit = Audit(scene.namespace)
    await scene.patch({"spec": {"minReadySeconds": -1}})
    await refused(scene, audit, "spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0")
    assert await scene.pods() == {"web:v1": 1, "web:v2": 1}
    await scene.patch({"spec": {"minReadySeconds": 0}})
    await scene.until("taken up", lambda: is_valid(scene), BY_WATCH)
    await scene.step(1)


# what a specification refers to


def routed(**routing: Any) -> dict[str, Any]:
    return canary(stableService="stable", canaryService="canary", trafficRouting=routing, steps=[weight(50), pause()])


def by_nginx() -> dict[str, Any]:
    return routed(nginx={"stableIngress": "web"})


def by_gateway() -> dict[str, Any]:
    return routed(gatewayAPI={"httpRoute": "web"})


INGRESS_PATH = f"{CANARY}.trafficRouting.nginx.stableIngress"
ROUTE_PATH = f"{CANARY}.trafficRouting.gatewayAPI.httpRoute"


def route(*backends: str, port: int = 80, **fields: Any) -> dict[str, Any]:
    refs = [{"name": name, "port": port, **fields} for name in backends]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "web"},
        "spec": {"parentRefs": [{"name": "nowhere"}], "rules": [{"backendRefs": refs}]},
    }


async def test_a_missing_service(scene: Scene):
    audit = Audit(scene.namespace)
    await scene.apply(service("stable"), ingress("web", "a.example.com", "stable"))
    await scene.apply(by_nginx())
    await refused(scene, audit, f'{CANARY}.canaryService: Invalid value: "canary": service "canary" not found')
    await mended(scene, service("canary"))


async def test_a_service_of_other_pods(scene: Scene):
    other = service("canary")
    other["spec"]["selector"] = {"app": "other"}
    audit = Audit(scene.namespace)
    await scene.apply(service("stable"), other, ingress("web", "a.example.com", "stable"))
    await scene.apply(by_nginx())
    detail = 'Service "canary" has unmatch label "app" in rollout'
    await refused(scene, audit, f'{CANARY}.canaryService: Invalid value: "canary": {detail}')
    await mended(scene, service("canary"))


async def test_a_missing_ingress(scene: Scene):
    audit = Audit(scene.namespace)
    await scene.apply(service("stable"), service("canary"))
    await scene.apply(by_nginx())
    await refused(scene, audit, f'{INGRESS_PATH}: Invalid value: "web": ingress.networking.k8s.io "web" not found')
    await mended(scene, ingress("web", f"{scene.namespace}.example.com", "stable"))


async def test_an_ingress_without_the_stable_backend(scene: Scene):
    audit = Audit(scene.namespace)
    host = f"{scene.namespace}.example.com"
    await scene.apply(service("stable"), service("canary"), ingress("web", host, "other"))
    await scene.apply(by_nginx())
    detail = "ingress `web` has no rules using service stable backend"
    await refused(scene, audit, f'{INGRESS_PATH}: Invalid value: "web": {detail}')
    await mended(scene, ingress("web", host, "stable"))


async def test_an_ingress_under_the_canarys_name_that_is_not_ours(scene: Scene):
    audit = Audit(scene.namespace)
    host = f"{scene.namespace}.example.com"
    theirs = ingress("web-web-canary", host, "stable")
    theirs["metadata"]["annotations"] = {"note": "somebody else's"}
    await scene.apply(service("stable"), service("canary"), ingress("web", host, "stable"), theirs)
    await scene.apply(by_nginx())
    detail = "canary ingress `web-web-canary` is not controlled by any object: delete it, and Rollout web makes it"
    await refused(scene, audit, f'{INGRESS_PATH}: Invalid value: "web": {detail}')
    assert (await scene.get(INGRESS, "web-web-canary"))["metadata"]["annotations"]["note"] == "somebody else's"
    await scene.kubectl("delete", "ingress", "web-web-canary")
    await mended(scene)


async def test_a_missing_route(scene: Scene):
    audit = Audit(scene.namespace)
    await scene.apply(service("stable"), service("canary"))
    await scene.apply(by_gateway())
    detail = 'httproutes.gateway.networking.k8s.io "web" not found'
    await refused(scene, audit, f'{ROUTE_PATH}: Invalid value: "web": {detail}')
    await mended(scene, route("stable", "canary"))


async def test_a_route_without_the_stable_backend(scene: Scene):
    audit = Audit(scene.namespace)
    await scene.apply(service("stable"), service("canary"), route("canary"))
    await scene.apply(by_gateway())
    await refused(scene, audit, f'{ROUTE_PATH}: Invalid value: "web": ')
    text = (await scene.rollout())["status"]["message"]
    assert "stable" in text
    assert "backendRefs" in text
    await mended(scene, route("stable", "canary"))


async def test_the_tutorials_route_with_weights_in_port(scene: Scene):
    wrong = route("stable", "canary")
    for ref, port in zip(wrong["spec"]["rules"][0]["backendRefs"], (99, 1), strict=True):
        ref["port"] = port
    audit = Audit(scene.namespace)
    await scene.apply(service("stable"), service("canary"), wrong)
    await scene.apply(by_gateway())
    await refused(scene, audit, f'{ROUTE_PATH}: Invalid value: "web": ')
    assert "backendRefs[0].port is 99" in (await scene.rollout())["status"]["message"]
    await mended(scene, route("stable", "canary"))


async def test_two_rollouts_on_one_route(scene: Scene):
    first, second = by_gateway(), by_gateway()
    second["metadata"]["name"] = "other"
    await scene.apply(service("stable"), service("canary"), route("stable", "canary"))
    await scene.apply(first)
    await scene.phase("Healthy")
    audit = Audit(scene.namespace)
    await scene.apply(second)
    status = (await scene.phase("Degraded", name="other"))["status"]
    assert status["message"] == (
        'InvalidSpec: The Rollout "other" is invalid: spec.strategy.canary.stableService: Invalid value: "stable": '
        'Service "stable" is managed by another Rollout'
    )
    await audit.quiet()
    assert (await scene.rollout())["status"]["phase"] == "Healthy"


async def test_two_rollouts_with_services_of_their_own_on_one_route(scene: Scene):
    ours, theirs = by_gateway(), by_gateway()
    theirs["metadata"]["name"] = "other"
    theirs["spec"]["strategy"]["canary"] |= {"stableService": "stable2", "canaryService": "canary2"}
    services = [service(name) for name in ("stable", "canary", "stable2", "canary2")]
    shared = route("stable", "canary")
    shared["spec"]["rules"] += route("stable2", "canary2")["spec"]["rules"]
    shared["spec"]["rules"][1]["matches"] = [{"path": {"type": "PathPrefix", "value": "/other"}}]
    await scene.apply(*services, shared)
    before = (await scene.get(HTTP_ROUTE, "web"))["spec"]
    # two Rollouts with one selector would count each other's pods at the Services
    theirs["spec"]["selector"] = {"matchLabels": {"app": "web", "part": "other"}}
    theirs["spec"]["template"]["metadata"]["labels"] = {"app": "web", "part": "other"}
    await scene.apply(ours, theirs)
    for name in ("web", "other"):
        await scene.phase("Healthy", name=name)
    for name in ("web", "other"):
        await scene.image("web:v2", name)
    for name in ("web", "other"):
        await scene.step(1, name)
    rules = (await scene.get(HTTP_ROUTE, "web"))["spec"]["rules"]
    assert [[ref["weight"] for ref in rule["backendRefs"]] for rule in rules] == [[50, 50], [50, 50]]
    for name in ("web", "other"):
        await scene.promote(name)
    for name in ("web", "other"):
        await scene.phase("Healthy", name=name)
    await scene.until("given back", lambda: is_spec(scene, before))


async def is_spec(scene: Scene, spec: dict[str, Any]) -> bool:
    return (await scene.get(HTTP_ROUTE, "web"))["spec"] == spec
