"""Watches that are broken off or told that they are too late: everything is seen all the same."""

import asyncio

from tests.chaos.faults import NONE, Faults
from tests.e2e.faults.course import GATEWAY_API, busiest, canary, play, went_as_without
from tests.e2e.scene import Scene

REQUESTS = "controller_clientset_k8s_request_total"


async def test_connections_reset_every_second(scene: Scene):
    async with play(scene, strategy=canary(GATEWAY_API)) as one:
        one.proxy.reset_watches()
        one.proxy.faults = Faults(reset_every=1.0)
        await one.release()
        await went_as_without(one)
        metrics = await one.controller.metrics()
    asked, kinds = one.asked(), watched(metrics)
    assert "rollouts" in kinds
    # who was broken off goes on where it stopped, after a pause
    assert [name for name in asked if name.startswith("LIST")] == []
    # of pods there are two lists: those of StatefulSets and those of revisions
    assert all(busiest(one.mine, f"WATCH {kind}") <= (12 if kind == "pods" else 6) for kind in kinds), asked
    assert asked["WATCH rollouts"] >= 5
    assert one.controller.said("watch broke", kind="rollouts")


def watched(metrics: str) -> set[str]:
    """Kinds of which metrics count watches."""
    lines = [line for line in metrics.splitlines() if line.startswith(REQUESTS) and 'verb="Watch"' in line]
    return {line.partition('kind="')[2].partition('"')[0] for line in lines}


async def test_gone_in_the_middle_of_each_step(scene: Scene):
    async with play(scene) as one:
        await scene.image("web:v2")
        for step in range(6):
            await scene.until(f"step {step}", lambda step=step: at_least(scene, step))
            one.proxy.expire_watches()
        await one.over()
        await went_as_without(one)
        asked = one.asked()
        lists = {name: count for name, count in asked.items() if name.startswith("LIST")}
    assert lists["LIST rollouts"] >= 2, asked
    assert max(lists.values()) <= 8, asked
    assert asked["PATCH rollouts/status"] <= 24, asked
    assert one.controller.said("watch broke", kind="rollouts")


async def at_least(scene: Scene, step: int) -> bool:
    return (await scene.rollout())["status"].get("currentStepIndex", 99) >= step and (await scene.rollout())["spec"][
        "template"
    ]["spec"]["containers"][0]["image"] == "web:v2"


async def test_no_watch_lives_for_long_and_none_may_be_opened_for_a_while(scene: Scene):
    """The worst that an API server short of memory does: everything has to be listed, again and again."""
    async with play(scene) as one:
        one.proxy.faults = Faults(expire_every=1.5)
        await scene.image("web:v2")
        await scene.step(1)
        one.proxy.faults = Faults(gone=True)
        one.proxy.expire_watches()
        await asyncio.sleep(4)
        one.proxy.faults = NONE
        await one.over()
        await went_as_without(one)
    asked = one.asked()
    assert asked["LIST rollouts"] >= 3
    assert busiest(one.mine, "LIST rollouts") <= 6, asked
    assert busiest(one.mine, "WATCH rollouts") <= 8, asked
