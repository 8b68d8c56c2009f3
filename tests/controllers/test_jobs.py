import pytest

from analysis.providers.base import JobsRefused
from rollouts.controllers.jobs import ClusterJobs
from tests.controllers.apiserver import cluster
from tests.kube.server import status

BODY = {"metadata": {"name": "uid.smoke.1"}, "spec": {"backoffLimit": 0}}


@pytest.fixture
async def place(tmp_path):
    async with cluster(tmp_path) as (server, client):
        yield server, ClusterJobs(client)


async def test_a_job_is_created_once_and_met_again(place):
    _, jobs = place
    made = await jobs.create("shop", BODY)
    again = await jobs.create("shop", {**BODY, "spec": {"backoffLimit": 3}})
    assert made["metadata"]["uid"] == again["metadata"]["uid"]
    assert again["spec"] == {"backoffLimit": 0}


async def test_a_job_is_read_and_deleted_and_missed_in_silence(place):
    _, jobs = place
    await jobs.create("shop", BODY)
    assert (await jobs.get("shop", "uid.smoke.1"))["spec"] == {"backoffLimit": 0}
    await jobs.delete("shop", "uid.smoke.1")
    await jobs.delete("shop", "uid.smoke.1")
    assert await jobs.get("shop", "uid.smoke.1") is None


async def test_what_is_refused_is_named(place):
    server, jobs = place

    async def forbidden(_request):
        return status(403, "Forbidden", "no rights")

    server._read = forbidden
    with pytest.raises(JobsRefused, match="reading Job a: no rights"):
        await jobs.get("shop", "a")
    with pytest.raises(JobsRefused, match="reading the pods of Job a: no rights"):
        await jobs.pods("shop", "a")
