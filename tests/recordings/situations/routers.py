"""Canaries whose traffic a router splits."""

from tests.recordings.objects import (
    canary,
    canary_scale,
    http_route,
    ingress,
    pause,
    rollout,
    routed,
    services,
    weight,
)
from tests.recordings.objects import (
    nginx as by_nginx,
)
from tests.recordings.recording import Recording
from tests.recordings.situations.ours.words import paused_at


async def nginx(x: Recording) -> None:
    """Three weights, one pause ended by hand, old pods kept for 5 s."""
    steps = (weight(20), pause(2), weight(50), pause(), weight(100), pause(2))
    await x.provide(*services(), ingress())
    await x.create(rollout(canary(*steps, **by_nginx(), scaleDownDelaySeconds=5)))
    await x.phase("Healthy")
    await x.image("2")
    await paused_at(x, 3)
    await x.look_on(2)
    await x.promote()
    await x.look_on(1)
    await x.phase("Healthy")
    await x.look_on(8)


async def _aborted(x: Recording, seconds: float, **settings: int) -> None:
    await x.provide(*services(), ingress())
    await x.create(rollout(canary(weight(20), pause(), **by_nginx(), **settings)))
    await x.phase("Healthy")
    await x.image("2")
    await x.phase("Paused")
    await x.look_on(2)
    await x.abort()
    await x.phase("Degraded")
    await x.look_on(seconds)


async def nginx_abort(x: Recording) -> None:
    """Aborted; the canary is kept for 4 s."""
    await _aborted(x, 8, abortScaleDownDelaySeconds=4)


async def nginx_abort_default(x: Recording) -> None:
    """Aborted; the canary is kept for the default 30 s."""
    await _aborted(x, 36)


async def nginx_canary_scale(x: Recording) -> None:
    """Pods of the canary by their own count, by the weight, by a share of their own."""
    scales = (canary_scale(replicas=2), pause(2), weight(25), pause(2))
    scales += (canary_scale(matchTrafficWeight=True), pause(2), canary_scale(weight=75), pause())
    await x.provide(*services(), ingress())
    await x.create(rollout(canary(*scales, **by_nginx())))
    await x.phase("Healthy")
    await x.image("2")
    await paused_at(x, 7)
    await x.look_on(3)
    await x.promote()
    await x.look_on(1)
    await x.phase("Healthy")


async def nginx_options(x: Recording) -> None:
    """Two Ingresses, another annotation prefix, annotations of the user's own, weights of 1000."""
    options = {
        "stableIngresses": ["web", "web2"],
        "annotationPrefix": "custom.example.com",
        "additionalIngressAnnotations": {"canary-by-header": "X-C", "canary-by-header-value": "1"},
        "canaryIngressAnnotations": {"own.example.com/a": "b"},
    }
    split = routed(nginx=options, maxTrafficWeight=1000)
    steps = (weight(15), pause(2), weight(500), pause(1))
    await x.provide(*services(), ingress(), ingress("web2"))
    await x.create(rollout(canary(*steps, **split)))
    await x.good_release(5)


async def nginx_min_pods(x: Recording) -> None:
    """At least two pods each, whatever the weight."""
    steps = (weight(1), pause(2), weight(50), pause(2), weight(100))
    await x.provide(*services(), ingress())
    await x.create(rollout(canary(*steps, **by_nginx(), minPodsPerReplicaSet=2), 6))
    await x.good_release(6)


async def gatewayapi(x: Recording) -> None:
    """Weights in an HTTPRoute, as the plugin of Argo Rollouts writes them."""
    split = routed(plugins={"argoproj-labs/gatewayAPI": {"httpRoute": "web", "namespace": x.namespace}})
    steps = (weight(30), pause(2), weight(60), pause())
    await x.provide(*services(), http_route())
    await x.create(rollout(canary(*steps, **split)))
    await x.phase("Healthy")
    await x.image("2")
    await paused_at(x, 3)
    await x.look_on(2)
    await x.promote()
    await x.look_on(1)
    await x.phase("Healthy")
    await x.look_on(2)


async def nginx_dynamic_stable(x: Recording) -> None:
    """The stable side gives pods up and gets them back in an abort."""
    await x.provide(*services(), ingress())
    steps = (weight(25), pause(2), weight(75), pause())
    await x.create(rollout(canary(*steps, **by_nginx(), dynamicStableScale=True)))
    await x.phase("Healthy")
    await x.image("2")
    await paused_at(x, 3)
    await x.look_on(5)
    await x.abort()
    await x.phase("Degraded")
    await x.look_on(10)
