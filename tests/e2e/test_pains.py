"""What users of Argo Rollouts suffer from, on a real cluster; each test is named after what hurts.

The other pains are told in tests/scenarios: pain-*, forgotten-pause-*, rollback-window-*, ephemeral-metadata-renamed.
"""

import asyncio
from contextlib import suppress
from typing import Any

from rollouts.api.kinds import REPLICA_SET, ROLLOUT, SERVICE
from rollouts.api.meta import Key
from rollouts.kube.errors import ApiError
from tests.e2e.scene import Scene, ingress, pause, rollout, service, weight

ROUTED = {"stableService": "stable", "canaryService": "canary", "trafficRouting": {"nginx": {"stableIngress": "web"}}}


async def scribble(scene: Scene) -> None:
    """Somebody who writes to all objects of a release all the time, as policy engines and GitOps tools do."""
    number = 0
    while True:
        number += 1
        note = {"metadata": {"annotations": {"example.com/seen": str(number)}}}
        for kind in (ROLLOUT, REPLICA_SET, SERVICE):
            for found in await scene.all(kind):
                with suppress(ApiError):
                    await scene.client.patch(kind, Key(scene.namespace, found["metadata"]["name"]), note)


async def test_objects_have_been_modified_and_nothing_hangs(scene: Scene):
    """ "the object has been modified": a release amid another writer ends as any other, and nobody hears of it."""
    host = f"{scene.namespace}.example.com"
    strategy = {"canary": {**ROUTED, "steps": [weight(25), pause(1), weight(50), pause(1)], "scaleDownDelaySeconds": 1}}
    await scene.apply(service("stable"), service("canary"), ingress("web", host, "stable"), rollout(strategy))
    await scene.phase("Healthy")
    async with asyncio.TaskGroup() as group:
        writing = group.create_task(scribble(scene), name="scribble")
        await scene.image("web:v2")
        # Healthy at the last step is what it was before, too: only of the new generation it tells of this release
        assert (await scene.phase("Healthy"))["status"]["currentStepIndex"] == 4
        await scene.until("old pods gone", lambda: sizes(scene, {"web:v1": 0, "web:v2": 4}))
        writing.cancel()
    assert await scene.events("ReconciliationError") == []
    assert (await scene.rollout())["status"]["stableRS"] == (await scene.rollout())["status"]["currentPodHash"]


async def sizes(scene: Scene, wanted: dict[str, int]) -> bool:
    return await scene.sizes() == wanted


async def test_stale_replica_sets_of_nobody_hold_no_release_up(scene: Scene):
    """ "old replicas are pending termination" for ever: of revisions that never came up."""
    await scene.apply(rollout({"canary": {"steps": [weight(50), pause(1)]}}))
    await scene.phase("Healthy")
    for tag in ("v2-crash", "v3-crash"):
        await scene.image(f"web:{tag}")
        await scene.until(f"pods of {tag}", lambda tag=tag: has(scene, f"web:{tag}"))
    await scene.image("web:v4")
    await scene.phase("Healthy")
    assert await scene.sizes() == {"web:v1": 0, "web:v2-crash": 0, "web:v3-crash": 0, "web:v4": 4}


async def has(scene: Scene, image: str) -> Any:
    return (await scene.sizes()).get(image, 0) > 0


async def test_no_503_at_a_switch_an_undo_and_the_end(scene: Scene):
    """Selectors that are switched before the proxy has caught up, and pods that end before it."""
    host = f"{scene.namespace}.example.com"
    strategy = {"canary": {**ROUTED, "steps": [weight(50), pause()], "scaleDownDelaySeconds": 3}}
    await scene.apply(service("stable"), service("canary"), ingress("web", host, "stable"), rollout(strategy))
    await scene.phase("Healthy")
    await scene.served(host)
    async with scene.load(host, rate=100) as load:
        await scene.image("web:v2")
        await scene.step(1)
        await scene.patch({"status": {"abort": True}}, sub="status")
        await scene.phase("Degraded")
        await scene.image("web:v3")
        await scene.step(1)
        await scene.promote()
        await scene.phase("Healthy")
        await scene.until("old pods gone", lambda: gone(scene))
    report = load.report()
    assert (report.total.failed, report.requests > 100) == (0, True), report


async def gone(scene: Scene) -> bool:
    pods = await scene.pods()
    return set(pods) == {"web:v3"} and pods["web:v3"] == 4


async def test_a_first_deploy_is_not_routed_before_its_pods_are_there(scene: Scene):
    """503s of a first deploy: no canary route and no switched Service until every first pod answers."""
    host = f"{scene.namespace}.example.com"
    strategy = {"canary": {**ROUTED, "steps": [weight(50)]}}
    await scene.apply(service("stable"), service("canary"), ingress("web", host, "stable"), rollout(strategy))
    await scene.phase("Healthy")
    await scene.served(host)
    told = [event["message"] for event in await scene.said("SwitchService", 2)]
    assert sorted(text.split("'")[1] for text in told) == ["canary", "stable"]
    async with scene.load(host, rate=100) as load:
        await scene.until("enough", lambda: many(load))
    assert load.report().total.failed == 0


async def many(load: Any) -> bool:
    return load.report().requests > 50


async def test_a_forgotten_pause_is_taken_back(scene: Scene):
    strategy = {"canary": {"steps": [weight(50), pause(), weight(75)]}}
    await scene.apply(rollout(strategy))
    await scene.phase("Healthy")
    await scene.image("web:v2")
    before = await scene.step(1)
    steps = [weight(50), {"pause": {"timeout": 1}}, weight(75)]
    await scene.patch({"spec": {"strategy": {"canary": {"steps": steps}}}})
    after = await scene.phase("Degraded")
    assert "onTimeout is abort" in after["status"]["message"]
    assert after["status"]["currentStepHash"] == before["status"]["currentStepHash"]
    await scene.until("all on stable", lambda: sizes(scene, {"web:v1": 4, "web:v2": 0}))
    assert [event["count"] for event in await scene.said("RolloutAborted")] == [1]
