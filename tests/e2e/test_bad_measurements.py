"""Metrics that cannot be measured: a failed measurement that says why, a release that is aborted, no crash, no loop."""

from typing import Any

import pytest

from rollouts.api.kinds import ANALYSIS_RUN
from tests.e2e.answers import answering
from tests.e2e.audit import Audit
from tests.e2e.bad import CANARY, analysed, mended, metric, refused, template
from tests.e2e.scene import Scene


async def test_a_template_that_does_not_exist(scene: Scene):
    audit = Audit(scene.namespace)
    await scene.apply(analysed())
    await refused(
        scene,
        audit,
        f"{CANARY}.steps[1].analysis.templates: Invalid value: \"check\": AnalysisTemplate 'check' not found",
    )
    await mended(scene, template("check", metric()))


async def test_an_endless_metric_in_a_step(scene: Scene):
    audit = Audit(scene.namespace)
    await scene.apply(template("check", metric(interval="1s")))
    await scene.apply(analysed())
    detail = "AnalysisTemplate check has metric m which runs indefinitely. Invalid value for count: <nil>"
    await refused(scene, audit, f'{CANARY}.steps[1].analysis.templates: Invalid value: "check": {detail}')
    await mended(scene, template("check", metric(interval="1s", count=1)))


async def measured(scene: Scene, *metrics: dict[str, Any], phase: str = "Error") -> dict[str, Any]:
    """Release v2 with one analysis of *metrics*; the run's status once it is over."""
    await scene.apply(template("check", *metrics))
    await scene.apply(analysed())
    await scene.phase("Healthy")
    await scene.image("web:v2")

    async def over() -> dict[str, Any] | None:
        runs = await scene.all(ANALYSIS_RUN)
        return runs[0]["status"] if runs and runs[0].get("status", {}).get("phase") == phase else None

    return await scene.until(f"run {phase}", over)


async def aborted(scene: Scene, run: dict[str, Any]) -> None:
    """The release is aborted with the run's words; then rest."""
    status = (await scene.phase("Degraded"))["status"]
    assert run["message"] in status["message"]
    audit = Audit(scene.namespace)
    asked = await audit.quiet()
    assert sum(asked.values()) <= 20, asked
    assert await scene.events("ReconciliationError") == []


async def test_a_condition_that_does_not_parse(scene: Scene):
    run = await measured(scene, metric(condition="result[0] >=< 0", consecutiveErrorLimit=0))
    (result,) = run["metricResults"]
    assert result["measurements"][0]["message"].startswith('could not evaluate successCondition "result[0] >=< 0":')
    assert "consecutiveErrors (1) > consecutiveErrorLimit (0)" in run["message"]
    await aborted(scene, run)
    await scene.apply(template("check", metric()))
    await scene.patch({"status": {"abort": False}}, sub="status")
    await scene.phase("Healthy")


async def test_an_unreachable_prometheus(scene: Scene):
    run = await measured(scene, metric(address="http://127.0.0.1:1", consecutiveErrorLimit=0))
    assert "127.0.0.1" in run["metricResults"][0]["measurements"][0]["message"]
    await aborted(scene, run)


async def test_a_metric_without_provider(scene: Scene):
    run = await measured(scene, {"name": "m", "provider": {}})
    assert run["message"] == "Analysis spec invalid: metrics[0]: no provider specified"
    await aborted(scene, run)


GARBAGE = {
    "html": (200, b"<html>login</html>"),
    "empty": (200, b""),
    "other json": (200, b'{"status":"success","data":{"resultType":"vector","result":{"a":1}}}'),
    "no data": (200, b'{"status":"success"}'),
    "null data": (200, b'{"status":"success","data":null}'),
    "list": (200, b"[1,2,3]"),
    "not a number": (
        200,
        b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"many"]}]}}',
    ),
    "short sample": (200, b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1]}]}}'),
    "bytes": (200, bytes(range(256))),
    "deep": (200, b"[" * 100_000),
    "error": (422, b'{"status":"error","errorType":"execution","error":"too many samples"}'),
    "fault": (503, b"upstream\x00 connect error"),
}


@pytest.mark.parametrize("kind", GARBAGE)
async def test_a_prometheus_that_answers_garbage(scene: Scene, kind: str):
    status, body = GARBAGE[kind]
    async with answering(body, status) as answers:
        run = await measured(scene, metric(address=answers.address, consecutiveErrorLimit=0))
    message = run["metricResults"][0]["measurements"][0]["message"]
    assert message
    assert len(message) < 2000
    assert "defect" not in message
    await aborted(scene, run)


RUNS = {
    "no metrics": ({"metrics": []}, "Analysis spec invalid: no metrics specified"),
    "two of a name": ({"metrics": [metric(), metric()]}, "Analysis spec invalid: metrics[1]: duplicate name 'm'"),
    "interval": ({"metrics": [metric(interval="often", count=1)]}, "Analysis spec invalid: "),
    "count": ({"metrics": [metric(count="many")]}, "Analysis spec invalid: "),
    "limits": ({"metrics": [metric(failureLimit=-2)]}, "Analysis spec invalid: "),
    "argument": ({"metrics": [metric("{{args.who}}")]}, "Unable to resolve metric arguments: "),
    "dry run": ({"metrics": [metric()], "dryRun": [{"metricName": "*"}]}, "dryRun[0]: Rule didn't match any metric"),
}


@pytest.mark.parametrize("case", RUNS)
async def test_a_run_that_cannot_be_carried_out_says_why(scene: Scene, case: str):
    spec, message = RUNS[case]
    body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun", "metadata": {"name": "mine"}, "spec": spec}
    audit = Audit(scene.namespace)
    await scene.client.create(ANALYSIS_RUN, scene.namespace, scene.placed(body))
    await scene.until("Error", lambda: is_error(scene, "mine"))
    assert message in (await scene.get(ANALYSIS_RUN, "mine"))["status"]["message"]
    asked = await audit.quiet()
    assert asked["patch/analysisruns"] == 1, asked


async def is_error(scene: Scene, name: str) -> bool:
    return (await scene.get(ANALYSIS_RUN, name)).get("status", {}).get("phase") == "Error"
