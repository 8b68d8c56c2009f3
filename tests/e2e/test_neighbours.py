"""A namespace full of Rollouts with one selector: each is told of it a few times at most, and all come to rest."""

from collections import Counter

from rollouts.api.kinds import ROLLOUT
from tests.e2e.audit import Audit
from tests.e2e.scene import Scene, rollout

CROWD = [f"r{number:02}" for number in range(30)]
# The three that are named, and that there are others: no more texts than these, however slowly they come.
TEXTS = 4
# Of a Rollout without pods and without neighbours, with one to spare.
USUAL = 4


def one(name):
    found = rollout({"canary": {}}, replicas=0)
    found["metadata"] = {"name": name}
    return found


async def overlaps(scene: Scene) -> dict[str, str]:
    """Whose pods each Rollout is told to select."""
    return {
        each["metadata"]["name"]: condition["message"].partition(" the pods of ")[2].partition(":")[0]
        for each in await scene.all(ROLLOUT)
        for condition in each.get("status", {}).get("conditions", [])
        if condition["type"] == "SelectorOverlap"
    }


async def told(scene: Scene) -> Counter[str]:
    found = await scene.events("SelectorOverlap")
    return sum((Counter({event["involvedObject"]["name"]: event["count"]}) for event in found), Counter())


async def test_a_crowd_with_one_selector_comes_to_rest(scene: Scene):
    audit = Audit(scene.namespace)
    await scene.apply(*map(one, CROWD))
    expected = {
        name: f"Rollouts {', '.join([each for each in CROWD if each != name][:3])} and others" for name in CROWD
    }

    async def all_told() -> bool:
        return await overlaps(scene) == expected

    await scene.until("told", all_told)
    asked = await audit.quiet()
    assert asked["patch/rollouts/status"] <= len(CROWD) * (USUAL + TEXTS), asked
    for name in CROWD:
        await scene.phase("Healthy", name=name)

    async def each_told() -> bool:
        return sorted(await told(scene)) == CROWD

    await scene.until("told of each", each_told)
    assert max((await told(scene)).values()) <= TEXTS


async def test_whoever_is_left_alone_is_told_no_more(scene: Scene):
    await scene.apply(*map(one, CROWD[:6]))

    async def is_told(names: dict[str, str]) -> bool:
        return await overlaps(scene) == names

    async def all_told() -> bool:
        return len(await overlaps(scene)) == 6

    await scene.until("told", all_told)
    await scene.kubectl("delete", "rollout", *CROWD[1:5])
    left = {"r00": "Rollout r05", "r05": "Rollout r00"}
    await scene.until("fewer", lambda: is_told(left))
    await scene.kubectl("delete", "rollout", "r00")
    await scene.until("alone", lambda: is_told({}))
    await Audit(scene.namespace).quiet()
    await scene.phase("Healthy", name="r05")
