"""A StatefulSet canary from an image to its promotion, or back; on Kubernetes' own StatefulSet controller."""

import pytest

from rollouts.api.kinds import SERVICE
from tests.e2e.audit import Audit
from tests.e2e.ordinals import (
    PINNED,
    abort,
    broken,
    bump,
    diary,
    found_set,
    half_way,
    idle,
    partition_of,
    pinned,
    referring,
    retry,
    revisions,
    stand,
    stateful_set,
)
from tests.e2e.scene import Scene, seed

NGINX = "nginx-statefulset"
BACK = ["db-4 v2 ends", "db-4 v1 ready", "db-3 v2 ends", "db-3 v1 ready"]


async def test_the_published_example_moves_two_pods_waits_and_moves_the_rest_one_by_one(scene: Scene):
    _, *manifests = seed("statefulset-canary.yaml")
    await scene.apply(*manifests)
    await scene.phase("Healthy", name="nginx")
    await pinned(scene, NGINX)
    image = "nginx=harbor.example.com/library/version-test:v2"
    async with diary(scene) as told:
        await scene.kubectl("set", "image", f"statefulset/{NGINX}", image)
        await scene.step(1, name="nginx")
        await told.tells(scene, [line for n in (4, 3) for line in (f"{NGINX}-{n} v1 ends", f"{NGINX}-{n} v2 ready")])
        assert await partition_of(scene, NGINX) == 3
        told.forget()
        await scene.promote("nginx")
        await scene.phase("Healthy", name="nginx")
        await told.tells(scene, [line for n in (2, 1, 0) for line in (f"{NGINX}-{n} v1 ends", f"{NGINX}-{n} v2 ready")])
    await pinned(scene, NGINX)
    await stand(scene, *["v2"] * 5, name=NGINX)
    assert (await scene.get(SERVICE, "nginx"))["spec"]["selector"] == {"app": "nginx"}


async def test_an_abort_returns_pod_by_pod_and_a_retry_goes_forward_again(scene: Scene):
    await half_way(scene)
    before = (await found_set(scene))["spec"]["template"]
    async with diary(scene) as told:
        await abort(scene)
        await scene.phase("Degraded")
        await stand(scene, *["v1"] * 5)
        await told.tells(scene, BACK)
        assert await partition_of(scene) == PINNED
        assert (await found_set(scene))["spec"]["template"] == before
        told.forget()
        await retry(scene)
        await scene.step(1)
        await told.tells(scene, ["db-4 v1 ends", "db-4 v2 ready", "db-3 v1 ends", "db-3 v2 ready"])
        await scene.promote()
        await scene.phase("Healthy")
    await pinned(scene)
    await stand(scene, *["v2"] * 5)


async def test_a_fix_forward_begins_at_step_0_with_pods_of_the_stable_revision_alone(scene: Scene):
    await half_way(scene)
    await abort(scene)
    await scene.phase("Degraded")
    await stand(scene, *["v1"] * 5)
    await bump(scene, "web:v3")
    status = (await scene.step(1))["status"]
    await stand(scene, "v1", "v1", "v1", "v3", "v3")
    one, _, three = await revisions(scene.client, scene.namespace)
    assert (status["stableRS"], status["currentPodHash"]) == (one, three)
    assert not status.get("abort")


async def test_a_third_image_in_mid_canary_begins_anew_and_never_touches_stable_pods(scene: Scene):
    await half_way(scene)
    async with diary(scene) as told:
        await bump(scene, "web:v3")
        await stand(scene, "v1", "v1", "v1", "v3", "v3")
        await scene.step(1)
        assert {line.split()[0] for line in told.lines} == {"db-3", "db-4"}
    assert await partition_of(scene) == 3


async def test_the_old_template_again_returns_without_an_abort(scene: Scene):
    await half_way(scene)
    async with diary(scene) as told:
        await bump(scene, "web:v1")
        await scene.phase("Healthy")
        await stand(scene, *["v1"] * 5)
        assert {line.split()[0] for line in told.lines} == {"db-3", "db-4"}
    await pinned(scene)


@pytest.mark.parametrize("image", ["web:v2-crash", "web:v2-missing"])
async def test_a_broken_pod_that_blocks_the_statefulset_does_not_block_the_abort(scene: Scene, image):
    await idle(scene, stateful_set(), referring())
    await bump(scene, image)
    await broken(scene, "db-4", image)
    async with diary(scene) as told:
        await abort(scene)
        await scene.phase("Degraded")
        await stand(scene, *["v1"] * 5)
        await told.says(scene, "db-4 v1 ready")
        assert [line for line in told.told() if line.startswith("db-4 v1")] == ["db-4 v1 ready"]
        assert {line.split()[0] for line in told.lines} == {"db-4"}
    assert await partition_of(scene) == PINNED


async def test_a_template_mended_behind_a_broken_pod_goes_on(scene: Scene):
    await idle(scene, stateful_set(), referring())
    await bump(scene, "web:v2-crash")
    await broken(scene, "db-4", "web:v2-crash")
    await bump(scene, "web:v3")
    await scene.step(1)
    await stand(scene, "v1", "v1", "v1", "v3", "v3")


async def test_ordinals_that_begin_at_ten_are_counted_from_there(scene: Scene):
    await idle(scene, stateful_set(ordinals={"start": 10}), referring())
    await bump(scene, "web:v2")
    await scene.step(1)
    await stand(scene, "v1", "v1", "v1", "v2", "v2", start=10)
    assert await partition_of(scene) == 3
    async with diary(scene) as told:
        await abort(scene)
        await scene.phase("Degraded")
        await stand(scene, *["v1"] * 5, start=10)
        await told.tells(scene, ["db-14 v2 ends", "db-14 v1 ready", "db-13 v2 ends", "db-13 v1 ready"])


async def test_parallel_pods_go_forward_and_back_one_by_one_all_the_same(scene: Scene):
    await idle(scene, stateful_set(podManagementPolicy="Parallel"), referring())
    async with diary(scene) as told:
        await bump(scene, "web:v2")
        await scene.step(1)
        await told.tells(scene, ["db-4 v1 ends", "db-4 v2 ready", "db-3 v1 ends", "db-3 v2 ready"])
        told.forget()
        await abort(scene)
        await scene.phase("Degraded")
        await stand(scene, *["v1"] * 5)
        await told.tells(scene, BACK)


async def test_an_idle_statefulset_costs_no_request(scene: Scene):
    await idle(scene, stateful_set(replicas=2), referring())
    audit = Audit(scene.namespace)
    await audit.quiet()
    assert audit.take() == {}
