"""The controller is killed right after each of an abort's writes: the next one ends what it began."""

import pytest

from tests.chaos.faults import NONE, Faults
from tests.chaos.mortal import Mortal, behind_proxy, owned
from tests.chaos.proxy import Proxy
from tests.e2e.ordinals import (
    PINNED,
    abort,
    bump,
    diary,
    found_set,
    idle,
    partition_of,
    referring,
    retry,
    stand,
    stateful_set,
)
from tests.e2e.scene import Scene

BACK = ["db-2 v2 ends", "db-2 v1 ready", "db-1 v2 ends", "db-1 v1 ready"]


async def forward(scene: Scene) -> None:
    """Pods 1 and 2 of 3 are new."""
    await scene.step(1)
    await stand(scene, "v1", "v2", "v2")


async def back(scene: Scene) -> None:
    """Every pod is old and the abort is over."""
    await scene.phase("Degraded")
    await stand(scene, *["v1"] * 3)

    async def rests() -> bool:
        status = (await scene.rollout())["status"]
        return status.get("updatedReplicas", 0) == 0 and status.get("availableReplicas") == 3

    await scene.until("at rest", rests)


async def aborted(scene: Scene, controller: Mortal, proxy: Proxy, kill_after: int = 0) -> list[str]:
    """Abort, with the controller killed after that write and started again; the writes there were."""
    proxy.seen.clear()
    proxy.writes, proxy.faults = 0, Faults(kill_after=kill_after)
    async with diary(scene) as told:
        await abort(scene)
        if kill_after:
            await controller.ended()
            proxy.faults = NONE
            await controller.start()
        await back(scene)
        assert told.told() == BACK, f"killed after write {kill_after}"
    assert await partition_of(scene) == PINNED
    return [
        seen.name for seen in proxy.seen if seen.was_carried_out and seen.about.resource not in {"events", "leases"}
    ]


@pytest.mark.timeout(600)
async def test_killed_after_each_write_of_an_abort_it_ends_as_without(scene: Scene):
    async with behind_proxy(scene) as (controller, proxy):
        await idle(scene, stateful_set(replicas=3), owned(scene, referring()))
        await bump(scene, "web:v2")
        await forward(scene)
        template = (await found_set(scene))["spec"]["template"]
        writes = await aborted(scene, controller, proxy)
        assert writes.count("POST pods/eviction") == 2
        assert writes.count("PATCH statefulsets") == 1
        for number in range(1, len(writes) + 1):
            await retry(scene)
            await forward(scene)
            again = await aborted(scene, controller, proxy, number)
            assert again.count("POST pods/eviction") == 2, (number, again)
        assert (await found_set(scene))["spec"]["template"] == template
        await retry(scene)
        await forward(scene)
