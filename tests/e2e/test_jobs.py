"""Analyses by Jobs: real Jobs of the real Job controller, whose pods end as their commands say."""

import pytest

from rollouts.api.kinds import ANALYSIS_RUN, JOB, POD
from rollouts.api.meta import Key
from tests.e2e.scene import Scene, pause, rollout, weight

UID_LABEL = "analysisrun.argoproj.io/uid"


def job(script: str, *, image: str = "alpine:3.8", metric: dict | None = None, **spec) -> dict:
    """A metric whose Job runs *script*."""
    container = {"name": "smoke", "image": image, "command": ["sh", "-c"], "args": [script]}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    provider = {"job": {"spec": {"backoffLimit": 0, **spec, "template": template}}}
    return {"name": "smoke", "provider": provider, **(metric or {})}


def run(metric: dict, **spec) -> dict:
    kind = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun"}
    return {**kind, "metadata": {"name": "run"}, "spec": {"metrics": [metric], **spec}}


def template(name: str, metric: dict) -> dict:
    kind = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate"}
    return {**kind, "metadata": {"name": name}, "spec": {"metrics": [metric]}}


async def ended(scene: Scene, *phases: str) -> dict:
    async def reached() -> dict | None:
        found = await scene.get(ANALYSIS_RUN, "run")
        return found if found.get("status", {}).get("phase") in phases else None

    return await scene.until(f"run {phases}", reached)


CASES = {
    "exit-0": (job("exit 0"), "Successful", ""),
    "exit-1": (job("exit 1"), "Failed", 'Metric "smoke" assessed Failed due to failed (1) > failureLimit (0)'),
    "deadline": (
        job("sleep 5m", activeDeadlineSeconds=1),
        "Failed",
        'Metric "smoke" assessed Failed due to failed (1) > failureLimit (0)',
    ),
    "image": (
        job("exit 0", image="alpine:missing"),
        "Inconclusive",
        'Metric "smoke" assessed Inconclusive due to inconclusive (1) > inconclusiveLimit (0)',
    ),
    "tolerated": (job("exit 1", metric={"failureLimit": 1}), "Successful", ""),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_job_ends_as_it_ends(scene: Scene, case: str):
    metric, phase, message = CASES[case]
    await scene.apply(run(metric))
    status = (await ended(scene, "Successful", "Failed", "Error", "Inconclusive"))["status"]
    assert (status["phase"], status.get("message", "")) == (phase, message)


async def test_a_job_that_the_api_server_refuses_is_an_error_that_says_why(scene: Scene):
    metric = job("exit 0", metric={"consecutiveErrorLimit": 0})
    metric["provider"]["job"]["spec"]["template"]["spec"]["restartPolicy"] = "Always"
    await scene.apply(run(metric))
    status = (await ended(scene, "Error"))["status"]
    said = status["metricResults"][0]["measurements"][0]["message"]
    assert said.startswith("creating Job ")
    assert 'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"' in said


async def test_its_job_says_where_it_comes_from_and_goes_with_the_run(scene: Scene):
    await scene.apply(run(job("exit 0")))
    found = await ended(scene, "Successful")
    (made,) = await scene.all(JOB)
    (pod,) = await scene.all(POD, f"{UID_LABEL}={found['metadata']['uid']}")
    measured = found["status"]["metricResults"][0]["measurements"][0]["metadata"]
    assert measured == {"job-name": made["metadata"]["name"], "job-namespace": scene.namespace}
    assert made["metadata"]["name"] == f"{found['metadata']['uid']}.smoke.1"
    assert pod["metadata"]["labels"][UID_LABEL] == found["metadata"]["uid"]
    await scene.client.delete(ANALYSIS_RUN, Key(scene.namespace, "run"))
    await scene.until("no Job left", lambda: none_left(scene))


async def test_a_deleted_job_is_an_error(scene: Scene):
    await scene.apply(run(job("sleep 5m", metric={"consecutiveErrorLimit": 0})))
    (made,) = await scene.until("a Job", lambda: scene.all(JOB))
    name = made["metadata"]["name"]
    await scene.client.delete(JOB, Key(scene.namespace, name), propagation="Background")
    status = (await ended(scene, "Error"))["status"]
    assert status["metricResults"][0]["measurements"][0]["message"] == f'jobs.batch "{name}" not found'


async def test_a_terminated_run_takes_its_job_and_pods_with_it(scene: Scene):
    await scene.apply(run(job("sleep 5m")))
    await scene.until("a Job", lambda: scene.all(JOB))
    await scene.patch({"spec": {"terminate": True}}, name="run", kind=ANALYSIS_RUN)
    status = (await ended(scene, "Successful", "Failed", "Error", "Inconclusive"))["status"]
    assert status["phase"] == "Inconclusive"
    assert status["metricResults"][0]["measurements"][0]["message"] == "Metric Terminated"
    await scene.until("no Job left", lambda: none_left(scene))


async def none_left(scene: Scene) -> bool:
    return not await scene.all(JOB) and not await scene.all(POD)


async def test_jobs_decide_a_release_and_those_of_an_abort_are_gone(scene: Scene):
    analysis = {"analysis": {"templates": [{"templateName": "good"}]}}
    steps = [weight(25), analysis, weight(50), pause()]
    endless = {"templates": [{"templateName": "endless"}]}
    await scene.apply(
        template("good", job("sleep 1 && exit 0")),
        template("endless", job("sleep 10m")),
        rollout({"canary": {"steps": steps, "analysis": endless}}),
    )
    await scene.phase("Healthy")
    await scene.image("web:v2")
    await scene.step(3)
    jobs = await scene.all(JOB)
    assert sorted(bool(one["status"].get("succeeded")) for one in jobs) == [False, True]
    await scene.patch({"status": {"abort": True}}, sub="status")
    await scene.phase("Degraded")
    await scene.until("only the finished Job", lambda: only_finished(scene))


async def only_finished(scene: Scene) -> bool:
    return [bool(one["status"].get("succeeded")) for one in await scene.all(JOB)] == [True]
