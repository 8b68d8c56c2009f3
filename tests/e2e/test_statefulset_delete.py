"""A Rollout of a StatefulSet goes: what it gives back, and what it leaves as it is."""

import json

from rollouts.api.keys import PARTITION_FINALIZER, PARTITION_MANAGED_BY
from rollouts.api.kinds import NAMESPACE, STATEFUL_SET
from rollouts.api.meta import Key
from rollouts.kube.errors import NotFound
from tests.e2e.ordinals import (
    PINNED,
    abort,
    bump,
    diary,
    found_set,
    gone,
    half_way,
    idle,
    partition,
    partition_of,
    referring,
    stand,
    stateful_set,
    versions,
)
from tests.e2e.scene import Scene


async def leave(scene: Scene) -> None:
    """kubectl delete rollout; returns once it is gone."""
    await scene.kubectl("delete", "rollout", "web", "--wait=false")
    await gone(scene)


async def is_free(scene: Scene) -> bool:
    """Nothing of ours is left on the StatefulSet."""
    notes = (await found_set(scene))["metadata"].get("annotations", {})
    return not any(name.startswith("rollouts.argoproj.io/") for name in notes)


async def test_while_healthy_the_users_partition_comes_back_and_nothing_moves(scene: Scene):
    await idle(scene, stateful_set(**partition(2)), referring())
    assert PARTITION_FINALIZER in (await scene.rollout())["metadata"]["finalizers"]
    assert (await found_set(scene))["metadata"]["annotations"][PARTITION_MANAGED_BY] == "web"
    async with diary(scene) as told:
        await leave(scene)
        assert await partition_of(scene) == 2
        assert await is_free(scene)
        assert told.lines == []
        await bump(scene, "web:v2")
        await stand(scene, "v1", "v1", "v2", "v2", "v2")


async def test_after_a_promotion_the_users_partition_comes_back_and_nothing_moves(scene: Scene):
    await half_way(scene)
    await scene.promote()
    await scene.phase("Healthy")
    await scene.until("pinned", lambda: is_partition(scene, PINNED))
    async with diary(scene) as told:
        await leave(scene)
        assert (await partition_of(scene), told.lines) == (0, [])


async def test_in_mid_release_the_partition_stays_and_an_event_says_how_to_finish(scene: Scene):
    await half_way(scene)
    async with diary(scene) as told:
        await leave(scene)
        assert await partition_of(scene) == 3
        (said,) = await scene.until("said", lambda: scene.events("PartitionLeft"))
        assert said["type"] == "Warning"
        assert "keeps partition 3" in said["message"]
        assert "lower the partition by hand to go on" in said["message"]
        assert (await is_free(scene), told.lines) == (True, [])
        patch = {"spec": {"updateStrategy": {"rollingUpdate": {"partition": 0}}}}
        await scene.kubectl("patch", "statefulset", "db", "-p", json.dumps(patch))
        await stand(scene, *["v2"] * 5)


async def test_aborted_the_partition_stays_pinned(scene: Scene):
    await half_way(scene)
    await abort(scene)
    await scene.phase("Degraded")
    await stand(scene, *["v1"] * 5)
    async with diary(scene) as told:
        await leave(scene)
        assert (await partition_of(scene), told.lines) == (PINNED, [])
    assert (
        "Bring back the old template"
        in (await scene.until("said", lambda: scene.events("PartitionLeft")))[0]["message"]
    )
    await stand(scene, *["v1"] * 5)


async def test_in_the_midst_of_an_abort_no_further_pod_moves(scene: Scene):
    await half_way(scene)
    await abort(scene)
    await scene.until("pinned", lambda: is_partition(scene, PINNED))
    await leave(scene)
    assert await partition_of(scene) == PINNED
    async with diary(scene) as told:
        await scene.until("all ready", lambda: five_stand(scene))
        assert [line for line in told.lines if line.endswith(" v2 ends")] == []


async def test_an_orphaned_statefulset_is_taken_up_by_the_next_rollout(scene: Scene):
    await half_way(scene)
    await leave(scene)
    await scene.apply(referring())
    await scene.until("taken up", lambda: is_managed(scene))
    phase = (await scene.phase("Healthy", "Paused", "Degraded"))["status"]["phase"]
    assert phase in {"Healthy", "Paused"}
    assert set((await versions(scene)).values()) >= {"v2"}


async def test_without_its_statefulset_it_goes_at_once(scene: Scene):
    await idle(scene, stateful_set(replicas=1), referring())
    await scene.client.delete(STATEFUL_SET, Key(scene.namespace, "db"))
    await scene.phase("Degraded")
    await leave(scene)


async def test_a_namespace_goes_with_everything_in_it(scene: Scene):
    await half_way(scene)
    await scene.client.delete(NAMESPACE, Key("", scene.namespace))

    async def is_gone() -> bool:
        try:
            await scene.client.get(NAMESPACE, Key("", scene.namespace))
        except NotFound:
            return True
        return False

    await scene.until("namespace gone", is_gone)


async def is_managed(scene: Scene) -> bool:
    return (await found_set(scene))["metadata"].get("annotations", {}).get(PARTITION_MANAGED_BY) == "web"


async def is_partition(scene: Scene, wanted: int) -> bool:
    return await partition_of(scene) == wanted


async def five_stand(scene: Scene) -> bool:
    return len(await versions(scene)) == 5
