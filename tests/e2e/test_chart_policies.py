"""The chart's admission policies on the real API server: what stays, what changes, what is said."""

import copy
import json

import msgspec
import yaml

from rollouts import plugins
from rollouts.api.keys import PARTITION_MANAGED_BY
from rollouts.api.kinds import HTTP_ROUTE, INGRESS, STATEFUL_SET
from rollouts.api.rollout import Rollout
from rollouts.planner.reading import Plugins, read_spec
from rollouts.sandbox.accounts import CONTROLLER_USER
from tests.e2e.bad import canary, changed
from tests.e2e.chart import policies, stored, warned
from tests.e2e.scene import SEEDS, Scene, ingress, pause, rollout, service, weight
from tests.e2e.test_bad_input import by_gateway, by_nginx, route
from trafficrouters.gatewayapi.originals import ORIGINALS

EXAMPLES = SEEDS.parents[1] / "examples"
NGINX = "nginx.ingress.kubernetes.io"


def stateful_set(image="web:v1", partition=0, kind="RollingUpdate"):
    rolling = {"rollingUpdate": {"partition": partition}} if kind == "RollingUpdate" else {}
    labels = {"app": "db"}
    container = {"name": "db", "image": image}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "db"},
        "spec": {
            "replicas": 0,
            "serviceName": "db",
            "selector": {"matchLabels": labels},
            "updateStrategy": {"type": kind, **rolling},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def partition_of(found):
    return found["spec"]["updateStrategy"]["rollingUpdate"]["partition"]


def image_of(found):
    return found["spec"]["template"]["spec"]["containers"][0]["image"]


async def taken(scene: Scene) -> None:
    """The StatefulSet `db` as it is in a Rollout's hands: pinned at 3; and the policy is in force."""
    await stored(scene, stateful_set())
    await scene.kubectl("annotate", "statefulset", "db", f"{PARTITION_MANAGED_BY}=web")
    pin = {"spec": {"updateStrategy": {"rollingUpdate": {"partition": 3}}}}
    await scene.kubectl("patch", "statefulset", "db", "--as", CONTROLLER_USER, "-p", json.dumps(pin))

    async def held() -> bool:
        text = await patched(scene, '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":1}}}}', "--dry-run=server")
        return partition_of(text) == 3

    await scene.until("in force", held)


async def patched(scene: Scene, patch: str, *how: str):
    said = await scene.kubectl("patch", "statefulset", "db", "--output", "json", "--type", "merge", "-p", patch, *how)
    return json.loads(said)


async def test_a_partition_in_our_hands_stays_while_the_rest_changes(scene: Scene):
    async with policies(scene, "pinPartitions"):
        await taken(scene)
        client_side = await stored(scene, stateful_set("web:v2"))
        server_side = await stored(scene, stateful_set("web:v3"), "--server-side", "--force-conflicts")
        emptied = await patched(scene, '{"spec":{"updateStrategy":{"rollingUpdate":null}}}')
        assert [partition_of(found) for found in (client_side, server_side, emptied)] == [3, 3, 3]
        assert [image_of(found) for found in (client_side, server_side)] == ["web:v2", "web:v3"]


async def test_the_controller_and_who_is_exempt_may_move_a_partition(scene: Scene):
    async with policies(scene, "pinPartitions", exemptUsers=["carol"]):
        await taken(scene)
        move = '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":%d}}}}'
        assert partition_of(await patched(scene, move % 2, "--as", CONTROLLER_USER)) == 2
        masters = ("--as-group", "system:masters")
        assert partition_of(await patched(scene, move % 1, "--as", "carol", *masters)) == 1
        assert partition_of(await patched(scene, move % 0, "--as", "dave", *masters)) == 1


async def test_a_switch_to_on_delete_goes_through(scene: Scene):
    async with policies(scene, "pinPartitions"):
        await taken(scene)
        switch = '{"spec":{"updateStrategy":{"type":"OnDelete","rollingUpdate":null}}}'
        assert (await patched(scene, switch))["spec"]["updateStrategy"] == {"type": "OnDelete"}


async def test_a_stateful_set_of_nobodys_is_left_alone(scene: Scene):
    async with policies(scene, "pinPartitions"):
        await taken(scene)
        await scene.kubectl("annotate", "statefulset", "db", f"{PARTITION_MANAGED_BY}-")
        assert partition_of(await stored(scene, stateful_set(partition=1))) == 1
        assert partition_of(await scene.get(STATEFUL_SET, "db")) == 1


def weights_of(found):
    return [ref.get("weight") for ref in found["spec"]["rules"][0]["backendRefs"]]


async def test_a_route_in_mid_release_keeps_our_weights(scene: Scene):
    idle = route("stable", "canary")
    await scene.apply(service("stable"), service("canary"), idle, by_gateway())
    await scene.phase("Healthy")
    async with policies(scene, "guardRoutes"):
        await scene.image("web:v2")
        await scene.step(1)
        renamed = copy.deepcopy(idle)
        renamed["spec"]["hostnames"] = ["new.example.com"]

        async def held() -> bool:
            changed = {**renamed, "spec": {**renamed["spec"], "hostnames": ["probe.example.com"]}}
            return weights_of(await stored(scene, changed, "--dry-run=server")) == [50, 50]

        renamed["spec"]["rules"][0]["backendRefs"][0]["weight"] = 1
        await scene.until("in force", held)
        for how in ((), ("--server-side", "--force-conflicts")):
            found = await stored(scene, renamed, *how)
            assert (weights_of(found), found["spec"]["hostnames"]) == ([50, 50], ["new.example.com"])
        said = await scene.kubectl("replace", "-o", "json", "-f", "-", stdin=yaml.safe_dump(scene.placed(idle)))
        assert weights_of(json.loads(said)) == [50, 50]
        await scene.promote()
        await scene.until("given back", lambda: is_idle(scene))
        idle["spec"]["rules"][0]["backendRefs"][0]["weight"] = 7
        assert weights_of(await stored(scene, idle)) == [7, 1]
        assert weights_of(await scene.get(HTTP_ROUTE, "web")) == [7, 1]


async def test_only_what_a_release_weighs_is_guarded_and_a_person_can_end_it(scene: Scene):
    """A route that says it is in a release, of which nobody else knows."""
    many = route("stable", "canary", "third")
    many["spec"]["rules"].append({**route("third")["spec"]["rules"][0], "matches": [{"path": {"value": "/x"}}]})
    text = json.dumps({"web": {"services": ["stable", "canary"]}})
    await stored(scene, many)
    await scene.kubectl("annotate", "httproute", "web", f"{ORIGINALS}={text}")
    for ref, number in zip(many["spec"]["rules"][0]["backendRefs"], (5, 6, 7), strict=True):
        ref["weight"] = number
    many["spec"]["rules"].reverse()

    async def held() -> bool:
        found = await stored(scene, many, "--dry-run=server")
        return [ref["weight"] for ref in found["spec"]["rules"][1]["backendRefs"]] == [1, 1, 7]

    async with policies(scene, "guardRoutes"):
        await scene.until("in force", held)
        await scene.kubectl("annotate", "httproute", "web", f"{ORIGINALS}-")
        found = await stored(scene, many)
        assert [ref["weight"] for ref in found["spec"]["rules"][1]["backendRefs"]] == [5, 6, 7]
        assert ORIGINALS not in found["metadata"]["annotations"]


async def is_idle(scene: Scene) -> bool:
    return ORIGINALS not in (await scene.get(HTTP_ROUTE, "web"))["metadata"].get("annotations", {})


async def is_unweighed(scene: Scene) -> bool:
    return annotations_of(await scene.get(INGRESS, "web-web-canary"))[f"{NGINX}/canary-weight"] == "0"


def annotations_of(found):
    return {key: value for key, value in found["metadata"].get("annotations", {}).items() if key.startswith(NGINX)}


async def test_a_canary_ingress_in_mid_release_keeps_our_annotations(scene: Scene):
    host = f"{scene.namespace}.example.com"
    await scene.apply(service("stable"), service("canary"), ingress("web", host, "stable"), by_nginx())
    await scene.phase("Healthy")
    found = await scene.until("a canary Ingress", lambda: scene.get(INGRESS, "web-web-canary"))
    assert annotations_of(found) == {f"{NGINX}/canary": "true", f"{NGINX}/canary-weight": "0"}
    idle = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "web-web-canary", "annotations": {**annotations_of(found), "note": "git"}},
        "spec": found["spec"],
    }
    async with policies(scene, "guardRoutes"):
        await scene.image("web:v2")
        await scene.step(1)
        ours = {f"{NGINX}/canary": "true", f"{NGINX}/canary-weight": "50"}

        async def held() -> bool:
            return annotations_of(await stored(scene, idle, "--dry-run=server")) == ours

        await scene.until("in force", held)
        idle["metadata"]["annotations"][f"{NGINX}/canary-by-header"] = "x-tester"
        after = await stored(scene, idle)
        assert annotations_of(after) == ours
        assert after["metadata"]["annotations"]["note"] == "git"
        bare = {**idle, "metadata": {"name": "web-web-canary", "ownerReferences": found["metadata"]["ownerReferences"]}}
        said = await scene.kubectl("replace", "-o", "json", "-f", "-", stdin=yaml.safe_dump(scene.placed(bare)))
        assert annotations_of(json.loads(said)) == ours
        await scene.promote()
        await scene.until("idle", lambda: is_unweighed(scene))
        await scene.kubectl("annotate", "ingress", "web-web-canary", "--overwrite", f"{NGINX}/canary-by-header=x")
        assert annotations_of(await scene.get(INGRESS, "web-web-canary"))[f"{NGINX}/canary-by-header"] == "x"


ROUTED = {"stableService": "stable", "canaryService": "canary"}
HEADER = {"setHeaderRoute": {"name": "testers", "match": [{"headerName": "x", "headerValue": {"exact": "1"}}]}}
# What the controller says of these is what the table of bad input and the planner's own tests hold it to.
BAD_SPECS = {
    "no strategy": changed("strategy", {}),
    "no selector": {**(bare := canary()), "spec": {k: v for k, v in bare["spec"].items() if k != "selector"}},
    "other labels": changed("template.metadata.labels", {"app": "other"}),
    "nothing may move": canary(maxSurge=0, maxUnavailable=0),
    "weight": canary(steps=[weight(101)]),
    "duration": canary(steps=[weight(10), pause("soon")]),
    "label as a number": changed("template.metadata.labels", {"app": "web", "version": 1.5}),
    "experiment": canary(steps=[{"experiment": {"templates": [{"name": "a", "specRef": "stable"}]}}]),
    "a router we do not have": canary(**ROUTED, trafficRouting={"istio": {"virtualService": {"name": "v"}}}),
    "a plugin we do not have": canary(**ROUTED, trafficRouting={"plugins": {"acme/mesh": {}}}),
    "empty selector": changed("selector", {}),
    "both strategies": changed("strategy", {"canary": {}, "blueGreen": {"activeService": "web"}}),
    "negative seconds": changed("minReadySeconds", -1),
    "a deadline too short": changed("progressDeadlineSeconds", 0),
    "no pod count": canary(maxSurge="many"),
    "a negative pod count": canary(maxUnavailable=-1),
    "one service": canary(canaryService="web", stableService="web"),
    "no services": canary(trafficRouting={"nginx": {"stableIngress": "web"}}),
    "a delay without a router": canary(scaleDownDelaySeconds=3),
    "no total": canary(**ROUTED, trafficRouting={"nginx": {"stableIngress": "web"}, "maxTrafficWeight": 0}),
    "a threshold of nothing": canary(replicaProgressThreshold={"type": "Half", "value": 1}),
    "an empty step": canary(steps=[weight(10), {}]),
    "two kinds in a step": canary(steps=[{**weight(10), **pause()}]),
    "a negative weight": canary(steps=[weight(-1)]),
    "a negative pause": canary(steps=[pause(-5)]),
    "a negative pause with a unit": canary(steps=[pause("-5m")]),
    "a size without a router": canary(steps=[{"setCanaryScale": {"replicas": 1}}]),
    "a header route without a router": canary(steps=[HEADER]),
    "a size twice": canary(
        **ROUTED,
        trafficRouting={"nginx": {"stableIngress": "web"}},
        steps=[{"setCanaryScale": {"replicas": 1, "weight": 5}}],
    ),
    "no managed routes": canary(**ROUTED, trafficRouting={"nginx": {"stableIngress": "web"}}, steps=[HEADER]),
    "an unmanaged route": canary(
        **ROUTED,
        trafficRouting={"nginx": {"stableIngress": "web"}, "managedRoutes": [{"name": "other"}]},
        steps=[HEADER],
    ),
    "no router": canary(**ROUTED, trafficRouting={}),
    "a router twice": canary(
        **ROUTED,
        trafficRouting={
            "gatewayAPI": {"httpRoute": "web"},
            "plugins": {"argoproj-labs/gatewayAPI": {"httpRoute": "web"}},
        },
    ),
    "two kinds of ingresses": canary(
        **ROUTED, trafficRouting={"nginx": {"stableIngress": "web", "stableIngresses": ["web"]}}
    ),
    "no containers": changed("template.spec.containers", []),
    "no image": changed("template.spec.containers", [{"name": "web"}]),
    "pods that end": changed("template.spec.restartPolicy", "Never"),
    "pods that time out": changed("template.spec.activeDeadlineSeconds", 5),
}


async def test_kubectl_apply_prints_what_the_controller_would_say(scene: Scene):
    compared = 0
    async with policies(scene, "warnings"):
        await in_force(scene)
        for name, manifest in BAD_SPECS.items():
            told, said = await warned(scene, manifest), await judged(scene, manifest)
            # what a Rollout refers to is out of a policy's sight
            compared += not said.endswith(" not found")
            assert said in told or said.endswith(" not found"), (name, told, said)
    assert compared >= 30


async def in_force(scene: Scene) -> None:
    await scene.until("in force", lambda: warned(scene, canary(steps=[weight(101)])))


async def judged(scene: Scene, manifest) -> str:
    """What the controller at work writes about *manifest*."""
    await scene.kubectl("create", "-f", "-", stdin=yaml.safe_dump(scene.placed(manifest)))
    found = await scene.phase("Degraded")
    await scene.kubectl("delete", "rollout", "web")
    return found["status"]["message"].partition(" is invalid: ")[2]


def tutorials():
    """Every Rollout that people find in our tutorials and examples."""
    paths = (*sorted(SEEDS.glob("*.yaml")), *sorted(EXAMPLES.glob("*.yaml")))
    found = [one for path in paths for one in yaml.safe_load_all(path.read_text()) if one]
    return [one for one in found if one["kind"] == "Rollout"]


def forbidden(manifest) -> list[str]:
    """What this version does not carry out of it, in the controller's words."""
    registry = Plugins(plugins.steps(), plugins.routers(), plugins.providers())
    read = read_spec(msgspec.convert(manifest, Rollout), registry)
    return [str(problem) for problem in read.others if problem.cause == "Forbidden"]


async def test_of_tutorials_only_what_is_not_carried_out_is_told(scene: Scene):
    right = [by_nginx(), by_gateway(), canary(steps=[weight(5), pause("1h30m"), pause(3), pause("20")])]
    async with policies(scene, "warnings"):
        await in_force(scene)
        for manifest in [*tutorials(), *right]:
            assert await warned(scene, manifest) == forbidden(manifest), manifest["metadata"]["name"]
    assert len(tutorials()) >= 7
    assert sum(forbidden(manifest) == [] for manifest in tutorials()) >= 5


async def test_what_another_controller_carries_out_is_not_judged(scene: Scene):
    theirs = canary(steps=[weight(101)])
    theirs["metadata"]["labels"] = {"argo-rollouts.argoproj.io/controller-instance-id": "argo"}
    async with policies(scene, "warnings"):
        await in_force(scene)
        assert await warned(scene, theirs) == []


async def test_a_warning_refuses_nothing(scene: Scene):
    async with policies(scene, "warnings"):
        await in_force(scene)
        text = yaml.safe_dump(scene.placed(rollout({"canary": {"steps": [weight(101)]}})))
        said = await scene.kubectl("apply", "-f", "-", stdin=text)
        assert "SetWeight needs to be between 0 and 100" in said
        assert "rollout.argoproj.io/web created" in said
