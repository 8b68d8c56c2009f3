"""Blue-green under requests: no switch, no rollback and no abort loses one, however short old pods are asked to stay."""

import asyncio
from typing import Any

import pytest

from rollouts.api.kinds import ANALYSIS_RUN, POD, REPLICA_SET
from tests.e2e.scene import HASH_LABEL, SERVICE, Scene, ingress, rollout, service

MANUAL = {"autoPromotionEnabled": False}


def analysis(name: str, wanted: str) -> dict[str, Any]:
    """A template whose metric asks Prometheus for the number 1, which is always there."""
    provider = {"prometheus": {"address": "{{args.prometheus}}", "query": "vector(1)"}}
    metric = {"name": "one", "provider": provider, "successCondition": f"result[0] == {wanted}"}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": name},
        "spec": {"args": [{"name": "prometheus", "value": "http://127.0.0.1:9090"}], "metrics": [metric]},
    }


async def deployed(scene: Scene, *more: dict[str, Any], replicas: int = 3, **strategy: Any) -> str:
    """The first revision, served under the host that is returned."""
    host = f"{scene.namespace}.example.com"
    services = [service("active"), *([service("preview")] if "previewService" in strategy else [])]
    settings = {"activeService": "active", **strategy}
    web = rollout({"blueGreen": settings}, replicas=replicas)
    await scene.apply(*services, ingress("web", host, "active"), *more, web)
    await scene.phase("Healthy")
    await scene.served(host)
    return host


async def active(scene: Scene, name: str = "active") -> str:
    """The revision that the Service selects."""
    return (await scene.get(SERVICE, name))["spec"]["selector"].get(HASH_LABEL, "")


async def left(scene: Scene, image: str) -> bool:
    """No pod of *image* is wanted any more."""
    return not (await scene.sizes())[image]


@pytest.mark.parametrize("delay", [0, 1, 30])
async def test_a_switch_and_a_rollback_lose_no_request(scene: Scene, delay: int):
    host = await deployed(scene, scaleDownDelaySeconds=delay)
    async with scene.load(host) as load:
        for image in ("web:v2", "web:v1"):
            before = await active(scene)
            await scene.image(image)
            await scene.until("switched", lambda old=before: moved(scene, old))
            await scene.phase("Healthy")
            if delay < 30:
                other = {"web:v1": "web:v2", "web:v2": "web:v1"}[image]
                await scene.until("old pods gone", lambda gone=other: left(scene, gone))
        await asyncio.sleep(1)
    total = load.report().total
    assert (total.failed, total.requests > 100) == (0, True)


async def moved(scene: Scene, old: str) -> bool:
    return await active(scene) != old


async def test_back_within_the_delay_makes_no_pod_and_waits_for_nobody(scene: Scene):
    host = await deployed(scene, scaleDownDelaySeconds=60, **MANUAL)
    first = await active(scene)
    async with scene.load(host) as load:
        await scene.image("web:v2")
        await scene.phase("Paused")
        assert await active(scene) == first
        await scene.promote()
        await scene.phase("Healthy")
        await scene.until("delay begun", lambda: waiting(scene, "web:v1"))
        made = {event["message"] for event in await scene.said("SuccessfulCreate", 6)}
        await scene.image("web:v1")
        await scene.until("back", lambda: same(scene, first))
        rollout_now = await scene.phase("Healthy")
    assert rollout_now["status"]["stableRS"] == first
    assert {event["message"] for event in await scene.events("SuccessfulCreate")} == made
    assert {f"Created pod: {pod['metadata']['name']}" for pod in await scene.all(POD)} == made
    assert len(await scene.said("RolloutCompleted", text="Fast rollback")) == 1
    assert load.report().total.failed == 0


async def same(scene: Scene, wanted: str) -> bool:
    return await active(scene) == wanted


async def waiting(scene: Scene, image: str) -> bool:
    """The revision of *image* has a deadline."""
    found = [one for one in await revisions(scene) if image_of(one) == image]
    return any("scale-down-deadline" in (one["metadata"].get("annotations") or {}) for one in found)


async def revisions(scene: Scene) -> list[dict[str, Any]]:
    return await scene.all(REPLICA_SET)


def image_of(revision: dict[str, Any]) -> str:
    return revision["spec"]["template"]["spec"]["containers"][0]["image"]


async def test_an_abort_after_the_switch_loses_no_request(scene: Scene):
    bad = analysis("bad", "2")
    asked = {"templates": [{"templateName": "bad"}]}
    host = await deployed(
        scene, bad, postPromotionAnalysis=asked, scaleDownDelaySeconds=0, abortScaleDownDelaySeconds=1
    )
    first = await active(scene)
    async with scene.load(host) as load:
        await scene.image("web:v2")
        await scene.phase("Degraded")
        await scene.until("led back", lambda: same(scene, first))
        await scene.until("preview gone", lambda: left(scene, "web:v2"))
        await asyncio.sleep(1)
    report = load.report()
    assert report.total.failed == 0
    switches = [event["message"] for event in await scene.said("SwitchService", 3)]
    assert len(switches) == 3, "first deploy, switch, and back"
    status = (await scene.rollout())["status"]
    assert (status["abort"], status["stableRS"], (await scene.sizes())["web:v1"]) == (True, first, 3)
    assert [run["status"]["phase"] for run in await scene.all(ANALYSIS_RUN)] == ["Failed"]


async def test_a_small_preview_grows_at_its_check_point_and_only_then_gets_users(scene: Scene):
    host = await deployed(scene, previewService="preview", previewReplicaCount=1, **MANUAL)
    first = await active(scene)
    async with scene.load(host) as load:
        await scene.image("web:v2")
        await scene.phase("Paused")
        assert await scene.sizes() == {"web:v1": 3, "web:v2": 1}
        assert (await active(scene), await active(scene, "preview") != first) == (first, True)
        assert not (await scene.rollout())["status"]["blueGreen"].get("scaleUpPreviewCheckPoint")
        await scene.promote()
        await scene.until("check point", lambda: passed(scene))
        await scene.until("switched", lambda: moved(scene, first))
        assert (await scene.pods())["web:v2"] == 3
        await scene.phase("Healthy")
    assert load.report().total.failed == 0


async def passed(scene: Scene) -> bool:
    """The check point, or what comes right after it."""
    status = (await scene.rollout())["status"]
    return bool(status["blueGreen"].get("scaleUpPreviewCheckPoint")) or (await scene.sizes())["web:v2"] == 3


async def test_an_aborted_preview_is_never_shown_to_users_and_passes_its_pause_when_it_comes_again(scene: Scene):
    await deployed(scene, abortScaleDownDelaySeconds=60, **MANUAL)
    first = await active(scene)
    await scene.image("web:v2")
    await scene.phase("Paused")
    await scene.patch({"status": {"abort": True}}, sub="status")
    await scene.phase("Degraded")
    await scene.image("web:v1")
    await scene.phase("Healthy")
    await scene.image("web:v2")
    await scene.phase("Paused")
    assert await active(scene) == first
    assert {event["message"].split("'")[5] for event in await scene.said("SwitchService")} == {first}
