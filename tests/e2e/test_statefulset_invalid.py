"""StatefulSets that cannot be released by their partition: refused with the reason, left as they are, taken up once mended."""

import pytest

from rollouts.api.kinds import CONFIG_MAP, STATEFUL_SET
from rollouts.api.meta import Key
from tests.e2e.audit import Audit
from tests.e2e.bad import mended, refused
from tests.e2e.ordinals import SETS, found_set, partition, partition_of, referring, stateful_set
from tests.e2e.scene import Scene, weight

ON_DELETE = stateful_set(replicas=1, updateStrategy={"type": "OnDelete"})


def owned_by(operator: dict) -> dict:
    meta = operator["metadata"]
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": meta["name"], "uid": meta["uid"], "controller": True}
    found = stateful_set(replicas=1)
    return {**found, "metadata": {**found["metadata"], "ownerReferences": [owner]}}


async def test_on_delete_is_refused_and_rolling_update_mends_it(scene: Scene):
    audit = Audit(scene.namespace)
    await scene.apply(ON_DELETE, referring())
    why = 'spec.workloadRef.name: Invalid value: "db": its updateStrategy is OnDelete: pods must be replaced by a partition'
    await refused(scene, audit, why)
    assert "annotations" not in {
        k: v for k, v in (await found_set(scene))["metadata"].items() if k == "annotations" and ours(v)
    }
    await mended(scene, stateful_set(replicas=1, **partition(0)))


async def test_blue_green_is_refused(scene: Scene):
    audit = Audit(scene.namespace)
    rollout = referring()
    rollout["spec"]["strategy"] = {"blueGreen": {"activeService": "active"}}
    await scene.apply(stateful_set(replicas=1), rollout)
    await refused(scene, audit, "spec.strategy.blueGreen: Forbidden: a StatefulSet has one set of pods")
    await scene.kubectl("patch", "rollout", "web", "--type", "merge", "-p", '{"spec":{"strategy":{"blueGreen":null}}}')
    await mended(scene, referring())


async def test_an_operators_statefulset_is_refused_by_the_operators_name(scene: Scene):
    audit = Audit(scene.namespace)
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "postgres-operator"}}
    await scene.apply(body)
    await scene.apply(owned_by(await scene.get(CONFIG_MAP, "postgres-operator")), referring())
    why = 'spec.workloadRef.name: Invalid value: "db": ConfigMap postgres-operator controls it'
    await refused(scene, audit, why)
    assert await partition_of(scene) == 0
    patch = {"metadata": {"ownerReferences": None}}
    await scene.client.patch(STATEFUL_SET, Key(scene.namespace, "db"), patch)
    await mended(scene)


async def test_a_statefulset_without_its_router_is_told_of_it(scene: Scene):
    audit = Audit(scene.namespace)
    rollout = referring()
    rollout["spec"]["strategy"] = {"canary": {"steps": [weight(50)]}}
    await scene.apply(stateful_set(replicas=1), rollout)
    await refused(scene, audit, "spec.strategy.canary.trafficRouting.statefulSet: Required value")
    await mended(scene, referring(weight(50)))


async def test_the_router_without_a_statefulset_is_refused(scene: Scene):
    audit = Audit(scene.namespace)
    rollout = referring()
    template = stateful_set(replicas=1)["spec"]
    rollout["spec"] = {
        "replicas": 1,
        "selector": template["selector"],
        "template": template["template"],
        "strategy": {"canary": SETS},
    }
    await scene.apply(rollout)
    await refused(
        scene,
        audit,
        "spec.strategy.canary.trafficRouting.statefulSet: Forbidden: spec.workloadRef names no StatefulSet",
    )


async def test_a_statefulset_that_is_not_there_is_waited_for(scene: Scene):
    audit = Audit(scene.namespace)
    await scene.apply(referring())
    await refused(scene, audit, f'statefulsets.apps "{scene.namespace}/db" not found')
    await mended(scene, stateful_set(replicas=1))


async def test_two_rollouts_of_one_statefulset_are_told_of_each_other(scene: Scene):
    await scene.apply(stateful_set(replicas=1), referring())
    await scene.phase("Healthy")
    second = referring()
    second["metadata"] = {"name": "late"}
    await scene.apply(second)
    message = (await scene.phase("Degraded", name="late"))["status"]["message"]
    assert "Rollout web moves its partition already" in message
    await scene.phase("Healthy")


@pytest.mark.parametrize("replicas", [3, 7])
async def test_replicas_of_the_rollout_are_ignored_and_that_is_said(scene: Scene, replicas: int):
    rollout = referring()
    rollout["spec"]["replicas"] = replicas
    await scene.apply(stateful_set(replicas=2), rollout)
    await scene.phase("Healthy")
    assert (await found_set(scene))["spec"]["replicas"] == 2
    said = await scene.until("said", lambda: ignored(scene))
    assert [(event["count"], str(replicas) in event["message"]) for event in said] == [(1, True)]


async def ignored(scene: Scene):
    return [event for event in await scene.events() if "spec.replicas" in event["message"]]


def ours(notes: dict) -> bool:
    return any(name.startswith("rollouts.argoproj.io/") for name in notes)
