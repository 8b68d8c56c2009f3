"""Analyses of pods whose names are used again: a real Prometheus, asked for the new revision's series alone."""

from typing import Any

from rollouts.api.kinds import ANALYSIS_RUN
from tests.e2e.ordinals import bump, idle, referring, stand, stateful_set
from tests.e2e.scene import Scene, ingress, pause, service, weight

PROMETHEUS = "http://127.0.0.1:9090"
OF_REVISION = 'controller_revision_hash="{{args.hash}}"'
LATEST = [{"name": "hash", "valueFrom": {"podTemplateHashValue": "Latest"}}]
STABLE = [{"name": "hash", "valueFrom": {"podTemplateHashValue": "Stable"}}]


COMES_TRUE = {"count": 61, "consecutiveSuccessLimit": 1, "failureLimit": 60}


def template(query: str, condition: str, **until: Any) -> dict[str, Any]:
    """Asked once a second until it has an answer: Prometheus takes some seconds to see who comes and who goes."""
    metric = {
        "name": "m",
        "interval": "1s",
        "consecutiveErrorLimit": 60,
        **(until or {"count": 1}),
        "successCondition": condition,
        "provider": {"prometheus": {"address": PROMETHEUS, "query": query}},
    }
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": "check"},
        "spec": {"args": [{"name": "hash"}], "metrics": [metric]},
    }


def analysed(args: list[dict[str, Any]]) -> dict[str, Any]:
    """Two pods of five, then a look at them."""
    by = {"templates": [{"templateName": "check"}], "args": args}
    return referring(weight(40), pause("6s"), {"analysis": by}, pause())


async def measured(scene: Scene) -> tuple[str, str]:
    """Phase and value of the newest run once it has ended."""

    async def ended() -> dict[str, Any] | None:
        runs = [run for run in await scene.all(ANALYSIS_RUN) if "completedAt" in run.get("status", {})]
        return max(runs, key=lambda run: run["metadata"]["creationTimestamp"]) if runs else None

    run = await scene.until("run ended", ended)
    (result,) = run["status"]["metricResults"]
    return run["status"]["phase"], result["measurements"][-1]["value"]


async def asked(scene: Scene) -> str:
    """A Service of all pods behind an Ingress; the host."""
    host = f"{scene.namespace}.example.com"
    await scene.apply(service("web"), ingress("web", host, "web"))
    return host


ERRORS = f'sum(http_requests_total{{code="500",{OF_REVISION}}})'


async def test_series_of_the_new_revision_are_those_of_its_pods_alone(scene: Scene):
    """Pods db-3 and db-4 have had series of both revisions under their names."""
    query = f"count(count by (pod) (http_requests_total{{{OF_REVISION}}}))"
    await scene.apply(template(query, "result[0] == 2", **COMES_TRUE))
    await idle(scene, stateful_set(), analysed(LATEST))
    await bump(scene, "web:v2")
    assert await measured(scene) == ("Successful", "[2]")
    await scene.step(3)
    await stand(scene, "v1", "v1", "v1", "v2", "v2")


async def test_errors_of_old_pods_under_the_same_names_do_not_count_against_the_new_revision(scene: Scene):
    host = await asked(scene)
    await scene.apply(template(ERRORS, "result[0] == 0"))
    await idle(scene, stateful_set("web:v1-errors50"), analysed(LATEST))
    async with scene.load(host):
        await bump(scene, "web:v2")
        assert await measured(scene) == ("Successful", "[0]")
    await scene.step(3)


async def test_errors_of_the_new_revision_abort_the_release_and_a_mended_one_begins_clean(scene: Scene):
    host = await asked(scene)
    await scene.apply(template(ERRORS, "result[0] == 0"))
    await idle(scene, stateful_set(), analysed(LATEST))
    await scene.served(host)
    async with scene.load(host):
        await bump(scene, "web:v2-errors50")
        await scene.phase("Degraded")
        phase, value = await measured(scene)
        assert (phase, value != "[0]") == ("Failed", True)
        await stand(scene, *["v1"] * 5)
        await bump(scene, "web:v3")
        await scene.step(3)
    await stand(scene, "v1", "v1", "v1", "v3", "v3")
    assert await measured(scene) == ("Successful", "[0]")


async def test_the_stable_revision_can_be_asked_for_too(scene: Scene):
    query = f"count(count by (pod) (http_requests_total{{{OF_REVISION}}}))"
    await scene.apply(template(query, "result[0] == 3", **COMES_TRUE))
    await idle(scene, stateful_set(), analysed(STABLE))
    await bump(scene, "web:v2")
    assert await measured(scene) == ("Successful", "[3]")
