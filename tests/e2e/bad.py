"""Words in which tests of bad input are written."""

from typing import Any

from rollouts.api.meta import Kind
from tests.e2e.audit import Audit
from tests.e2e.scene import Scene, rollout, weight

# the slow second look is every 20 s: who mends within this was woken by a watch
BY_WATCH = 10.0
CANARY = "spec.strategy.canary"
CONTAINER = "template.spec.containers.0"
QUOTA = Kind("", "v1", "ResourceQuota", "resourcequotas")


async def refused(scene: Scene, audit: Audit, message: str) -> None:
    """InvalidSpec with this very message, in condition, phase message and one Event; then rest."""
    text = f'The Rollout "web" is invalid: {message}'

    async def told() -> bool:
        status = (await scene.rollout()).get("status", {})
        conditions = {one["type"]: one["message"] for one in status.get("conditions", [])}
        if "InvalidSpec" in conditions:
            assert conditions["InvalidSpec"].startswith(text)
            assert status["message"] == f"InvalidSpec: {conditions['InvalidSpec']}"
            assert status["phase"] == "Degraded"
        return "InvalidSpec" in conditions

    await scene.until("refused", told)
    asked = await audit.quiet()
    assert sum(asked.values()) <= 20, asked
    assert [(one["count"], one["type"]) for one in await scene.said("InvalidSpec")] == [(1, "Warning")]
    assert await scene.events("ReconciliationError") == []


async def mended(scene: Scene, *manifests: dict[str, Any]) -> None:
    """What is applied now is taken up by itself, soon, and nothing of the refusal is left."""
    if manifests:
        await scene.apply(*manifests)
    await scene.until("taken up", lambda: is_valid(scene), BY_WATCH)
    await scene.phase("Healthy")


async def is_valid(scene: Scene) -> bool:
    conditions = (await scene.rollout())["status"]["conditions"]
    return all(one["type"] != "InvalidSpec" for one in conditions)


def canary(**fields: Any) -> dict[str, Any]:
    return rollout({"canary": fields}, replicas=1)


def changed(path: str, value: Any) -> dict[str, Any]:
    """A good Rollout but for one field of its spec."""
    found: Any = (bad := canary())["spec"]
    *above, last = path.split(".")
    for name in above:
        found = found[int(name)] if name.isdigit() else found[name]
    found[last] = value
    return bad


def template(name: str, *metrics: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": name},
        "spec": {"metrics": list(metrics), **spec},
    }


def metric(
    query: str = "vector(1)", condition: str = "result[0] >= 0", address: str = "http://127.0.0.1:9090", **fields: Any
):
    provider = {"prometheus": {"address": address, "query": query}}
    return {"name": "m", "successCondition": condition, "provider": provider, **fields}


def analysed() -> dict[str, Any]:
    return canary(steps=[weight(50), {"analysis": {"templates": [{"templateName": "check"}]}}])


async def forbid(scene: Scene, what: str) -> None:
    """A quota that lets nothing of a kind in; delete the ResourceQuota `none` to end it."""
    none = {f"count/{what}": "0"}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": none}}
    await scene.apply(quota)
    # nobody in the sandbox fills in the status that admission goes by
    await scene.patch({"status": {"hard": none, "used": none}}, name="none", kind=QUOTA, sub="status")
