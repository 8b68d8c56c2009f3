"""A cluster as Argo Rollouts left it: the objects of a recording as they were at one second, put on the API server."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from rollouts.api import kinds
from rollouts.api.keys import HASH_LABEL, INSTANCE_ID_LABEL, SCALE_DOWN_DEADLINE
from rollouts.api.meta import Kind
from rollouts.wire import mergepatch
from rollouts.wire.durations import rfc3339
from tests.e2e.scene import Scene
from tests.recordings.comparer import ARGO

FAR_OFF = timedelta(hours=1)
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
KINDS = {
    kind.name: kind
    for kind in (
        kinds.SERVICE,
        kinds.INGRESS,
        kinds.HTTP_ROUTE,
        kinds.ANALYSIS_TEMPLATE,
        kinds.ROLLOUT,
        kinds.REPLICA_SET,
        kinds.ANALYSIS_RUN,
    )
}
# Measured on the sandbox, where nobody serves what was asked when it was recorded.
ONE = {"prometheus": {"address": "http://127.0.0.1:9090", "query": "vector(1)"}}
OWNED = {"ReplicaSet", "AnalysisRun", "Ingress"}


@dataclass(frozen=True)
class Frozen:
    """The moment *at* of a recording. *renamed*: other hashes, as another release of the controller computes them.

    *spec*: a merge patch of the Rollout's specification. Dates move so that the last write was just now; scale-down
    deadlines are far off, however slow the machine is.
    """

    recording: str
    at: float
    renamed: Mapping[str, str] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=dict)


def objects(frozen: Frozen, namespace: str, now: datetime) -> list[dict[str, Any]]:
    """Every object as it was, in the order in which they were first seen; what names its own namespace names ours."""
    text = json.dumps(list(_states(frozen).values()))
    for old, new in {f'"rec-{frozen.recording}"': f'"{namespace}"', **frozen.renamed}.items():
        text = text.replace(old, new)
    found: list[dict[str, Any]] = json.loads(text)
    shift = now - _last_write(found)
    text = STAMP.sub(lambda stamp: rfc3339(_date(stamp.group()) + shift), json.dumps(found))
    return [_prepared(frozen, one, now) for one in json.loads(text)]


def _states(frozen: Frozen) -> dict[tuple[str, str], dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for line in (ARGO / f"{frozen.recording}.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row["t"] > frozen.at:
            break
        key = row.get("kind", ""), row.get("name", "")
        if "object" in row:
            found[key] = row["object"]
        elif "patch" in row:
            found[key] = mergepatch.apply(found[key], row["patch"])
        elif row.get("deleted"):
            del found[key]
    return found


def _last_write(found: list[dict[str, Any]]) -> datetime:
    rollout = next(one for one in found if one["kind"] == "Rollout")
    return max(_date(one["lastUpdateTime"]) for one in rollout["status"]["conditions"])


def _date(stamp: str) -> datetime:
    return datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _prepared(frozen: Frozen, one: dict[str, Any], now: datetime) -> dict[str, Any]:
    metadata = {key: one["metadata"][key] for key in ("name", "labels", "annotations") if key in one["metadata"]}
    if SCALE_DOWN_DEADLINE in metadata.get("annotations", {}):
        later = rfc3339(now + FAR_OFF)
        metadata["annotations"] = {**metadata["annotations"], SCALE_DOWN_DEADLINE: later}
    one = {**one, "metadata": metadata}
    if one["kind"] == "Service":
        one["spec"] = {key: one["spec"][key] for key in ("ports", "selector")}
    if one["kind"] in {"AnalysisTemplate", "AnalysisRun"}:
        for metric in one["spec"]["metrics"]:
            metric["provider"] = ONE
            metric.pop("successCondition", None)
            metric.pop("failureCondition", None)
    if one["kind"] == "Rollout":
        one["spec"] = mergepatch.apply(one["spec"], frozen.spec)
        one["status"]["observedGeneration"] = "1"
    return one


async def thawed(scene: Scene, frozen: Frozen, now: datetime) -> None:
    """Put them there, under the instance id that is the namespace's name, and wait until pods are as they were."""
    every = objects(frozen, scene.namespace, now)
    hero = next(one for one in every if one["kind"] == "Rollout")
    owner = await _rollout(scene, _labelled(scene, hero))
    for one in every:
        if one is hero:
            continue
        if one["kind"].startswith("Analysis"):
            _labelled(scene, one)
        if one["kind"] in OWNED and one["metadata"]["name"] != "web":
            one["metadata"]["ownerReferences"] = [owner]
        await scene.client.create(KINDS[one["kind"]], scene.namespace, scene.placed(one))
    wanted = {one["metadata"]["name"]: one["spec"]["replicas"] for one in every if one["kind"] == "ReplicaSet"}
    await scene.until("pods as they were", lambda: _standing(scene, wanted))


def _labelled(scene: Scene, one: dict[str, Any]) -> dict[str, Any]:
    one["metadata"].setdefault("labels", {})[INSTANCE_ID_LABEL] = scene.namespace
    return one


async def _rollout(scene: Scene, body: dict[str, Any]) -> dict[str, Any]:
    """Created, then given its status; what others name as their owner."""
    await scene.client.create(kinds.ROLLOUT, scene.namespace, scene.placed(body))
    await scene.patch({"status": body["status"]}, sub="status")
    made = await scene.rollout()
    assert made["metadata"]["generation"] == 1
    named = {"apiVersion": made["apiVersion"], "kind": "Rollout", "name": "web", "uid": made["metadata"]["uid"]}
    return {**named, "controller": True, "blockOwnerDeletion": True}


async def _standing(scene: Scene, wanted: Mapping[str, int]) -> bool:
    found = await scene.all(kinds.REPLICA_SET)
    return {one["metadata"]["name"]: one["status"].get("availableReplicas", 0) for one in found} == wanted


async def standing(scene: Scene) -> dict[str, Any]:
    """What users of the cluster would notice if it changed: pods, sizes, and where requests go."""
    return {name: value async for name, value in _noticed(scene)}


async def _noticed(scene: Scene) -> Any:
    for kind, part in NOTICED.items():
        for one in await scene.all(kind):
            yield f"{kind.name}/{one['metadata']['name']}", part(one)


def _weights(one: Mapping[str, Any]) -> Any:
    return one["metadata"].get("annotations"), one["spec"]


NOTICED: Mapping[Kind, Any] = {
    kinds.POD: lambda one: one["metadata"]["uid"],
    kinds.REPLICA_SET: lambda one: (one["metadata"]["uid"], one["spec"]["replicas"], one["spec"]["template"]),
    kinds.SERVICE: lambda one: one["spec"]["selector"].get(HASH_LABEL),
    kinds.INGRESS: _weights,
    kinds.HTTP_ROUTE: lambda one: [
        [(ref["name"], ref.get("weight")) for ref in rule["backendRefs"]] for rule in one["spec"]["rules"]
    ],
    kinds.ANALYSIS_RUN: lambda one: one["metadata"]["uid"],
}
