"""PodDisruptionBudgets: what may not be evicted is waited for, and never deleted while it is ready."""

from typing import Any

from rollouts.api.kinds import POD_DISRUPTION_BUDGET
from rollouts.api.meta import Key
from tests.e2e.audit import Audit
from tests.e2e.ordinals import (
    PINNED,
    abort,
    broken,
    bump,
    diary,
    half_way,
    idle,
    partition_of,
    referring,
    stand,
    stateful_set,
    versions,
)
from tests.e2e.scene import Scene

BACK = ["db-4 v2 ends", "db-4 v1 ready", "db-3 v2 ends", "db-3 v1 ready"]


def budget(name: str = "keep-all", **spec: Any) -> dict[str, Any]:
    selector = {"matchLabels": {"app": "web"}}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name},
        "spec": {"selector": selector, **(spec or {"maxUnavailable": 0})},
    }


async def counted(scene: Scene, name: str = "keep-all") -> None:
    """Wait until the disruption controller has counted the pods, and those that are ready."""

    async def there() -> bool:
        found = await scene.get(POD_DISRUPTION_BUDGET, name)
        status = found.get("status", {})
        return status.get("expectedPods", 0) == 5 and status["currentHealthy"] == len(await versions(scene))

    await scene.until("counted", there)


async def waits(scene: Scene) -> dict[str, Any] | None:
    """The condition that says what the abort waits for."""
    conditions = (await scene.rollout())["status"]["conditions"]
    texts = [one for one in conditions if "keep-all" in one.get("message", "")]
    return texts[0] if texts else None


async def is_silent(scene: Scene) -> bool:
    return await waits(scene) is None


async def test_an_abort_waits_for_a_budget_says_so_with_numbers_and_goes_on_when_it_may(scene: Scene):
    await half_way(scene)
    await scene.apply(budget())
    await counted(scene)
    async with diary(scene) as told:
        await abort(scene)
        condition = await scene.until("said", lambda: waits(scene))
        assert "keep-all" in condition["message"]
        assert "0 disruptions" in condition["message"]
        assert "5 of 5 pods are healthy, 5 must be" in condition["message"]
        await Audit(scene.namespace).quiet()
        assert told.lines == []
        assert await partition_of(scene) == PINNED
        events = [event for event in await scene.events() if "keep-all" in event["message"]]
        assert [(event["type"], event["count"]) for event in events] == [("Warning", 1)]
        assert await scene.events("ReconciliationError") == []
        await scene.client.delete(POD_DISRUPTION_BUDGET, Key(scene.namespace, "keep-all"))
        await stand(scene, *["v1"] * 5)
        await told.tells(scene, BACK)
    await scene.until("said no more", lambda: is_silent(scene))


async def test_a_budget_of_one_lets_them_go_one_by_one(scene: Scene):
    await half_way(scene)
    await scene.apply(budget(maxUnavailable=1))
    await counted(scene)
    async with diary(scene) as told:
        await abort(scene)
        await stand(scene, *["v1"] * 5)
        await told.tells(scene, BACK)
    await scene.phase("Degraded")
    assert await scene.events("ReconciliationError") == []


async def test_a_pod_that_is_not_ready_is_deleted_where_its_budget_refuses(scene: Scene):
    await idle(scene, stateful_set(), referring())
    await scene.apply(budget(minAvailable=5))
    await bump(scene, "web:v2-crash")
    await broken(scene, "db-4", "web:v2-crash")
    await counted(scene)
    async with diary(scene) as told:
        await abort(scene)
        await stand(scene, *["v1"] * 5)
        assert {line.split()[0] for line in told.lines} == {"db-4"}
    asked = Audit(scene.namespace)
    await asked.quiet()
    await scene.phase("Degraded")


async def test_a_budget_changed_while_it_is_waited_for_is_enough(scene: Scene):
    await half_way(scene)
    await scene.apply(budget())
    await counted(scene)
    async with diary(scene) as told:
        await abort(scene)
        await scene.until("said", lambda: waits(scene))
        await scene.apply(budget(maxUnavailable=1))
        await stand(scene, *["v1"] * 5)
        await told.tells(scene, BACK)


async def test_of_two_budgets_the_one_that_refuses_is_named(scene: Scene):
    """The API server refuses every eviction of a pod that two budgets select."""
    await half_way(scene)
    await scene.apply(budget("lenient", maxUnavailable=5), budget("keep-all", maxUnavailable=5))
    await counted(scene)
    await counted(scene, "lenient")
    async with diary(scene) as told:
        await abort(scene)
        condition = await scene.until("said", lambda: waits(scene))
        assert "lenient" in condition["message"]
        await Audit(scene.namespace).quiet()
        assert told.lines == []
        await scene.client.delete(POD_DISRUPTION_BUDGET, Key(scene.namespace, "lenient"))
        await stand(scene, *["v1"] * 5)
        await told.tells(scene, BACK)
