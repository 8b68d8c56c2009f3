"""A whole controller against an API server in memory, and somebody who makes pods."""

import asyncio
import json
from contextlib import asynccontextmanager

from rollouts.controllers.main import run
from rollouts.settings import Settings
from tests.controllers.apiserver import ApiServer
from tests.kube.server import serving
from tests.runtime.virtualtime import LoopClock, eventually

STEPS = [{"setWeight": 50}, {"pause": {"duration": "5s"}}, {"setWeight": 100}]


def rollout(name="web", image="web:v1", steps=STEPS, **spec):
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": name, "image": image}]}}
    strategy = {"canary": {"steps": steps}}
    selector = {"matchLabels": {"app": name}}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": name, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"replicas": 2, "selector": selector, "strategy": strategy, "template": template} | spec,
    }


def with_pods(server):
    """Every ReplicaSet has its pods at once."""

    def count(write):
        found = server.get("replicasets", write.name) if write.resource == "replicasets" else None
        if found is not None:
            wanted, seen = found["spec"].get("replicas", 1), found["metadata"]["generation"]
            counts = dict.fromkeys(("replicas", "readyReplicas", "availableReplicas"), wanted)
            server.put("replicasets", found | {"status": counts | {"observedGeneration": seen}}, group="apps/v1")

    server.after = count
    return server


def edit(server, name, **spec):
    """What `kubectl edit` does."""
    found = server.get("rollouts", name)
    meta = found["metadata"] | {"generation": found["metadata"]["generation"] + 1}
    server.put("rollouts", found | {"metadata": meta, "spec": found["spec"] | spec})


def set_image(server, image, name="web"):
    edit(server, name, template=rollout(name, image)["spec"]["template"])


def phase(server, name="web"):
    found = server.get("rollouts", name) or {}
    status = found.get("status", {})
    seen = status.get("observedGeneration") == str(found.get("metadata", {}).get("generation"))
    return status.get("phase") if seen else None


async def healthy(server, name="web"):
    await eventually(lambda: phase(server, name) == "Healthy", within=120)


def kubeconfig_of(server, tmp_path):
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me", "namespace": "shop"}}],
        "clusters": [{"name": "here", "cluster": {"server": server.url}}],
        "users": [{"name": "me", "user": {"token": "t0"}}],
    }
    path = tmp_path / "controller.kubeconfig"
    path.write_text(json.dumps(config))
    return path


@asynccontextmanager
async def api():
    async with serving(with_pods(ApiServer())) as server:
        yield server


@asynccontextmanager
async def controller(server, tmp_path, clock=None, **settings):
    """A controller at work; the body's end is its SIGTERM. Yields the event that is one."""
    chosen = {
        "kubeconfig": str(kubeconfig_of(server, tmp_path)),
        "bind_address": "127.0.0.1",
        "metrics_port": 0,
        "health_port": 0,
    }
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(run(Settings(**chosen | settings), stop, clock or LoopClock()), name="controller")
        yield stop
        stop.set()
