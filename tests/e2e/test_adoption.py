"""ReplicaSets and their pods outlive their Rollout, where that is asked for, and are found again."""

from rollouts.api.kinds import POD, REPLICA_SET
from tests.e2e.scene import Scene, pause, rollout, weight

CANARY = {"canary": {"steps": [weight(25), pause()]}}


async def uids(scene: Scene, kind) -> set[str]:
    return {found["metadata"]["uid"] for found in await scene.all(kind)}


async def owners(scene: Scene) -> list[list[str]]:
    return [
        [one["uid"] for one in found["metadata"].get("ownerReferences", [])] for found in await scene.all(REPLICA_SET)
    ]


async def orphan(scene: Scene) -> None:
    """Delete the Rollout and keep what it owns."""
    await scene.kubectl("delete", "rollout", "web", "--cascade=orphan")

    async def is_gone() -> bool:
        return await scene.rollout() == {}

    await scene.until("deleted", is_gone)


async def test_a_rollout_made_anew_takes_over_its_pods(scene: Scene):
    await scene.apply(rollout(CANARY))
    first = (await scene.phase("Healthy"))["metadata"]["uid"]
    replica_sets, pods = await uids(scene, REPLICA_SET), await uids(scene, POD)
    await orphan(scene)
    # deleting is the moment at which a controller that adopts too eagerly loses the pods
    assert await owners(scene) == [[]]
    await scene.apply(rollout(CANARY))
    again = await scene.phase("Healthy")
    assert again["metadata"]["uid"] != first
    assert await owners(scene) == [[again["metadata"]["uid"]]]
    assert (await uids(scene, REPLICA_SET), await uids(scene, POD)) == (replica_sets, pods)
    assert "collisionCount" not in again["status"]
    await scene.image("web:v2")
    await scene.step(1)
    assert await scene.sizes() == {"web:v1": 3, "web:v2": 1}


async def test_what_lost_its_labels_is_let_go_with_its_pods(scene: Scene):
    await scene.apply(rollout(CANARY, replicas=1))
    await scene.phase("Healthy")
    (found,) = await scene.all(REPLICA_SET)
    name, (pod,) = found["metadata"]["name"], await uids(scene, POD)
    await scene.patch({"metadata": {"labels": {"app": "debug"}}}, name=name, kind=REPLICA_SET)

    async def is_replaced() -> bool:
        # the status tells of the new one after it was made; until then it is Healthy with the old one
        mine, told = [one for one in await owners(scene) if one], (await scene.rollout())["status"]["currentPodHash"]
        return len(mine) == 1 and len(await owners(scene)) == 2 and name != f"web-{told}"

    await scene.until("replaced", is_replaced)
    await scene.phase("Healthy")
    assert "ownerReferences" not in (await scene.get(REPLICA_SET, name))["metadata"]
    assert pod in await uids(scene, POD)
