"""Watches that are broken off or told that they are too late: everything is seen all the same."""

import asyncio

from tests.chaos.faults import NONE, Faults
from tests.e2e.faults.course import GATEWAY_API, busiest, canary, play, went_as_without
from tests.e2e.scene import Scene

# Of these there are two lists: pods of StatefulSets and of revisions, ReplicaSets of Rollouts and nobody's.
TWICE = {"pods", "replicasets"}
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
    assert all(busiest(one.mine, f"WATCH {kind}") <= 6 * times(kind) for kind in kinds), asked
    assert asked["WATCH rollouts"] >= 5
    assert one.controller.said("watch broke", kind="rollouts")


def times(kind: str) -> int:
    """Lists of a kind, each with its watch."""
    return 2 if kind in TWICE else 1


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
        lists = {name.removeprefix("LIST "): n for name, n in asked.items() if name.startswith("LIST ")}
    assert lists["rollouts"] >= 2, asked
    assert all(count <= 8 * times(kind) for kind, count in lists.items()), asked
    assert asked["PATCH rollouts/status"] <= 24, asked
    assert one.controller.said("watch broke", kind="rollouts")


async def at_least(scene: Scene, step: int) -> bool:
    """Whether the release got so far: at rest before it, the status is at the last step's end."""
    found = await scene.rollout()
    is_seen = found["status"].get("observedGeneration") == str(found["metadata"]["generation"])
    return is_seen and found["status"].get("currentStepIndex", -1) >= step


async def test_no_watch_lives_for_long_and_none_may_be_opened_for_a_while(scene: Scene):
    """The worst that an API server short of memory does: everything has to be listed, again and again."""
    async with play(scene) as one:
        one.proxy.faults = Faults(expire_every=1.5)
        await scene.image("web:v2")
        await scene.until("step 1", lambda: at_least(scene, 1))
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
