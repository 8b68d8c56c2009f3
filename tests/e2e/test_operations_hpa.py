"""Autoscaling through the scale subresource: as an autoscaler does it, and by a real HorizontalPodAutoscaler."""

import msgspec
import pytest

from rollouts.api.kinds import AUTOSCALER, DEPLOYMENT, ROLLOUT
from rollouts.api.meta import Key
from tests.e2e.metricsapi import metrics_api
from tests.e2e.scene import HASH_LABEL, Scene, pause, rollout, service, weight

HALF = {"canary": {"steps": [weight(50), pause()], "maxSurge": 1, "maxUnavailable": 0}}


async def scale(scene: Scene) -> dict:
    """What an autoscaler reads."""
    found = await scene.client.get(ROLLOUT, Key(scene.namespace, "web"), subresource="scale")
    return msgspec.json.decode(found)


async def scale_to(scene: Scene, replicas: int) -> None:
    """What an autoscaler writes: the Scale it has read, with another number; again where the Rollout has changed."""

    async def written() -> bool:
        found = await scale(scene)
        found["spec"]["replicas"] = replicas
        await scene.client.update(ROLLOUT, Key(scene.namespace, "web"), found, subresource="scale")
        return True

    await scene.until(f"scaled to {replicas}", written)


async def sized(scene: Scene, **sizes: int) -> None:
    """Wait until these pods of each tag are ready, and no others are wanted."""
    wanted = {f"web:{tag}": number for tag, number in sizes.items()}

    async def reached() -> bool:
        there = {image: number for image, number in (await scene.pods()).items() if number}
        return there == {k: v for k, v in wanted.items() if v} and await scene.sizes() == wanted

    await scene.until(f"sizes {sizes}", reached)


async def test_an_autoscaler_reads_and_writes_a_canary(scene):
    await scene.apply(rollout(HALF, replicas=4))
    await scene.phase("Healthy")
    found = await scale(scene)
    assert (found["spec"], found["status"]) == ({"replicas": 4}, {"replicas": 4, "selector": "app=web"})
    await scene.image("web:v2")
    await scene.step(1)
    await sized(scene, v1=2, v2=2)
    await scale_to(scene, 8)
    await sized(scene, v1=4, v2=4)
    await scene.until("counted", lambda: shows(scene, {"replicas": 8}, {"replicas": 8, "selector": "app=web"}))
    await scene.step(1)
    await scale_to(scene, 2)
    await sized(scene, v1=1, v2=1)
    await scene.promote()
    await scene.phase("Healthy")
    await sized(scene, v1=0, v2=2)
    assert (await scale(scene))["status"]["replicas"] == 2


async def test_an_autoscaler_of_blue_green_sees_the_active_revision(scene):
    strategy = {"blueGreen": {"activeService": "active", "previewService": "preview", "autoPromotionEnabled": False}}
    await scene.apply(service("active"), service("preview"), rollout(strategy, replicas=2))
    old = (await scene.phase("Healthy"))["status"]["currentPodHash"]
    await scene.image("web:v2")
    new = (await scene.phase("Paused"))["status"]["currentPodHash"]
    found = await scale(scene)
    assert found["status"] == {"replicas": 2, "selector": f"app=web,{HASH_LABEL}={old}"}
    await scale_to(scene, 3)
    await sized(scene, v1=3, v2=3)
    await scene.until("counted", lambda: counted(scene, old, 3))
    await scene.promote()
    await scene.until("counted", lambda: counted(scene, new, 3))


async def shows(scene: Scene, spec: dict, status: dict) -> bool:
    """An autoscaler reads this; the status follows the ReplicaSets, which follow the pods."""
    found = await scale(scene)
    return (found["spec"], found["status"]) == (spec, status)


async def counted(scene: Scene, pod_hash: str, replicas: int) -> bool:
    """An autoscaler is told of this revision alone."""
    found = await scale(scene)
    return found["status"] == {"replicas": replicas, "selector": f"app=web,{HASH_LABEL}={pod_hash}"}


def autoscaler(target: dict, lowest: int = 2, highest: int = 8) -> dict:
    """Scales by memory, 100Mi a pod, and does not wait to scale down."""
    memory = {"name": "memory", "target": {"type": "AverageValue", "averageValue": "100Mi"}}
    return {
        "apiVersion": AUTOSCALER.api_version,
        "kind": AUTOSCALER.name,
        "metadata": {"name": "web"},
        "spec": {
            "scaleTargetRef": target,
            "minReplicas": lowest,
            "maxReplicas": highest,
            "metrics": [{"type": "Resource", "resource": memory}],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}},
        },
    }


async def test_a_real_autoscaler_scales_a_canary_which_keeps_its_share(scene, client):
    async with metrics_api(client) as usage:
        usage.memory[scene.namespace] = 100
        target = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web"}
        await scene.apply(rollout(HALF, replicas=2), autoscaler(target))
        await scene.phase("Healthy")
        await scene.image("web:v2")
        await scene.step(1)
        await sized(scene, v1=1, v2=1)
        await scene.until("the autoscaler is active", lambda: active(scene))
        usage.memory[scene.namespace] = 200
        # two pods with twice the memory are worth four
        await scene.until("scaled up", lambda: wants(scene, 4))
        usage.memory[scene.namespace] = 100
        await sized(scene, v1=2, v2=2)
        await scene.step(1)
        await scene.promote()
        await scene.phase("Healthy")
        await sized(scene, v1=0, v2=4)
        usage.memory[scene.namespace] = 50
        await scene.until("scaled down", lambda: wants(scene, 2))
        await sized(scene, v1=0, v2=2)


async def active(scene: Scene) -> bool:
    """The autoscaler has read metrics."""
    found = (await scene.get(AUTOSCALER, "web")).get("status", {}).get("conditions", [])
    return any(one["type"] == "ScalingActive" and one["status"] == "True" for one in found)


async def wants(scene: Scene, replicas: int) -> bool:
    """The autoscaler has asked for this many pods."""
    return (await scene.rollout())["spec"]["replicas"] == replicas


@pytest.mark.parametrize("mode", ["progressively", "onsuccess"])
async def test_a_deployment_that_is_autoscaled_is_not_scaled_against(scene, mode):
    made = rollout({"canary": {}}, replicas=2)
    template = {key: made["spec"].pop(key) for key in ("selector", "template")}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "dep"}}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "dep"}
    await scene.apply({**deployment, "spec": {"replicas": 2, **template}}, autoscaler(target))
    made["spec"]["workloadRef"] = {**target, "scaleDown": mode}
    await scene.apply(made)
    await scene.phase("Healthy")
    seen = await scene.get(DEPLOYMENT, "dep")
    assert (seen["spec"]["replicas"], seen["metadata"]["generation"]) == (2, 1)
    await scene.kubectl("delete", "hpa", "web")
    await scene.until("given up", lambda: given_up(scene))


async def given_up(scene: Scene) -> bool:
    """The Deployment has no pods any more."""
    return (await scene.get(DEPLOYMENT, "dep"))["spec"]["replicas"] == 0
