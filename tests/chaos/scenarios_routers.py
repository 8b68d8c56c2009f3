"""Canaries behind a router: NGINX Ingresses and the Gateway API's routes."""

from dataclasses import dataclass
from typing import Any

from rollouts.api.kinds import DEPLOYMENT
from tests.chaos.scenarios_canary import deployment, referring
from tests.chaos.scenarios_words import (
    Apply,
    Is,
    Pods,
    Scenario,
    Weighs,
    World,
    at_once,
    canary,
    image,
    resume,
    spec,
    status,
    when,
)
from tests.e2e.scene import ingress, pause, service, weight

HOST = "$NS.example.com"
SOON = {"scaleDownDelaySeconds": 1}
SERVICES = {"stableService": "stable", "canaryService": "canary"}
BY_NGINX = {**SERVICES, "trafficRouting": {"nginx": {"stableIngress": "web"}}, **SOON}
BY_GATEWAY = {**SERVICES, "trafficRouting": {"gatewayAPI": {"httpRoute": "web"}}, **SOON}
MANAGED = {
    **SERVICES,
    **SOON,
    "trafficRouting": {"gatewayAPI": {"httpRoute": "web"}, "managedRoutes": [{"name": "header"}]},
}
NGINX = (service("stable"), service("canary"), ingress("web", HOST, "stable"))
TIMED = (weight(25), pause(1), weight(50), pause(1), weight(75), pause(1))
TWO_PAUSES = (weight(25), pause(), weight(50), pause())
AT_25, AT_50, HEALTHY, DEGRADED = Is("Paused", 1), Is("Paused", 3), Is("Healthy"), Is("Degraded")
NEW, OLD, IDLE = Pods({"v2": 4}), Pods({"v1": 4}), Weighs(0)
# with a router the stable pods stay while the canary's come on top
ROUTED = (4, 8)


def dynamic(router: dict[str, Any]) -> dict[str, Any]:
    """*router* with stable pods that go as the weight does, which leaves nothing to delay."""
    return {**SERVICES, "trafficRouting": router["trafficRouting"], "dynamicStableScale": True}


def http_route(**metadata: Any) -> dict[str, Any]:
    """A route whose backends have weights of the user's own."""
    backends = [{"name": "stable", "port": 80}, {"name": "canary", "port": 80, "weight": 3}]
    rule = {"matches": [{"path": {"type": "PathPrefix", "value": "/"}}], "backendRefs": backends}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "web", **metadata},
        "spec": {"parentRefs": [{"name": "gw"}], "hostnames": [HOST], "rules": [rule]},
    }


def gateway() -> dict[str, Any]:
    """The Gateway `gw`."""
    spec_ = {"gatewayClassName": "traefik", "listeners": [{"name": "http", "protocol": "HTTP", "port": 80}]}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "gw"}, "spec": spec_}


GATEWAY = (service("stable"), service("canary"), gateway(), http_route())
HEADERS = {"setHeaderRoute": {"name": "header", "match": [{"headerName": "x-canary", "headerValue": {"exact": "yes"}}]}}


@dataclass(frozen=True)
class Rules:
    """Names of the route's rules, "" for those that have none: a header route waits for the canary's pods."""

    names: tuple[str, ...]

    def holds(self, world: World) -> bool:
        """Whether it is so now."""
        rules = world.found("HTTPRoute", "web").get("spec", {}).get("rules", [])
        return sorted(rule.get("name", "") for rule in rules) == sorted(self.names)


SCENARIOS = (
    Scenario(
        "nginx",
        given=(*NGINX, canary(*TIMED, **BY_NGINX)),
        beats=(at_once(image("v2")),),
        ends=(HEALTHY, NEW, IDLE),
        writes=20,
        pods=ROUTED,
    ),
    Scenario(
        "nginx-aborted",
        given=(*NGINX, canary(*TWO_PAUSES, **BY_NGINX, abortScaleDownDelaySeconds=1)),
        beats=(at_once(image("v2")), when(AT_25).then(resume()), when(AT_50).then(spec(abort=True))),
        ends=(DEGRADED, OLD, IDLE),
        writes=14,
        pods=ROUTED,
    ),
    Scenario(
        "nginx-retried",
        given=(*NGINX, canary(*TWO_PAUSES, **BY_NGINX, abortScaleDownDelaySeconds=1)),
        beats=(
            at_once(image("v2")),
            when(AT_25).then(status(abort=True)),
            when(DEGRADED, OLD, IDLE).then(status(abort=False)),
            when(AT_25).then(status(promoteFull=True)),
        ),
        ends=(HEALTHY, NEW, IDLE),
        writes=22,
        pods=ROUTED,
    ),
    Scenario(
        "nginx-canary-scale",
        given=(
            *NGINX,
            canary(
                {"setCanaryScale": {"replicas": 2}},
                pause(),
                weight(25),
                {"setCanaryScale": {"matchTrafficWeight": True}},
                pause(1),
                {"setCanaryScale": {"weight": 100}},
                weight(50),
                **BY_NGINX,
            ),
        ),
        beats=(at_once(image("v2")), when(AT_25).then(resume())),
        ends=(HEALTHY, NEW, IDLE),
        writes=18,
        pods=ROUTED,
    ),
    Scenario(
        "nginx-third-template",
        given=(*NGINX, canary(*TWO_PAUSES, **BY_NGINX)),
        beats=(
            at_once(image("v2")),
            when(AT_25).then(image("v3")),
            when(AT_25, Pods({"v1": 4, "v3": 1})).then(spec(promote=True)),
            when(AT_50).then(spec(promoteFull=True)),
        ),
        ends=(HEALTHY, Pods({"v3": 4}), IDLE),
        writes=24,
    ),
    Scenario(
        "nginx-back-to-the-old-template",
        given=(*NGINX, canary(*TWO_PAUSES, **BY_NGINX)),
        beats=(at_once(image("v2")), when(AT_25).then(image("v1"))),
        ends=(HEALTHY, OLD, IDLE),
        writes=12,
        pods=ROUTED,
    ),
    Scenario(
        "nginx-scaled-in-mid-canary",
        given=(*NGINX, canary(weight(50), pause(), **BY_NGINX)),
        beats=(
            at_once(image("v2")),
            when(AT_25).then(spec(replicas=6)),
            when(AT_25, Pods({"v1": 6, "v2": 3})).then(spec(replicas=2)),
            when(AT_25, Pods({"v1": 2, "v2": 1})).then(resume()),
        ),
        ends=(HEALTHY, Pods({"v2": 2}), IDLE),
        writes=16,
    ),
    Scenario(
        "nginx-deployment",
        given=(*NGINX, deployment(0), referring("never", *TWO_PAUSES, **BY_NGINX)),
        beats=(
            at_once(image("v2", kind=DEPLOYMENT)),
            when(AT_25).then(resume()),
            when(AT_50).then(resume()),
        ),
        ends=(HEALTHY, NEW, IDLE),
        writes=16,
        pods=ROUTED,
    ),
    Scenario(
        "nginx-dynamic-stable-scale",
        given=(*NGINX, canary(*TIMED, **dynamic(BY_NGINX))),
        beats=(at_once(image("v2")),),
        ends=(HEALTHY, NEW, IDLE),
        writes=20,
        pods=ROUTED,
        is_gradual=True,
    ),
    Scenario(
        "nginx-dynamic-stable-scale-aborted",
        given=(*NGINX, canary(*TWO_PAUSES, **dynamic(BY_NGINX))),
        beats=(
            at_once(image("v2")),
            when(AT_25).then(resume()),
            when(AT_50, Pods({"v1": 2, "v2": 2})).then(spec(abort=True)),
        ),
        ends=(DEGRADED, OLD, IDLE),
        writes=14,
        pods=ROUTED,
        is_gradual=True,
    ),
    Scenario(
        "gateway-dynamic-stable-scale-promoted-fully",
        given=(*GATEWAY, canary(*TWO_PAUSES, **dynamic(BY_GATEWAY))),
        beats=(at_once(image("v2")), when(AT_25, Pods({"v1": 3, "v2": 1})).then(spec(promoteFull=True))),
        ends=(HEALTHY, NEW, IDLE),
        writes=14,
        pods=ROUTED,
        is_gradual=True,
    ),
    Scenario(
        "gateway",
        given=(*GATEWAY, canary(*TIMED, **BY_GATEWAY)),
        beats=(at_once(image("v2")),),
        ends=(HEALTHY, NEW, IDLE),
        writes=20,
        pods=ROUTED,
    ),
    Scenario(
        "gateway-aborted",
        given=(*GATEWAY, canary(*TWO_PAUSES, **BY_GATEWAY, abortScaleDownDelaySeconds=1)),
        beats=(at_once(image("v2")), when(AT_25).then(resume()), when(AT_50).then(status(abort=True))),
        ends=(DEGRADED, OLD, IDLE),
        writes=14,
        pods=ROUTED,
    ),
    Scenario(
        "gateway-header-route",
        given=(
            *GATEWAY,
            canary({"setCanaryScale": {"replicas": 1}}, HEADERS, pause(), weight(25), pause(1), weight(50), **MANAGED),
        ),
        beats=(at_once(image("v2")), when(Is("Paused", 2), Rules(("", "header"))).then(spec(promote=True))),
        ends=(HEALTHY, NEW, IDLE),
        writes=18,
        pods=ROUTED,
    ),
    Scenario(
        "gateway-applied-again",
        given=(*GATEWAY, canary(*TWO_PAUSES, **BY_GATEWAY)),
        beats=(
            at_once(image("v2")),
            when(AT_25).then(Apply((http_route(labels={"team": "blue"}),)), resume()),
            when(AT_50).then(resume()),
        ),
        ends=(HEALTHY, NEW, IDLE),
        writes=18,
        pods=ROUTED,
    ),
)
