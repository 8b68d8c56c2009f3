"""A controller killed at any moment and started again changes nothing but time."""

import asyncio
import os
import random

import pytest

from tests.chaos.mortal import Mortal, mortal, owned
from tests.e2e.scene import Scene, ingress, pause, rollout, service, weight
from tests.e2e.witness import Witness, witness

SEED = int(os.environ.get("ROLLOUTS_SEED", "20261121"))
KILLS = 10
STEPS = [weight(25), pause(1), weight(50), pause(1), weight(75), pause(1)]


async def release(scene: Scene, controller: Mortal, moments: list[float]) -> tuple[list[int], dict]:
    """A release from v1 to v2; the controller is killed at each of *moments*, seconds after the one before."""
    host = f"{scene.namespace}.example.com"
    routing = {
        "stableService": "stable",
        "canaryService": "canary",
        "trafficRouting": {"nginx": {"stableIngress": "web"}},
    }
    mine = owned(scene, rollout({"canary": {**routing, "steps": STEPS, "scaleDownDelaySeconds": 1}}))
    await scene.apply(service("stable"), service("canary"), ingress("web", host, "stable"), mine)
    await scene.phase("Healthy")
    async with witness(scene.client, scene.namespace) as seen:
        await scene.image("web:v2")
        for moment in moments:
            await asyncio.sleep(moment)
            await controller.kill()
            await controller.start()
        await scene.phase("Healthy", seconds=180)
        await scene.until("old pods gone", lambda: settled(scene), seconds=180)
        await scene.until("weights seen", lambda: ends_at(seen, 0))
    return seen.weights(), outcome(await scene.rollout(), await scene.sizes())


async def ends_at(seen: Witness, weight: int) -> bool:
    """A watch may be slower than who asks."""
    return seen.weights()[-1:] == [weight]


async def settled(scene: Scene) -> bool:
    sizes, status = await scene.sizes(), (await scene.rollout())["status"]
    weights = status["canary"]["weights"]
    return (
        sizes == {"web:v1": 0, "web:v2": 4} and weights["canary"]["weight"] == 0 and "finishedAt" in status["duration"]
    )


def outcome(seen: dict, sizes: dict) -> dict:
    status = seen["status"]
    kept = (
        "phase",
        "stableRS",
        "currentPodHash",
        "currentStepIndex",
        "replicas",
        "availableReplicas",
        "updatedReplicas",
    )
    return {**{key: status.get(key) for key in kept}, "sizes": sizes, "generation": seen["metadata"]["generation"]}


@pytest.mark.timeout(600)
async def test_killed_ten_times_it_ends_as_without(scene: Scene):
    chance = random.Random(SEED)
    moments = [chance.uniform(0.05, 1.6) for _ in range(KILLS)]
    async with mortal(scene) as controller:
        weights, end = await release(scene, controller, moments)
    assert weights == [0, 25, 50, 75, 100, 0], f"seed {SEED}"
    assert end["phase"] == "Healthy"
    assert end["stableRS"] == end["currentPodHash"]
    assert end["sizes"] == {"web:v1": 0, "web:v2": 4}


@pytest.mark.timeout(600)
async def test_undisturbed_it_takes_the_same_way(scene: Scene):
    async with mortal(scene) as controller:
        weights, end = await release(scene, controller, [])
    assert weights == [0, 25, 50, 75, 100, 0]
    assert end["sizes"] == {"web:v1": 0, "web:v2": 4}
