from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from analysis.answers import Failure, Pending, Reading
from analysis.providers.base import Asked, JobsRefused, Tools
from analysis.providers.job import PROVIDER, name_of
from rollouts.api.analysis import Measurement, Metric, Phase
from rollouts.api.providers import JobMetric

NOW = datetime(2026, 11, 21, tzinfo=UTC)
METRIC = Metric.model_validate({"name": "smoke", "provider": {"job": {"spec": {}}}})
SPEC = {"backoffLimit": 0, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"restartPolicy": "Never"}}}
CONFIG = JobMetric.model_validate({"metadata": {"labels": {"team": "x"}, "annotations": {"n": "1"}}, "spec": SPEC})
NAMED = {"job-name": "uid.smoke.1", "job-namespace": "ns"}
OWNER = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "AnalysisRun",
    "name": "run",
    "uid": "uid",
    "controller": True,
    "blockOwnerDeletion": True,
}


class Cluster:
    """Jobs in memory."""

    def __init__(self, namespace=""):
        self.namespace, self.jobs, self.seen, self.refusal = namespace, {}, (), ""

    async def create(self, namespace, body):
        if self.refusal:
            raise JobsRefused(self.refusal)
        return self.jobs.setdefault((namespace, body["metadata"]["name"]), body)

    async def get(self, namespace, name):
        return self.jobs.get((namespace, name))

    async def delete(self, namespace, name):
        if self.refusal:
            raise JobsRefused(self.refusal)
        self.jobs.pop((namespace, name), None)

    async def pods(self, namespace, name):
        return self.seen

    def says(self, kind, status="True"):
        self.jobs["ns", "uid.smoke.1"] = {"status": {"conditions": [{"type": kind, "status": status}]}}


@pytest.fixture
def cluster():
    return Cluster()


@pytest.fixture
async def tools(cluster):
    async with aiohttp.ClientSession() as session:
        yield Tools(session, None, lambda: NOW, jobs=cluster)


def asked(**changes):
    return Asked(**({"namespace": "ns", "run": "run", "run_uid": "uid", "metric": METRIC} | changes))


def under_way(seconds):
    return Measurement(phase="Running", started_at=NOW - timedelta(seconds=seconds), metadata=NAMED)


async def test_a_measurement_is_a_job_that_goes_with_its_run(tools, cluster):
    assert await PROVIDER.measure(CONFIG, tools, asked()) == Pending(NOW, NAMED)
    made = cluster.jobs["ns", "uid.smoke.1"]
    assert made["metadata"] == {
        "name": "uid.smoke.1",
        "labels": {"team": "x", "analysisrun.argoproj.io/uid": "uid"},
        "annotations": {
            "n": "1",
            "analysisrun.argoproj.io/name": "run",
            "analysisrun.argoproj.io/namespace": "ns",
            "analysisrun.argoproj.io/metric-name": "smoke",
        },
        "ownerReferences": [OWNER],
    }
    assert made["spec"] == {
        "backoffLimit": 0,
        "template": {
            "metadata": {"labels": {"a": "b", "analysisrun.argoproj.io/uid": "uid"}},
            "spec": {"restartPolicy": "Never"},
        },
    }


async def test_asked_again_after_a_crash_the_same_job_is_met(tools, cluster):
    await PROVIDER.measure(CONFIG, tools, asked())
    assert await PROVIDER.measure(CONFIG, tools, asked()) == Pending(NOW, NAMED)
    assert len(cluster.jobs) == 1


async def test_somebody_elses_job_of_that_name_is_a_failure(tools, cluster):
    cluster.jobs["ns", "uid.smoke.1"] = {"metadata": {"labels": {"analysisrun.argoproj.io/uid": "other"}}}
    failure = await PROVIDER.measure(CONFIG, tools, asked())
    assert failure == Failure('jobs.batch "uid.smoke.1" already exists and belongs to somebody else')


async def test_in_a_namespace_of_its_own_a_job_has_no_owner(tools, cluster):
    cluster.namespace = "jobs"
    assert await PROVIDER.measure(CONFIG, tools, asked()) == Pending(NOW, NAMED | {"job-namespace": "jobs"})
    assert cluster.jobs["jobs", "uid.smoke.1"]["metadata"]["ownerReferences"] == []


async def test_what_the_api_server_refuses_is_a_failure(tools, cluster):
    cluster.refusal = "creating Job uid.smoke.1: spec.template.spec.restartPolicy: Unsupported value"
    assert await PROVIDER.measure(CONFIG, tools, asked()) == Failure(cluster.refusal)


@pytest.mark.parametrize(("condition", "phase"), [("Complete", Phase.SUCCESSFUL), ("Failed", Phase.FAILED)])
async def test_its_end_is_the_verdict(tools, cluster, condition, phase):
    cluster.says(condition)
    assert await PROVIDER.measure(CONFIG, tools, asked(previous=under_way(5))) == Reading(None, "", NAMED, phase=phase)


@pytest.mark.parametrize(("condition", "status"), [("Suspended", "True"), ("Complete", "False")])
@pytest.mark.parametrize(("age", "patience"), [(0, 1), (2, 2), (50, 10)])
async def test_while_it_runs_it_is_looked_at_in_growing_steps(tools, cluster, condition, status, age, patience):
    cluster.says(condition, status)
    outcome = await PROVIDER.measure(CONFIG, tools, asked(previous=under_way(age)))
    assert outcome == Pending(NOW + timedelta(seconds=patience), NAMED)


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff", "InvalidImageName"])
@pytest.mark.parametrize("kind", ["initContainerStatuses", "containerStatuses"])
async def test_an_image_that_cannot_be_pulled_is_inconclusive(tools, cluster, reason, kind):
    cluster.says("Complete", "False")
    cluster.seen = ({"status": {kind: [{"state": {"waiting": {"reason": reason}}}]}},)
    outcome = await PROVIDER.measure(CONFIG, tools, asked(previous=under_way(5)))
    assert outcome == Reading(None, "", NAMED, phase=Phase.INCONCLUSIVE)


async def test_containers_that_are_being_created_are_waited_for(tools, cluster):
    cluster.says("Complete", "False")
    cluster.seen = ({"status": {"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]}}, {})
    outcome = await PROVIDER.measure(CONFIG, tools, asked(previous=under_way(2)))
    assert outcome == Pending(NOW + timedelta(seconds=2), NAMED)


async def test_a_job_that_is_gone_is_a_failure(tools):
    outcome = await PROVIDER.measure(CONFIG, tools, asked(previous=under_way(5)))
    assert outcome == Failure('jobs.batch "uid.smoke.1" not found', NAMED)


async def test_cancelled_its_job_is_deleted_and_nothing_is_known(tools, cluster):
    cluster.says("Complete")
    outcome = await PROVIDER.cancel(CONFIG, tools, asked(previous=under_way(5)))
    assert (outcome, cluster.jobs) == (Reading(None, "", NAMED, phase=Phase.INCONCLUSIVE), {})


async def test_jobs_that_the_status_no_longer_tells_of_are_deleted(tools, cluster):
    for number in range(1, 5):
        await PROVIDER.measure(CONFIG, tools, asked(number=number, kept=3))
    assert sorted(name for _, name in cluster.jobs) == ["uid.smoke.2", "uid.smoke.3", "uid.smoke.4"]


def test_a_long_name_is_cut_to_a_label_value():
    long = METRIC.model_copy(update={"name": "m" * 60})
    uid = "14cc261a-e83b-456c-99b9-599caa95a554"
    name = name_of(asked(run_uid=uid, metric=long), 10)
    assert (len(name), name) == (63, f"{uid}.{'m' * 23}.10")


def test_a_name_that_is_cut_has_no_end_that_a_name_may_not_have():
    uid = "0b8f7c1e-4f6a-4a3e-9d63-0c8a4c6f0b11"
    long = METRIC.model_copy(update={"name": f"{'m' * 21}.-5xx-rate"})
    assert name_of(asked(run_uid=uid, metric=long), 10) == f"{uid}.{'m' * 21}.10"


async def test_a_controller_without_jobs_says_so(cluster):
    async with aiohttp.ClientSession() as session:
        outcome = await PROVIDER.measure(CONFIG, Tools(session, None, lambda: NOW), asked())
        cancelled = await PROVIDER.cancel(CONFIG, Tools(session, None, lambda: NOW), asked(previous=under_way(5)))
    assert outcome == cancelled == Failure("this controller cannot run Jobs")


async def test_a_job_that_may_not_be_deleted_is_a_failure(tools, cluster):
    cluster.refusal = 'jobs.batch "uid.smoke.1" is forbidden'
    outcome = await PROVIDER.cancel(CONFIG, tools, asked(previous=under_way(5)))
    assert outcome == Failure('jobs.batch "uid.smoke.1" is forbidden', NAMED)
