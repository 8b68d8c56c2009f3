"""What a real Prometheus answers, and what becomes of it: scalar, vector, empty, NaN, range, error, no answer."""

from datetime import datetime
from typing import Any

import pytest

from rollouts.api.kinds import ANALYSIS_RUN
from tests.e2e.answers import answering
from tests.e2e.bad import metric
from tests.e2e.scene import Scene

TWO = 'vector(1) or label_replace(vector(2), "a", "b", "", "")'
READINGS = {
    "scalar": ("1.5", "result == 1.5", "1.5"),
    "vector": ("vector(0.5)", "result[0] == 0.5", "[0.5]"),
    "two samples": (TWO, "len(result) == 2 && sum(result) == 3", "[1,2]"),
    "empty": ("nothing_of_this_name", "len(result) == 0", "[]"),
    "NaN": ("vector(0) / 0", "isNaN(result[0])", "[NaN]"),
    "infinite": ("vector(1) / 0", "isInf(result[0])", "[+Inf]"),
    "default": ("nothing_of_this_name", "len(result) == 0 || default(result[0], 1) < 2", "[]"),
}
ERRORS = {
    "index of an empty result": (
        "nothing_of_this_name",
        "result[0] < 1",
        "metric result is nil or empty: no data returned from the metric provider",
    ),
    "scalar indexed": ("1", "result[0] == 1", 'could not evaluate successCondition "result[0] == 1": '),
    "no bool": ("1", "result", "expected bool, but got float64"),
    "string": ('"text"', "true", ""),
    "query": ("sum(", "true", "parse error"),
}


async def measured(scene: Scene, *metrics: dict[str, Any], phase: str) -> dict[str, Any]:
    """The status of a run of *metrics* that ended in *phase*."""
    body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun", "metadata": {"name": "mine"}}
    await scene.client.create(ANALYSIS_RUN, scene.namespace, scene.placed({**body, "spec": {"metrics": [*metrics]}}))

    async def over() -> dict[str, Any] | None:
        status = (await scene.get(ANALYSIS_RUN, "mine")).get("status", {})
        return status if status.get("completedAt") else None

    found: dict[str, Any] = await scene.until("over", over)
    assert found["phase"] == phase, found
    return found


async def test_readings(scene: Scene):
    metrics = [{**metric(query, condition), "name": name} for name, (query, condition, _) in READINGS.items()]
    status = await measured(scene, *metrics, phase="Successful")
    values = {result["name"]: result["measurements"][0]["value"] for result in status["metricResults"]}
    assert values == {name: value for name, (_, _, value) in READINGS.items()}


@pytest.mark.parametrize("case", ERRORS)
async def test_errors(scene: Scene, case: str):
    query, condition, words = ERRORS[case]
    status = await measured(scene, metric(query, condition, consecutiveErrorLimit=0), phase="Error")
    (one,) = status["metricResults"][0]["measurements"]
    assert one["phase"] == "Error"
    assert one["message"]
    assert words in one["message"]


async def test_a_range(scene: Scene):
    found = metric(condition="len(result) >= 3 && all(result, # == 1)")
    times = {"start": 'now() - duration("20s")', "end": "now()", "step": "5s"}
    found["provider"]["prometheus"] |= {"query": "vector(1)", "rangeQuery": times}
    await measured(scene, found, phase="Successful")


async def test_a_server_that_never_answers(scene: Scene):
    async with answering() as answers:
        answers.is_mute = True
        found = metric(address=answers.address, consecutiveErrorLimit=0)
        found["provider"]["prometheus"]["timeout"] = 1
        status = await measured(scene, found, phase="Error")
    assert status["metricResults"][0]["measurements"][0]["message"]


async def test_limits_delays_and_counts(scene: Scene):
    metrics = [
        # The run's start and measurements are told in whole seconds, each cut by itself: the third may come before
        # two seconds are over, the fourth does not.
        {**metric(condition="false", count=5, interval="1s", failureLimit=3), "name": "failed"},
        {**metric(count=2, interval="1s", initialDelay="2s"), "name": "late"},
    ]
    status = await measured(scene, *metrics, phase="Failed")
    assert status["message"] == 'Metric "failed" assessed Failed due to failed (4) > failureLimit (3)'
    results = {result["name"]: result for result in status["metricResults"]}
    assert (results["failed"]["failed"], results["failed"]["count"]) == (4, 4)
    began = datetime.fromisoformat(status["startedAt"])
    late = datetime.fromisoformat(results["late"]["measurements"][0]["startedAt"])
    assert (late - began).total_seconds() >= 2
