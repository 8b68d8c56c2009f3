"""A process may be stopped for minutes between its last check and the network: whatever is sent then must do no harm.

So every write carries the version that was seen, or creates something whose name follows from what it is for.
"""

import dataclasses
import json
import re
from contextlib import asynccontextmanager
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from aiohttp import web

import analysis
import rollouts
import trafficrouters
from rollouts.api.kinds import INGRESS, ROLLOUT
from rollouts.api.meta import Key, Metadata, OwnerReference, Ref
from rollouts.api.rollout import Rollout, RolloutSpec, RolloutStatus
from rollouts.controllers.apply import write_status
from rollouts.controllers.deeds import carry_out
from rollouts.controllers.jobs import ClusterJobs
from rollouts.controllers.writes import Writer
from rollouts.kube.lease import Lease
from rollouts.kube.recorder import Recorder
from rollouts.planner.actions import Action, Target
from rollouts.planner.snapshot import Snapshot
from rollouts.runtime.lifecycle import background
from tests.kube.server import client_of, serving
from tests.runtime.virtualtime import LoopClock, virtual_time
from trafficrouters.base import CreateRoute, PatchRoute, RouteChange

KEY = Key("shop", "web")
SEEN = Target(KEY, "uid-1", "41")
BODY = {"metadata": {"name": "web", "namespace": "shop"}}
ROUTE = Ref(INGRESS, *KEY)
SAMPLES = {
    "target": SEEN,
    "key": KEY,
    "body": BODY,
    "patch": {"spec": {"replicas": 1}},
    "owners": (OwnerReference("v1", "Rollout", "web", "u", True, True),),
    "replicas": 1,
}
ROUTES = {
    CreateRoute: CreateRoute(ROUTE, BODY, "new"),
    PatchRoute: PatchRoute(ROUTE, {"spec": {}}, "41", "weight"),
}


class Recording:
    """Says yes to everything and keeps what it was sent."""

    def __init__(self):
        self.sent = []
        self.answers = {}
        self.url = ""

    async def answer(self, request):
        text = await request.text()
        if request.method != "GET":
            self.sent.append((request.method, request.path, json.loads(text)))
        meta = {"name": "web", "namespace": "shop", "resourceVersion": "42"}
        return web.json_response(self.answers.get(request.method, {"metadata": meta}))


@asynccontextmanager
async def recording(tmp_path):
    async with serving(Recording()) as server, client_of(server, tmp_path, qps=0) as client:
        yield server, client


def why_bound(method, path, body):
    """What makes a second, late or overtaken sending of this request harmless; "" for nothing."""
    meta = body.get("metadata", {})
    if path.endswith("/eviction"):
        return _if_same(body["deleteOptions"].get("preconditions", {}))
    if method == "POST":
        return "its name is taken" if meta.get("name") and "generateName" not in meta else ""
    if method == "DELETE":
        return _if_same(body.get("preconditions", {}))
    return "its version is over" if meta.get("resourceVersion") else ""


def _if_same(preconditions):
    return "its version is over" if preconditions.get("uid") and preconditions.get("resourceVersion") else ""


def sample(action, change=None):
    """One of *action*: every field without a default is a sample, by its name; all others text."""
    fields = {
        field.name: SAMPLES.get(field.name, "text")
        for field in dataclasses.fields(action)
        if field.default is dataclasses.MISSING
    }
    return action(**fields | ({"change": change} if change else {}))


ACTIONS = [
    sample(action, change)
    for action in get_args(Action)
    for change in (ROUTES.values() if action.__name__ == "ChangeRoute" else [None])
]


def test_every_change_of_a_route_is_among_them():
    assert set(get_args(RouteChange)) == set(ROUTES)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: type(action).__name__)
async def test_every_action_is_bound_as_it_is_sent(tmp_path, action):
    async with recording(tmp_path) as (server, client):
        await carry_out(action, Writer(client))
        (sent,) = server.sent
    assert why_bound(*sent)


async def test_the_status_is_bound(tmp_path):
    found = Rollout(Metadata(name="web", namespace="shop", uid="uid-1", resource_version="41"), {}, RolloutStatus())
    snapshot = Snapshot(found, RolloutSpec(), {}, {}, "h", "s")
    async with recording(tmp_path) as (server, client):
        status = msgspec.structs.replace(RolloutStatus(), phase="Healthy")
        assert await write_status(Writer(client), snapshot, status)
    assert [why_bound(*sent) for sent in server.sent] == ["its version is over"]


@virtual_time
async def test_what_is_said_is_bound(tmp_path):
    about = Metadata(name="web", namespace="shop", uid="uid-1")
    async with recording(tmp_path) as (server, client):
        recorder = Recorder(client, "rollouts-controller", clock=LoopClock())
        async with background(events=recorder.run()):
            for _ in range(2):
                recorder.record(ROLLOUT, about, "R", "m")
                await recorder.flush(5)
    assert [sent[0] for sent in server.sent] == ["POST", "PATCH"]
    assert all(why_bound(*sent) for sent in server.sent)


@virtual_time
async def test_the_lease_is_bound(tmp_path):
    async with recording(tmp_path) as (server, client), Lease(client, KEY, "me", clock=LoopClock()).held():
        spec = {"holderIdentity": "me"}
        server.answers["GET"] = {"metadata": {"name": "web", "resourceVersion": "43"}, "spec": spec}
    assert [why_bound(*sent) for sent in server.sent] == ["its version is over"] * 2


async def test_a_job_is_bound(tmp_path):
    """It is deleted by its name, which is that of one measurement of one run."""
    async with recording(tmp_path) as (server, client):
        await ClusterJobs(client).create("shop", BODY)
        await ClusterJobs(client).delete("shop", "9f1c-metric-1")
    (created, (method, path, _)) = server.sent
    assert why_bound(*created)
    assert (method, path.endswith("/jobs/9f1c-metric-1")) == ("DELETE", True)


def test_nobody_else_writes():
    """Who writes in another way belongs into this file."""
    writing = re.compile(r"client\.(?:create|patch|update|delete|post)\(")
    rooms = [
        *(Path(rollouts.__file__).parent / room for room in ("controllers", "kube", "runtime", "planner", "steps")),
        Path(analysis.__file__).parent,
        Path(trafficrouters.__file__).parent,
    ]
    found = {path.name for room in rooms for path in room.rglob("*.py") if writing.search(path.read_text())}
    assert found == {"writes.py", "jobs.py", "lease.py", "recorder.py"}
