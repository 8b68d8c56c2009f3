"""What actions on pods, StatefulSets and what belongs to them write, and that a replay or a successor is safe from it."""

import pytest

from rollouts.api import keys
from rollouts.api.kinds import POD
from rollouts.api.meta import Key
from rollouts.controllers.apply import Refusal
from rollouts.controllers.deeds import carry_out
from rollouts.controllers.writes import Writer, Written
from rollouts.kube.errors import Conflict, TooManyRequests
from rollouts.planner.actions import (
    CreateService,
    DeletePod,
    EvictPod,
    LabelPod,
    PatchStatefulSet,
    ReleaseService,
    SwitchService,
    Target,
    UpdateReplicaSet,
)
from tests.controllers.apiserver import cluster
from tests.kube.server import status

GROUPS = {"statefulsets": "apps/v1", "services": "v1", "pods": "v1", "replicasets": "apps/v1"}
PIN = {"spec": {"updateStrategy": {"rollingUpdate": {"partition": 3}}}}
OWNED = {
    "metadata": {
        "name": "web-stable",
        "ownerReferences": [{"kind": "Rollout", "name": "web"}],
        "annotations": {"argo-rollouts.argoproj.io/managed-by-rollouts": "web", "a": "b"},
    },
    "spec": {"selector": {"app": "web", "controller-revision-hash": "db-1"}},
}


def put(server, plural, name="x", **more):
    server.put(plural, {"metadata": {"name": name}} | more, group=GROUPS[plural])
    meta = server.get(plural, name)["metadata"]
    return Target(Key("shop", name), meta["uid"], meta["resourceVersion"])


async def test_a_partition_is_patched_at_the_version_that_was_seen(tmp_path):
    async with cluster(tmp_path) as (server, client):
        seen = put(server, "statefulsets", spec={"replicas": 5})
        await carry_out(PatchStatefulSet(seen, PIN, "step 1"), Writer(client))
        assert server.get("statefulsets", "x")["spec"] == {"replicas": 5, **PIN["spec"]}
        with pytest.raises(Conflict):
            await carry_out(PatchStatefulSet(seen, PIN, "again"), Writer(client))


async def test_services_of_our_own_are_made_pointed_and_let_go(tmp_path):
    async with cluster(tmp_path) as (server, client):
        await carry_out(CreateService(Key("shop", "web-stable"), OWNED, "beside nginx"), Writer(client))
        assert server.wrote() == ["create services web-stable"]
        meta = server.get("services", "web-stable")["metadata"]
        seen = Target(Key("shop", "web-stable"), meta["uid"], meta["resourceVersion"])
        writer = Writer(client)
        switch = SwitchService(seen, "db-2", "web", "promoted", label="controller-revision-hash")
        await carry_out(switch, writer)
        assert server.get("services", "web-stable")["spec"]["selector"]["controller-revision-hash"] == "db-2"
        await carry_out(ReleaseService(seen, "the Rollout goes"), writer)
        found = server.get("services", "web-stable")
        assert found["spec"]["selector"] == {"app": "web"}
        # the mark stays, by which a Rollout of the same name finds its Service again
        assert found["metadata"]["annotations"] == {"a": "b", keys.MANAGED_BY: "web"}
        assert "ownerReferences" not in found["metadata"]


async def test_an_eviction_names_the_pod_by_uid_and_version_and_its_end_is_awaited(tmp_path):
    async with cluster(tmp_path) as (server, client):
        bodies = []
        server.refuse = lambda write, body: bodies.append((str(write), body))
        seen, writer = put(server, "pods"), Writer(client)
        await carry_out(EvictPod(seen, "abort"), writer)
        ((write, body),) = bodies
        assert write == "create pods/eviction x"
        assert body["deleteOptions"]["preconditions"] == {"uid": seen.uid, "resourceVersion": seen.resource_version}
        assert (server.get("pods", "x"), writer.written) == (None, [Written(POD, seen.key, uid=seen.uid)])


@pytest.mark.parametrize("action", [EvictPod, DeletePod])
async def test_a_pod_that_changed_since_is_spared_and_one_that_is_gone_is_no_error(tmp_path, action):
    async with cluster(tmp_path) as (server, client):
        seen, writer = put(server, "pods"), Writer(client)
        put(server, "pods", status={"phase": "Running"})
        with pytest.raises(Conflict):
            await carry_out(action(seen, "abort"), writer)
        gone = Target(Key("shop", "gone"), "uid", "1")
        await carry_out(action(gone, "abort"), writer)
        assert (server.wrote(), writer.written) == ([], [])


async def test_a_pod_is_labelled_at_the_version_that_was_seen_and_the_answer_is_awaited(tmp_path):
    async with cluster(tmp_path) as (server, client):
        seen, writer = put(server, "pods"), Writer(client)
        label = LabelPod(seen, {"role": "canary"}, {"why": "tried"}, "its role")
        await carry_out(label, writer)
        meta = server.get("pods", "x")["metadata"]
        assert (meta["labels"]["role"], meta["annotations"]["why"]) == ("canary", "tried")
        assert writer.written == [Written(POD, seen.key, meta["resourceVersion"])]
        with pytest.raises(Conflict):
            await carry_out(label, Writer(client))
        now = Target(seen.key, seen.uid, meta["resourceVersion"])
        await carry_out(LabelPod(now, {"role": None}, {}, "its role ended"), Writer(client))
        assert "role" not in server.get("pods", "x")["metadata"]["labels"]


async def test_a_template_is_patched_with_the_size(tmp_path):
    async with cluster(tmp_path) as (server, client):
        seen = put(server, "replicasets", spec={"replicas": 1, "template": {"metadata": {"labels": {"a": "b"}}}})
        template = {"metadata": {"labels": {"role": "canary"}}}
        await carry_out(UpdateReplicaSet(seen, "both", replicas=2, template=template), Writer(client))
        assert server.get("replicasets", "x")["spec"] == {
            "replicas": 2,
            "template": {"metadata": {"labels": {"a": "b", "role": "canary"}}},
        }


async def test_an_eviction_that_a_budget_forbids_is_a_reprieve(tmp_path):
    async with cluster(tmp_path) as (server, client):
        server.refuse = lambda write, body: status(429, "TooManyRequests", "Cannot evict pod")
        action = EvictPod(put(server, "pods"), "abort")
        with pytest.raises(TooManyRequests) as refused:
            await carry_out(action, Writer(client))
        assert Refusal(action, refused.value).is_reprieve
        assert not Refusal(None, refused.value).is_reprieve
