"""What a real API server makes of our definitions. Objects are created as dry runs, so no controller sees them."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import yaml

from rollouts.api import keys
from rollouts.api.crds import DEFINITIONS, crd
from rollouts.api.kinds import CUSTOM_RESOURCE_DEFINITION, ROLLOUT
from rollouts.api.meta import Key
from rollouts.kube.client import Client, Content
from rollouts.kube.errors import Invalid

HERE = Path(__file__).parent
KINDS = {definition.kind.name: definition.kind for definition in DEFINITIONS}
POD = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "web:1"}]}}
SPEC = {"selector": {"matchLabels": {"app": "web"}}, "template": POD, "strategy": {"canary": {}}}


def recorded(name):
    return [json.loads(line) for line in (HERE.parent / "api" / name).read_text().splitlines()]


def seeds():
    documents = [
        one for path in sorted((HERE.parent / "seeds").glob("*.yaml")) for one in yaml.safe_load_all(path.read_text())
    ]
    return [pytest.param(one, id=one["metadata"]["name"]) for one in documents if one["kind"] in KINDS]


def canary(**fields):
    return SPEC | {"strategy": {"canary": fields}}


async def stored(client, kind, spec):
    """The spec as the API server would store it."""
    body = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": {"name": "dry-run"}, "spec": spec}
    return json.loads(await client.create(kind, "default" if kind.namespaced else "", body, dry_run=True))["spec"]


async def refusal(call):
    """Field and message of every cause for which the API server refuses a call."""
    with pytest.raises(Invalid) as caught:
        await call
    return {cause.field: cause.message for cause in caught.value.causes}


@pytest_asyncio.fixture
async def rollout(client: Client) -> AsyncIterator[Key]:
    """A Rollout that exists but belongs to no controller."""
    metadata = {"generateName": "nobodys-", "labels": {keys.INSTANCE_ID_LABEL: "nobody"}}
    body = {"apiVersion": ROLLOUT.api_version, "kind": "Rollout", "metadata": metadata, "spec": SPEC | {"replicas": 3}}
    key = Key("default", json.loads(await client.create(ROLLOUT, "default", body))["metadata"]["name"])
    yield key
    await client.delete(ROLLOUT, key)


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda one: one.kind.name)
async def test_a_definition_is_established_and_structural(client, definition):
    body = crd(definition)
    key = Key("", body["metadata"]["name"])
    await client.patch(CUSTOM_RESOURCE_DEFINITION, key, body, content=Content.APPLY, field_manager="test", force=True)
    status = json.loads(await client.get(CUSTOM_RESOURCE_DEFINITION, key))["status"]
    conditions = {condition["type"]: condition["status"] for condition in status["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}


@pytest.mark.parametrize("manifest", seeds())
async def test_a_tutorials_manifest_is_stored_unchanged(client, manifest):
    assert await stored(client, KINDS[manifest["kind"]], manifest["spec"]) == manifest["spec"]


@pytest.mark.parametrize("one", recorded("recorded_specs.jsonl"), ids=lambda one: one["kind"])
async def test_what_argo_rollouts_server_stored_is_stored_unchanged(client, one):
    assert await stored(client, KINDS[one["kind"]], one["spec"]) == one["spec"]


@pytest.mark.parametrize("one", recorded("nonsense_specs.jsonl"), ids=lambda one: one["wrong"])
async def test_nonsense_of_the_right_types_is_left_to_the_controller(client, one):
    assert await stored(client, ROLLOUT, one["spec"]) == one["spec"]


async def test_a_pod_template_keeps_fields_nobody_knows(client):
    container = {"name": "c", "image": "web:1", "ports": [{"containerPort": 80}], "novelty": {"a": [1, "b", None]}}
    template = {
        "metadata": {"labels": {"app": "web"}, "later": True},
        "spec": {"containers": [container], "future": 1.5},
    }
    assert (await stored(client, ROLLOUT, SPEC | {"template": template}))["template"] == template


async def test_plugins_keep_what_they_are_given(client):
    plugins = {"acme/router": {"a": {"b": [1]}}, "acme/word": "x"}
    step = {"plugin": {"name": "acme/step", "config": {"anything": [{"c": 1}]}}}
    spec = canary(trafficRouting={"plugins": plugins}, steps=[step])
    assert await stored(client, ROLLOUT, spec) == spec


async def test_other_unknown_fields_are_pruned(client):
    assert await stored(client, ROLLOUT, SPEC | {"colour": "blue"}) == SPEC


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        (SPEC | {"replicas": "3"}, "spec.replicas"),
        (SPEC | {"replicas": 1.5}, "spec.replicas"),
        (SPEC | {"paused": "yes"}, "spec.paused"),
        (SPEC | {"abort": "now"}, "spec.abort"),
        (SPEC | {"restartAt": "soon"}, "spec.restartAt"),
        (SPEC | {"template": "web"}, "spec.template"),
        (SPEC | {"strategy": {"blueGreen": {}}}, "spec.strategy.blueGreen.activeService"),
        (canary(maxSurge=[]), "spec.strategy.canary.maxSurge"),
        (canary(maxSurge=1.5), "spec.strategy.canary.maxSurge"),
        (canary(steps={}), "spec.strategy.canary.steps"),
        (canary(steps=[{"setWeight": "20"}]), "spec.strategy.canary.steps[0].setWeight"),
        (canary(steps=[{}, {"pause": {"duration": True}}]), "spec.strategy.canary.steps[1].pause.duration"),
        (canary(steps=[{"experiment": {}}]), "spec.strategy.canary.steps[0].experiment.templates"),
        (canary(trafficRouting={"alb": {"ingress": "web"}}), "spec.strategy.canary.trafficRouting.alb.servicePort"),
        (
            canary(trafficRouting={"gatewayAPI": {"httpRoute": 1}}),
            "spec.strategy.canary.trafficRouting.gatewayAPI.httpRoute",
        ),
        (canary(pingPong={"pingService": "a"}), "spec.strategy.canary.pingPong.pongService"),
        (canary(analysis={"args": [{"value": "x"}]}), "spec.strategy.canary.analysis.args[0].name"),
        ({"selector": {"matchExpressions": [{"key": "a"}]}}, "spec.selector.matchExpressions[0].operator"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_wrong_types_and_missing_fields_are_refused_with_their_path(client, spec, field):
    assert field in await refusal(stored(client, ROLLOUT, spec))


async def test_negative_replicas_are_refused(client):
    refused = await refusal(stored(client, ROLLOUT, SPEC | {"replicas": -1}))
    assert refused == {".spec.replicas": "Invalid value: -1: should be a non-negative integer"}


async def test_an_object_without_spec_is_refused(client):
    for kind in KINDS.values():
        body = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": {"name": "dry-run"}}
        namespace = "default" if kind.namespaced else ""
        assert "spec" in await refusal(client.create(kind, namespace, body, dry_run=True))


async def test_a_changed_selector_is_refused(client, rollout):
    changed = {"spec": {"selector": {"matchLabels": {"app": "other"}}}}
    refused = await refusal(client.patch(ROLLOUT, rollout, changed))
    assert "cannot be changed" in refused["spec.selector"]


async def test_status_is_a_subresource_of_rollouts(client, rollout):
    both = {"spec": {"paused": True}, "status": {"abort": True}}
    patched = json.loads(await client.patch(ROLLOUT, rollout, both))
    assert (patched["spec"]["paused"], patched.get("status")) == (True, None)
    patched = json.loads(await client.patch(ROLLOUT, rollout, both | {"spec": {"paused": False}}, subresource="status"))
    assert (patched["spec"]["paused"], patched["status"]) == (True, {"abort": True})


async def test_a_status_of_wrong_type_is_refused_and_an_unknown_field_pruned(client, rollout):
    def patch(status):
        return client.patch(ROLLOUT, rollout, {"status": status}, subresource="status")

    assert "status.abort" in await refusal(patch({"abort": "yes"}))
    assert "status.currentStepIndex" in await refusal(patch({"currentStepIndex": "1"}))
    assert json.loads(await patch({"novelty": 1, "abort": True}))["status"] == {"abort": True}


@pytest.mark.parametrize("status", recorded("rollout_statuses.jsonl"), ids=lambda one: f"{one.get('phase')}")
async def test_a_recorded_status_is_stored_whole(client, rollout, status):
    patched = await client.patch(ROLLOUT, rollout, {"status": status}, subresource="status")
    assert json.loads(patched)["status"] == status


async def test_a_rollout_can_be_scaled(client, rollout):
    status = {"status": {"HPAReplicas": 2, "selector": "app=web"}}
    await client.patch(ROLLOUT, rollout, status, subresource="status")
    await client.patch(ROLLOUT, rollout, {"spec": {"replicas": 5}}, subresource="scale")
    scale = json.loads(await client.get(ROLLOUT, rollout, subresource="scale"))
    assert (scale["spec"], scale["status"]) == ({"replicas": 5}, {"replicas": 2, "selector": "app=web"})
    assert json.loads(await client.get(ROLLOUT, rollout))["spec"]["replicas"] == 5
