"""Canaries of StatefulSets: pods change from the highest ordinal down, one after the other,
and weights follow those that are ready."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rollouts.api.kinds import STATEFUL_SET
from tests.chaos.scenarios_routers import HOST, gateway
from tests.chaos.scenarios_words import (
    Has,
    Is,
    Patch,
    Scenario,
    Weighs,
    World,
    at_once,
    image,
    resume,
    spec,
    status,
    when,
)
from tests.e2e.ordinals import PINNED, is_ready, places, referring, stateful_set, version
from tests.e2e.scene import ingress, pause, service, weight

AT_40, HEALTHY, DEGRADED = Is("Paused", 1), Is("Healthy"), Is("Degraded")
IDLE = Has("StatefulSet", "db", ("spec", "updateStrategy", "rollingUpdate", "partition"), PINNED)
BEGINS = (HEALTHY, IDLE)
STEPS = (weight(40), pause(), weight(80), pause(1))


@dataclass(frozen=True)
class Stand:
    """Ready pods of these versions stand at their places, and no other."""

    versions: Mapping[str, str]

    def holds(self, world: World) -> bool:
        """Whether it is so now."""
        pods = {one["metadata"]["name"]: one for one in world.all("Pod")}
        is_at_rest = all(is_ready(one) and not one["metadata"].get("deletionTimestamp") for one in pods.values())
        return is_at_rest and {name: version(one) for name, one in pods.items()} == dict(self.versions)


def stand(*tags: str) -> Stand:
    """`stand("v1", "v2")`: db-0 is of v1, db-1 of v2."""
    return Stand(places(*tags))


ALL_NEW, ALL_OLD, HALF_WAY = stand(*["v2"] * 5), stand(*["v1"] * 5), stand("v1", "v1", "v1", "v2", "v2")
BUMP = image("v2", kind=STATEFUL_SET, name="db")


def scaled(replicas: int) -> Patch:
    """What an autoscaler does."""
    return Patch({"spec": {"replicas": replicas}}, STATEFUL_SET, "db")


def http_route() -> dict[str, Any]:
    """A route between the Services of the two revisions, which are the controller's."""
    refs = [{"name": f"web-{side}", "port": 80, "weight": share} for side, share in (("stable", 100), ("canary", 0))]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "web"},
        "spec": {"parentRefs": [{"name": "gw"}], "hostnames": [HOST], "rules": [{"backendRefs": refs}]},
    }


def governing() -> dict[str, Any]:
    """The StatefulSet's own Service: those of the revisions have its ports."""
    made = service("db")
    return {**made, "spec": {**made["spec"], "clusterIP": "None"}}


ALONE = (stateful_set(), referring(*STEPS))
BY_GATEWAY = (
    governing(),
    service("web"),
    gateway(),
    http_route(),
    stateful_set(),
    referring(*STEPS, trafficRouting={"statefulSet": {}, "gatewayAPI": {"httpRoute": "web"}}),
)
BY_NGINX = (
    governing(),
    service("web"),
    ingress("web", HOST, "web-stable"),
    stateful_set(),
    referring(*STEPS, trafficRouting={"statefulSet": {}, "nginx": {"stableIngress": "web"}}),
)

SCENARIOS = (
    Scenario(
        "statefulset",
        given=ALONE,
        begins=BEGINS,
        beats=(at_once(BUMP), when(AT_40, HALF_WAY).then(resume())),
        ends=(HEALTHY, IDLE, ALL_NEW),
        writes=8,
    ),
    Scenario(
        "statefulset-aborted",
        given=ALONE,
        begins=BEGINS,
        beats=(at_once(BUMP), when(AT_40, HALF_WAY).then(spec(abort=True))),
        ends=(DEGRADED, IDLE, ALL_OLD),
        writes=8,
    ),
    Scenario(
        "statefulset-retried",
        given=ALONE,
        begins=BEGINS,
        beats=(
            at_once(BUMP),
            when(AT_40, HALF_WAY).then(status(abort=True)),
            when(DEGRADED, ALL_OLD).then(spec(retry=True)),
            when(AT_40, HALF_WAY).then(spec(promoteFull=True)),
        ),
        ends=(HEALTHY, IDLE, ALL_NEW),
        writes=16,
    ),
    Scenario(
        "statefulset-fixed-forward",
        given=ALONE,
        begins=BEGINS,
        beats=(
            at_once(BUMP),
            when(AT_40, HALF_WAY).then(image("v3", kind=STATEFUL_SET, name="db")),
            when(AT_40, stand("v1", "v1", "v1", "v3", "v3")).then(spec(promote=True)),
        ),
        ends=(HEALTHY, IDLE, stand(*["v3"] * 5)),
        writes=12,
    ),
    Scenario(
        "statefulset-scaled",
        given=ALONE,
        begins=BEGINS,
        beats=(
            at_once(BUMP),
            when(AT_40, HALF_WAY).then(scaled(8)),
            when(AT_40, stand(*["v1"] * 4, *["v2"] * 4)).then(scaled(3)),
            when(AT_40, stand("v1", "v2", "v2")).then(spec(abort=True)),
        ),
        ends=(DEGRADED, IDLE, stand(*["v1"] * 3)),
        writes=10,
    ),
    Scenario(
        "statefulset-gateway",
        given=BY_GATEWAY,
        begins=BEGINS,
        beats=(at_once(BUMP), when(AT_40, HALF_WAY, Weighs(40)).then(resume())),
        ends=(HEALTHY, IDLE, ALL_NEW, Weighs(0)),
        writes=14,
        is_gradual=True,
    ),
    Scenario(
        "statefulset-gateway-aborted",
        given=BY_GATEWAY,
        begins=BEGINS,
        beats=(at_once(BUMP), when(AT_40, HALF_WAY, Weighs(40)).then(spec(abort=True))),
        ends=(DEGRADED, IDLE, ALL_OLD, Weighs(0)),
        writes=10,
        is_gradual=True,
    ),
    Scenario(
        "statefulset-nginx",
        given=BY_NGINX,
        begins=BEGINS,
        beats=(at_once(BUMP), when(AT_40, HALF_WAY, Weighs(40)).then(resume())),
        ends=(HEALTHY, IDLE, ALL_NEW, Weighs(0)),
        writes=14,
        is_gradual=True,
    ),
)
