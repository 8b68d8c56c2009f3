"""A controller that sees everything five seconds late, and knows it."""

import pytest

from tests.chaos.faults import Faults
from tests.chaos.mortal import behind_proxy, owned
from tests.e2e.faults.course import AFTER_VERDICT, GATEWAY_API, JUDGED, NGINX, PLAIN, canary, play, went_as_without
from tests.e2e.faults.monitor import check, monitor
from tests.e2e.ordinals import bump, idle, referring, stateful_set
from tests.e2e.scene import Scene

LATE = 5.0


@pytest.mark.timeout(400)
@pytest.mark.parametrize("routing", [NGINX, GATEWAY_API], ids=["nginx", "gateway"])
async def test_nothing_is_done_twice(scene: Scene, routing):
    async with play(scene, strategy=canary(routing)) as one:
        # a watch that is open already is late from here on, too
        one.proxy.faults = Faults(delay=LATE)
        await one.release(240)
        await went_as_without(one, PLAIN)
        asked = one.asked()
    assert asked["POST replicasets"] == 1
    assert sum(asked.values()) <= 120, asked
    assert await one.fails() == 0


@pytest.mark.timeout(400)
async def test_no_second_run_is_made(scene: Scene):
    async with monitor() as prometheus, play(scene, check(scene, prometheus), strategy=canary(steps=JUDGED)) as one:
        one.proxy.faults = Faults(delay=LATE)
        await one.release(240)
        await went_as_without(one, AFTER_VERDICT)
        asked = one.asked()
    assert asked["POST analysisruns"] == 1
    assert sum(asked.values()) <= 120, asked
    assert await one.fails() == 0


async def test_a_revision_has_one_number(scene: Scene):
    """A StatefulSet's status names its newest revision; which number it has comes with other news."""
    async with behind_proxy(scene) as (_, proxy):
        await idle(scene, stateful_set(replicas=2), owned(scene, referring()))
        proxy.faults = Faults(delay=LATE, late=frozenset({"controllerrevisions"}))
        await bump(scene, "web:v2")
        await scene.step(1)
        await bump(scene, "web:v1")
        await scene.phase("Healthy")
        found = await scene.said("RolloutUpdated", 3)
    assert [event["message"] for event in found] == [f"Rollout updated to revision {number}" for number in (1, 2, 3)]
