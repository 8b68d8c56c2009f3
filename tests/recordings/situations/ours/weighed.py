"""Canaries beside a router: sizes apart from weights, several routes, and other revisions in between."""

from typing import Any

from rollouts.api.kinds import HTTP_ROUTE, ROLLOUT
from tests.recordings.objects import (
    Manifest,
    canary,
    canary_scale,
    http_route,
    ingress,
    named,
    nginx,
    pause,
    rollout,
    routed,
    services,
    weight,
)
from tests.recordings.recording import Recording
from tests.recordings.situations.ours.words import (
    LONGEST,
    aborted,
    counts,
    hero,
    of_web,
    paused_at,
    released,
    revision_of,
    said_last,
    sized,
    status,
)

QUICK = {"scaleDownDelaySeconds": 2, "abortScaleDownDelaySeconds": 2}
PREFIX = "nginx.ingress.kubernetes.io/"
SLOW = "8s"


async def _begun(x: Recording, strategy: Manifest, *routes: Manifest, replicas: int = 2) -> None:
    """Revision 1 is there."""
    await x.provide(*services(), *(routes or (ingress(),)))
    await x.create(rollout(strategy, replicas))
    await released(x, 1)


async def dynamic_abort_in_mid_step(x: Recording) -> None:
    """Aborted while the second pod of the canary comes up: stable gets its pod back before the weight returns."""
    steps = (weight(50), pause(), weight(100), pause())
    await _begun(x, canary(*steps, **nginx(), dynamicStableScale=True))
    slow = {"metadata": {"annotations": {"sandbox.rollouts/ready-after": SLOW}}}
    containers = [{**hero(x)["spec"]["template"]["spec"]["containers"][0], "image": "web:2"}]
    await x.patch({"spec": {"template": {**slow, "spec": {"containers": containers}}}})
    await paused_at(x, 1)
    await sized(x, 1, 1)
    await x.promote()
    await x.sees("a canary that grows", lambda: ("2", 2, (2, 1)) in [_size(raw) for raw in of_web(x)])
    await x.abort()
    await aborted(x)
    await sized(x, 1, 2)
    await sized(x, 2, 0)


def _size(raw: Manifest) -> tuple[str | None, int, tuple[int, int]]:
    return revision_of(raw), raw["spec"]["replicas"], counts(raw)


async def dynamic_min_pods(x: Recording) -> None:
    """At least two pods on either side, however small its share."""
    steps = (weight(10), pause(), weight(90), pause())
    await _begun(x, canary(*steps, **nginx(), dynamicStableScale=True, minPodsPerReplicaSet=2), replicas=4)
    await x.image("2")
    await paused_at(x, 1)
    await sized(x, 2, 2)
    await x.promote()
    await paused_at(x, 3)
    await sized(x, 1, 2)
    await x.promote()
    await released(x, 2)
    await sized(x, 1, 0)


async def canary_scale_aborted(x: Recording) -> None:
    """More pods than the Rollout has, then as the weight wants; aborted in between and retried."""
    steps = (canary_scale(replicas=3), pause(), canary_scale(matchTrafficWeight=True), weight(50), pause())
    await _begun(x, canary(*steps, **nginx(), **QUICK))
    await x.image("2")
    await paused_at(x, 1)
    await sized(x, 2, 3)
    await x.abort()
    await aborted(x)
    await sized(x, 2, 0)
    await x.retry()
    await paused_at(x, 1)
    await sized(x, 2, 3)
    await x.promote()
    await paused_at(x, 4)
    await sized(x, 2, 1)
    await x.promote()
    await released(x, 2)
    await sized(x, 1, 0)


async def canary_scale_by_share(x: Recording) -> None:
    """Half of the pods before any request, then a weight that leaves them so."""
    steps = (canary_scale(weight=50), weight(10), pause(), weight(90), pause())
    await _begun(x, canary(*steps, **nginx(), **QUICK), replicas=4)
    await x.image("2")
    await paused_at(x, 2)
    await sized(x, 2, 2)
    await x.patch({"spec": {"replicas": 6}})
    await sized(x, 2, 3)
    await x.promote()
    await paused_at(x, 4)
    await x.promote()
    await released(x, 2)
    await sized(x, 1, 0)


async def two_ingresses_aborted(x: Recording) -> None:
    """Two Ingresses with annotations of the router's own, aborted and promoted in full afterwards."""
    own = {"canary-by-header": "X-Insider", "canary-by-header-value": "yes"}
    split = routed(nginx={"stableIngresses": ["web", "web2"], "additionalIngressAnnotations": own})
    await _begun(x, canary(weight(50), pause(), **split, **QUICK), ingress(), ingress("web2"))
    await x.image("2")
    await paused_at(x, 1)
    await x.abort()
    await aborted(x)
    await sized(x, 2, 0)
    await x.retry()
    await paused_at(x, 1)
    await x.promote_fully()
    await released(x, 2)
    await sized(x, 1, 0)


async def ingress_annotations_edited(x: Recording) -> None:
    """Another header for insiders at a pause."""
    await _begun(x, canary(weight(50), pause(), **_by_header("X-Insider"), **QUICK))
    await x.image("2")
    await paused_at(x, 1)
    await said_last(x, "RolloutPaused")
    edited = {"additionalIngressAnnotations": {"canary-by-header": "X-Team"}}
    await x.patch({"spec": {"strategy": {"canary": {"trafficRouting": {"nginx": edited}}}}})
    await x.sees("the header", lambda: _annotation(x, "canary-by-header") == "X-Team")
    await paused_at(x, 1)
    await x.promote()
    await released(x, 2)
    await sized(x, 1, 0)


def _by_header(header: str) -> Manifest:
    return routed(nginx={"stableIngress": "web", "additionalIngressAnnotations": {"canary-by-header": header}})


def _annotation(x: Recording, name: str) -> str | None:
    found: dict[str, Any] = x.states.get(("Ingress", "web-web-canary"), {}).get("metadata", {}).get("annotations", {})
    return found.get(PREFIX + name)


async def gateway_two_routes(x: Recording) -> None:
    """Two HTTPRoutes by name, promoted."""
    split = routed(gatewayAPI={"httpRoutes": [{"name": "web"}, {"name": "web2"}]})
    routes = (http_route(), named(http_route(), "web2"))
    await _begun(x, canary(weight(50), pause(), **split, **QUICK), *routes)
    await x.image("2")
    await paused_at(x, 1)
    await x.promote()
    await released(x, 2)
    await sized(x, 1, 0)


async def gateway_route_gone(x: Recording) -> None:
    """The HTTPRoute deleted at a pause and created again as the user has it: the weight is written again."""
    await _begun(x, canary(weight(50), pause(), **routed(gatewayAPI={"httpRoute": "web"}), **QUICK), http_route())
    await x.image("2")
    await paused_at(x, 1)
    await x.delete(HTTP_ROUTE, "web")
    await x.sees("InvalidSpec", lambda: "InvalidSpec" in status(x).get("message", ""))
    await x.create(http_route())
    await x.sees("the weight", lambda: _weights(x) == [50, 50])
    await paused_at(x, 1)
    await x.abort()
    await aborted(x)
    await sized(x, 2, 0)


def _weights(x: Recording) -> list[int | None]:
    rules = x.states.get(("HTTPRoute", "web"), {}).get("spec", {}).get("rules", ({},))
    return [ref.get("weight") for ref in rules[0].get("backendRefs", ())]


async def routed_third_image(x: Recording) -> None:
    """A third image at a pause: nobody is led to the second any more."""
    await _begun(x, canary(weight(50), pause(), **nginx(), **QUICK))
    await x.image("2")
    await paused_at(x, 1)
    await x.image("3")
    await paused_at(x, 1, revision=3)
    await sized(x, 2, 0)
    await x.promote()
    await released(x, 3)
    await sized(x, 1, 0)


async def routed_back_to_stable(x: Recording) -> None:
    """The old image again at a pause."""
    await _begun(x, canary(weight(50), pause(), **nginx(), **QUICK))
    await x.image("2")
    await paused_at(x, 1)
    await x.image("1")
    await released(x, 3)
    await sized(x, 2, 0)


async def routed_deleted(x: Recording) -> None:
    """The Rollout deleted at a pause: its Services lead to all pods again."""
    await _begun(x, canary(weight(50), pause(), **nginx(), **QUICK))
    await x.image("2")
    await paused_at(x, 1)
    await x.delete(ROLLOUT, "web")
    left = {("Rollout", "web"), ("Ingress", "web-web-canary")}
    await x.sees("the Rollout gone, and what was made for it", lambda: not left & set(x.states), LONGEST)


async def routed_promoted_fully(x: Recording) -> None:
    """All further weights skipped at a pause; old pods stay for their delay."""
    await _begun(x, canary(weight(10), pause(), weight(20), pause(), **nginx(), **QUICK))
    await x.image("2")
    await paused_at(x, 1)
    await x.promote_fully()
    await released(x, 2)
    await sized(x, 1, 0)
