"""Somebody writes the partition: `kubectl apply` of a manifest that carries one, with the chart's policy and without."""

import msgspec
import pytest
import pytest_asyncio

from tests.e2e.chart import policies
from tests.e2e.ordinals import (
    PINNED,
    abort,
    diary,
    found_set,
    half_way,
    idle,
    partition,
    partition_of,
    referring,
    stand,
    stateful_set,
)
from tests.e2e.scene import Scene

MANIFEST = stateful_set(**partition(0))


async def test_a_partition_applied_when_idle_is_put_back_and_said(scene: Scene):
    await idle(scene, MANIFEST, referring())
    await scene.apply(MANIFEST)
    await scene.until("pinned again", lambda: is_pinned(scene))
    (said,) = await scene.until("said", lambda: scene.events("PartitionReset"))
    assert (said["type"], said["message"].startswith("kubectl-client-side-apply set the partition")) == (
        "Warning",
        True,
    )
    await stand(scene, *["v1"] * 5)
    await scene.phase("Healthy")


async def test_an_image_applied_with_a_partition_goes_by_the_steps_all_the_same(scene: Scene):
    """What Kubernetes had begun when the partition was put back goes back where no step wants it."""
    await idle(scene, MANIFEST, referring())
    await scene.apply(stateful_set("web:v2", **partition(0)))
    await scene.step(1)
    await stand(scene, "v1", "v1", "v1", "v2", "v2")
    assert await partition_of(scene) == 3


async def test_a_partition_applied_in_mid_canary_is_put_back(scene: Scene):
    await half_way(scene, MANIFEST, referring())
    async with diary(scene) as told:
        await scene.apply(stateful_set("web:v2", **partition(0)))
        await scene.until("put back", lambda: is_partition(scene, 3))
        await stand(scene, "v1", "v1", "v1", "v2", "v2")
        assert {line.split()[0] for line in told.lines} <= {"db-2"}
    await scene.until("said", lambda: scene.events("PartitionReset"))
    await scene.promote()
    await scene.phase("Healthy")
    await stand(scene, *["v2"] * 5)


async def test_a_partition_applied_after_an_abort_is_put_back(scene: Scene):
    await half_way(scene, MANIFEST, referring())
    await abort(scene)
    await scene.phase("Degraded")
    await stand(scene, *["v1"] * 5)
    await scene.apply(stateful_set("web:v2", **partition(0)))
    await scene.until("pinned again", lambda: is_pinned(scene))
    await stand(scene, *["v1"] * 5)


async def test_whoever_keeps_writing_it_is_named(scene: Scene):
    await idle(scene, MANIFEST, referring())
    for reset in range(4):
        await scene.apply(MANIFEST)
        await scene.until("pinned again", lambda: is_pinned(scene))
        await scene.until("counted", lambda reset=reset: resets(scene, reset + 1))
    condition = await scene.until("contested", lambda: contested(scene))
    assert "the last by kubectl-client-side-apply" in condition["message"]
    said = await scene.until("said", lambda: scene.events("PartitionContested"))
    assert [event["count"] for event in said] == [1]


async def resets(scene: Scene, count: int) -> bool:
    return len((await scene.rollout())["status"]["partition"].get("resets", ())) >= count


async def contested(scene: Scene):
    conditions = (await scene.rollout())["status"].get("conditions", ())
    return next((one for one in conditions if one["type"] == "PartitionContested"), None)


async def is_pinned(scene: Scene) -> bool:
    return await is_partition(scene, PINNED)


async def is_partition(scene: Scene, wanted: int) -> bool:
    return await partition_of(scene) == wanted


@pytest_asyncio.fixture
async def policy(scene: Scene):
    """The chart's policy, for the test's namespace alone."""
    async with policies(scene, "pinPartitions"):
        yield


async def holds(scene: Scene) -> bool:
    """The policy is in force: a dry run of a partition does not change it."""
    body = {"spec": {"updateStrategy": {"rollingUpdate": {"partition": 1}}}}
    said = await scene.kubectl(
        "patch", "statefulset", "db", "-p", msgspec.json.encode(body).decode(),
        "--dry-run=server", "--output", "jsonpath={.spec.updateStrategy.rollingUpdate.partition}",
    )  # fmt: skip
    return said == str(PINNED)


@pytest.mark.parametrize("way", [(), ("--server-side", "--force-conflicts")], ids=["client side", "server side"])
async def test_with_the_policy_an_apply_changes_the_image_and_never_the_partition(scene: Scene, policy: None, way):
    await idle(scene, MANIFEST, referring())
    await scene.until("policy in force", lambda: holds(scene))
    generation = (await found_set(scene))["metadata"]["generation"]
    async with diary(scene) as told:
        await apply(scene, MANIFEST, *way)
        assert (await found_set(scene))["metadata"]["generation"] == generation
        await apply(scene, stateful_set("web:v2", **partition(0)), *way)
        await scene.step(1)
        await told.tells(scene, ["db-4 v1 ends", "db-4 v2 ready", "db-3 v1 ends", "db-3 v2 ready"])
        told.forget()
        await apply(scene, stateful_set("web:v2", **partition(0)), *way)
        await scene.kubectl("patch", "statefulset", "db", "-p", '{"spec":{"updateStrategy":{"rollingUpdate":null}}}')
        assert await partition_of(scene) == 3
        await scene.promote()
        await scene.phase("Healthy")
        await told.tells(scene, [line for n in (2, 1, 0) for line in (f"db-{n} v1 ends", f"db-{n} v2 ready")])
    assert await scene.events("PartitionReset") == []


async def test_with_the_policy_a_switch_to_on_delete_is_let_through_and_refused_by_name(scene: Scene, policy: None):
    await idle(scene, MANIFEST, referring())
    await scene.until("policy in force", lambda: holds(scene))
    patch = '{"spec":{"updateStrategy":{"type":"OnDelete","rollingUpdate":null}}}'
    await scene.kubectl("patch", "statefulset", "db", "-p", patch)
    message = (await scene.phase("Degraded"))["status"]["message"]
    assert "its updateStrategy is OnDelete" in message


async def apply(scene: Scene, manifest, *way: str) -> None:
    text = msgspec.json.encode(scene.placed(manifest)).decode()
    await scene.kubectl("apply", *way, "-f", "-", stdin=text)
