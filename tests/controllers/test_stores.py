import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from rollouts.api import keys, kinds
from rollouts.api.meta import Key
from rollouts.api.workloads import Pod
from rollouts.controllers.gather import gather
from rollouts.controllers.stores import BY_OWNER, BY_SERVICE, Settings, informers, installed, read_stateful_set
from rollouts.planner.snapshot import Snapshot
from tests.controllers.shelves import Clock, decoded, shelf, stores_of
from tests.kube.server import Script, client_of, page, quiet, serving, status
from tests.planner.lent import NGINX, SPACE, ingress, named, service
from tests.runtime.virtualtime import virtual_time

NOT_OURS = "!argo-rollouts.argoproj.io/controller-instance-id"
EVERYWHERE = {
    kinds.ROLLOUT: NOT_OURS,
    kinds.REPLICA_SET: "rollouts-pod-template-hash",
    kinds.SERVICE: "",
    kinds.ENDPOINT_SLICE: "kubernetes.io/service-name",
    kinds.DEPLOYMENT: "",
    kinds.POD_TEMPLATE: "",
    kinds.AUTOSCALER: "",
    kinds.STATEFUL_SET: "",
    kinds.CONTROLLER_REVISION: "controller.kubernetes.io/hash",
    kinds.POD: "statefulset.kubernetes.io/pod-name",
    kinds.POD_DISRUPTION_BUDGET: "",
    kinds.ANALYSIS_RUN: NOT_OURS,
    kinds.ANALYSIS_TEMPLATE: NOT_OURS,
    kinds.CLUSTER_ANALYSIS_TEMPLATE: NOT_OURS,
    kinds.INGRESS: "",
    kinds.HTTP_ROUTE: "",
    kinds.GATEWAY: "",
}


# Of pods those of StatefulSets and those of revisions, each in a list of its own.
LISTS = {
    *EVERYWHERE.items(),
    (kinds.POD, "rollouts-pod-template-hash"),
    (kinds.REPLICA_SET, "!rollouts-pod-template-hash,!pod-template-hash"),
}


def scripted(*objects, namespace="", without=()):
    script = Script()
    for kind in EVERYWHERE:
        path = kind.path(namespace if kind.namespaced else "")
        found = [raw for raw in objects if raw["kind"] == kind.name]
        answer = status(404, "NotFound") if kind in without else page(*map(versioned, found), version=10)
        script.on("GET", path, answer).watch(path, quiet())
    return script


def versioned(raw):
    body = {key: value for key, value in raw.items() if key != "kind"}
    return {**body, "metadata": {**raw["metadata"], "resourceVersion": "5"}}


@asynccontextmanager
async def running(script, tmp_path, settings, told):
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving(script))
        client = await stack.enter_async_context(client_of(script, tmp_path, qps=0))
        stores, every = informers(client, settings, installed(settings), lambda kind, event: told.append((kind, event)))
        tasks = [asyncio.get_running_loop().create_task(informer.run()) for informer in every]
        for informer in every:
            await informer.synced()
        yield stores
        for task in tasks:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task


def asked(script):
    """Path and selector of every list."""
    return {(seen.path, seen.query.get("labelSelector", "")) for seen in script.requests("GET")}


@virtual_time
async def test_every_kind_is_watched_once_and_only_what_is_ours(tmp_path):
    script = scripted()
    async with running(script, tmp_path, Settings(), []) as stores:
        assert asked(script) == {(kind.path(), selector) for kind, selector in LISTS}
        assert len(script.requests("GET")) == len(LISTS)
        assert stores.unknown(kind for kind, _ in LISTS) == ""


@virtual_time
async def test_an_instance_id_and_a_namespace_narrow_what_is_seen(tmp_path):
    script = scripted(namespace=SPACE)
    async with running(script, tmp_path, Settings("blue", SPACE), []) as stores:
        ours = "argo-rollouts.argoproj.io/controller-instance-id=blue"
        assert asked(script) == {
            (kind.path(SPACE), ours if selector == NOT_OURS else selector)
            for kind, selector in LISTS
            if kind.namespaced
        }
        assert stores.cluster_templates is None


SPEC = {
    "replicas": 1,
    "selector": {"matchLabels": {"app": "web"}},
    "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "web:1"}]}},
    "strategy": {"canary": NGINX},
}
SLICE = {
    **named("EndpointSlice", "s", labels={"kubernetes.io/service-name": "web-stable"}),
    "endpoints": [{"addresses": ["10.0.0.1"], "targetRef": {"kind": "Pod", "name": "web-1-x"}}],
}


@virtual_time
async def test_what_the_server_lists_is_found_again_and_told_with_its_kind(tmp_path):
    world = (
        named("Rollout", "web", spec=SPEC, annotations={keys.LAST_APPLIED: "{}", "a": "b"}),
        named("ReplicaSet", "web-old", owner="Rollout-web"),
        named("AnalysisRun", "run", owner="Rollout-web"),
        *(service("web-stable"), service("web-canary"), ingress(), SLICE),
    )
    told = []
    settings = Settings(settle={"nginx": timedelta(seconds=9)})
    async with running(scripted(*world, without=(kinds.GATEWAY,)), tmp_path, settings, told) as stores:
        assert [rs.metadata.name for rs in stores.replica_sets.by_index(BY_OWNER, "Rollout-web")] == ["web-old"]
        assert [run.metadata.name for run in stores.runs.by_index(BY_OWNER, "Rollout-web")] == ["run"]
        assert len(stores.endpoint_slices.by_index(BY_SERVICE, f"{SPACE}/web-stable")) == 1
        assert stores.rollouts.get(Key(SPACE, "web")).metadata.annotations == {"a": "b"}
        assert stores.routes[kinds.INGRESS].get(Key(SPACE, "web")).raw["kind"] == "Ingress"
        assert {(kind, event.key.name) for kind, event in told} == {
            (kinds.ROLLOUT, "web"),
            (kinds.REPLICA_SET, "web-old"),
            (kinds.ANALYSIS_RUN, "run"),
            (kinds.SERVICE, "web-stable"),
            (kinds.SERVICE, "web-canary"),
            (kinds.INGRESS, "web"),
            (kinds.ENDPOINT_SLICE, "s"),
        }
        found = gather(Key(SPACE, "web"), stores, installed(settings), settings)
        assert isinstance(found, Snapshot)
        assert (found.problems, found.endpoints["web-stable"]) == ((), ("web-1-x",))
        assert found.routers[0].scope.settle == timedelta(seconds=9)


def written_by(manager, fields):
    return {"manager": manager, "operation": "Update", "fieldsType": "FieldsV1", "fieldsV1": fields}


def test_of_a_statefulsets_writers_only_the_partition_is_kept():
    partition = {"f:spec": {"f:updateStrategy": {"f:rollingUpdate": {"f:partition": {}}}}}
    image = {"f:spec": {"f:template": {"f:spec": {}}, "f:updateStrategy": {"f:type": {}}}}
    found = named("StatefulSet", "db", annotations={keys.LAST_APPLIED: "{}"})
    found["metadata"]["managedFields"] = [written_by("argocd", partition), written_by("ci", image)]
    seen = read_stateful_set(msgspec.json.encode(found)).metadata
    assert [(one.manager, one.fields) for one in seen.managed_fields] == [("argocd", partition), ("ci", {})]
    assert seen.annotations == {}


def test_a_written_pod_is_awaited_in_the_store_that_shows_it():
    def pods(*names):
        return shelf(Clock(), *(decoded(Pod, named("Pod", name)) for name in names))

    first, second = pods("db-0"), pods("web-x")
    stores = replace(stores_of(), pods=(first, second))
    assert stores.holding(kinds.POD, Key(SPACE, "web-x")) is second
    assert stores.holding(kinds.POD, Key(SPACE, "new")) is first
    assert stores.holding(kinds.NODE, Key("", "n")) is None


def test_a_kind_is_known_once_all_its_stores_are_and_while_it_may_be_watched():
    pods = tuple(shelf(Clock()) for _ in range(2))
    stores = replace(stores_of(), pods=pods)
    every = (kinds.SERVICE, kinds.POD, kinds.NODE)
    assert (stores.unknown(every), stores.refused) == ("", {})
    pods[1].synced = False
    assert (stores.unknown(every), stores.unknown([kinds.SERVICE])) == ("pods are not listed yet", "")
    stores.services.refused = "watch"
    assert stores.refused == {kinds.SERVICE: "watch"}
    assert stores.unknown(every).startswith("the controller may not watch services; ")
    assert stores.unknown([kinds.POD]) == "pods are not listed yet"
