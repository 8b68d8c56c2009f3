"""What Kubernetes does to a StatefulSet in mid-canary that nobody asked of the canary: scale, evict, delete."""

import pytest

from rollouts.api.kinds import POD
from rollouts.api.meta import Key
from tests.e2e.ordinals import (
    PINNED,
    Diary,
    abort,
    bump,
    diary,
    found_set,
    half_way,
    idle,
    partition_of,
    referring,
    revisions,
    scale,
    stand,
    stateful_set,
    versions,
)
from tests.e2e.scene import Scene, pause, weight

# 40 % of 8 is 3.2, so four pods; of 3 it is 1.2, so two.
OF_EIGHT = ["v1"] * 4 + ["v2"] * 4
OF_THREE = ["v1", "v2", "v2"]


async def test_a_paused_canary_keeps_its_share_when_scaled_up_and_down(scene: Scene):
    await half_way(scene)
    await scale(scene, 8)
    await stand(scene, *OF_EIGHT)
    await scene.until("partition 4", lambda: partition_is(scene, 4))
    await scale(scene, 3)
    await stand(scene, *OF_THREE)
    await scene.until("partition 1", lambda: partition_is(scene, 1))
    status = (await scene.step(1))["status"]
    one, two = await revisions(scene.client, scene.namespace)
    assert (status["stableRS"], status["currentPodHash"]) == (one, two)
    assert "replicas" not in (await scene.rollout())["spec"]
    await scene.promote()
    await scene.phase("Healthy")
    await stand(scene, *["v2"] * 3)


async def test_a_canary_on_its_way_keeps_its_share_when_scaled(scene: Scene):
    await idle(scene, stateful_set(), referring())
    await bump(scene, "web:v2")
    await scene.until("one pod new", lambda: has(scene, "v2"))
    await scale(scene, 8)
    await scene.step(1)
    await stand(scene, *OF_EIGHT)
    await scene.until("partition 4", lambda: partition_is(scene, 4))


async def test_what_is_born_new_though_nobody_wants_it_goes_back(scene: Scene):
    """At partition 3 Kubernetes makes pods 5, 6 and 7 of the new revision, before any controller can react."""
    await half_way(scene)
    async with diary(scene) as told:
        await scale(scene, 8)
        await stand(scene, *OF_EIGHT)
        await told.says(scene, "db-3 v1 ready")
        assert back_one_by_one(told, stays={"db-4", "db-5", "db-6", "db-7"})


async def test_an_aborted_canary_is_scaled_without_a_pod_of_the_new_revision(scene: Scene):
    await half_way(scene)
    await abort(scene)
    await scene.phase("Degraded")
    await stand(scene, *["v1"] * 5)
    async with diary(scene) as told:
        await scale(scene, 8)
        await stand(scene, *["v1"] * 8)
        await scale(scene, 3)
        await stand(scene, *["v1"] * 3)
        assert [line for line in told.lines if " v2 " in line] == []
    assert await partition_of(scene) == PINNED
    assert (await scene.phase("Degraded"))["status"]["abort"] is True


async def test_a_scale_and_an_abort_at_once_end_with_old_pods_alone(scene: Scene):
    await half_way(scene)
    await scale(scene, 8)
    await abort(scene)
    await scene.phase("Degraded")
    await stand(scene, *["v1"] * 8)
    await scale(scene, 3)
    await stand(scene, *["v1"] * 3)
    assert await partition_of(scene) == PINNED


async def test_an_idle_statefulset_is_scaled_as_if_nobody_managed_it(scene: Scene):
    await idle(scene, stateful_set(), referring())
    generation = (await scene.rollout())["metadata"]["generation"]
    told = len(await scene.said("RolloutUpdated"))
    for replicas in (8, 3):
        await scale(scene, replicas)
        await stand(scene, *["v1"] * replicas)
    await scene.until("three counted", lambda: counts(scene, 3))
    assert (await scene.phase("Healthy"))["metadata"]["generation"] == generation
    assert len(await scene.events("RolloutUpdated")) == told


@pytest.mark.parametrize(("pod", "comes_back"), [("db-1", "v1"), ("db-4", "v2")])
async def test_a_deleted_pod_comes_back_in_the_revision_of_its_place(scene: Scene, pod: str, comes_back: str):
    await half_way(scene)
    async with diary(scene) as told:
        await scene.client.delete(POD, Key(scene.namespace, pod))
        await told.says(scene, f"{pod} {comes_back} ready")
        await stand(scene, "v1", "v1", "v1", "v2", "v2")
        assert {line.split()[0] for line in told.lines} == {pod}
    await scene.step(1)


async def test_the_least_share_is_one_pod_and_only_all_is_all(scene: Scene):
    await idle(scene, stateful_set(replicas=3), referring(weight(1), pause(), weight(99), pause()))
    await bump(scene, "web:v2")
    await scene.step(1)
    await stand(scene, "v1", "v1", "v2")
    await scene.promote()
    await scene.step(3)
    await stand(scene, "v1", "v2", "v2")
    found = (await found_set(scene))["status"]
    assert found["currentRevision"] != found["updateRevision"]


async def test_a_pending_canary_that_is_scaled_to_nothing_is_not_promoted_in_silence(scene: Scene):
    """Kubernetes makes the pending revision current where there is no pod (kubernetes/kubernetes#121534)."""
    await half_way(scene)
    stable = (await scene.rollout())["status"]["stableRS"]
    await scale(scene, 0)
    await scene.until("no pods", lambda: stands_empty(scene))
    await scale(scene, 3)
    message = (await scene.phase("Degraded"))["status"]["message"]
    assert f"though it was not promoted: pods cannot return to {stable} by themselves" in message
    assert len(await scene.until("said", lambda: scene.events("RevisionLost"))) == 1
    await stand(scene, *["v2"] * 3)
    await bump(scene, "web:v1")
    await scene.phase("Healthy", "Paused")


async def stands_empty(scene: Scene) -> bool:
    return await versions(scene, ready=False) == {} and (await found_set(scene))["status"].get("replicas", 0) == 0


async def partition_is(scene: Scene, wanted: int) -> bool:
    return await partition_of(scene) == wanted


async def has(scene: Scene, tag: str) -> bool:
    return tag in (await versions(scene)).values()


async def counts(scene: Scene, pods: int) -> bool:
    return (await scene.rollout())["status"]["replicas"] == pods


def back_one_by_one(told: Diary, stays: set[str]) -> bool:
    """Whoever ended was new, is not one of those that stay, and was ready as an old pod before the next one ended."""
    ends = [line for line in told.told() if line.endswith(" ends")]
    turns = [line for line in told.told() if not (line.endswith(" ready") and " v2 " in line)]
    expected = [
        line
        for name in dict.fromkeys(line.split()[0] for line in ends)
        for line in (f"{name} v2 ends", f"{name} v1 ready")
    ]
    return turns == expected and not stays & {line.split()[0] for line in ends}
