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
    places,
    referring,
    retry,
    stand,
    stateful_set,
    versions,
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
    await scene.until("at rest", lambda: is_over(scene))


async def is_over(scene: Scene) -> bool:
    status = (await scene.rollout())["status"]
    has_old_pods = await versions(scene) == places("v1", "v1", "v1")
    counts = status.get("updatedReplicas", 0), status.get("availableReplicas")
    return has_old_pods and status["phase"] == "Degraded" and counts == (0, 3)


async def is_struck_or_over(scene: Scene, proxy: Proxy) -> bool:
    """How many writes tell of newer counts is a matter of speed: there may be fewer than the first time."""
    return proxy.writes >= proxy.faults.kill_after or await is_over(scene)


async def aborted(scene: Scene, controller: Mortal, proxy: Proxy, kill_after: int = 0) -> list[str]:
    """Abort, with the controller killed after that write and started again; the writes there were."""
    proxy.seen.clear()
    proxy.writes, proxy.faults = 0, Faults(kill_after=kill_after)
    async with diary(scene) as told:
        await abort(scene)
        if kill_after:
            await scene.until(f"write {kill_after} or the end", lambda: is_struck_or_over(scene, proxy))
            was_struck = proxy.writes >= kill_after
            proxy.faults = NONE
            if was_struck:
                await controller.ended()
                await controller.start()
        await back(scene)
        await told.says(scene, *BACK)
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
