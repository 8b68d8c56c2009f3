"""Plays every pod of a sandbox: `python -m rollouts.sandbox.player DIRECTORY`. Scheduler, kubelet, application in one.

It also tells Prometheus where the pods are: /targets is an http_sd endpoint.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiohttp import web

from rollouts.sandbox.addresses import Addresses
from rollouts.sandbox.apiclient import MERGE, Api, connect
from rollouts.sandbox.behaviour import Pod
from rollouts.sandbox.dataplane import PLAYER
from rollouts.sandbox.errors import Refused
from rollouts.sandbox.life import NODE, Life, World
from rollouts.sandbox.namespace import POD_RANGE
from rollouts.sandbox.podspec import discovery_labels, key_of, ports_of
from rollouts.sandbox.podstatus import NODE_ADDRESS, stamp
from rollouts.sandbox.state import read_blueprint

_LOG: Final = logging.getLogger("player")
_PODS: Final = "/api/v1/pods"
_ROOM: Final = {"cpu": "10000", "memory": "100Ti", "pods": "100000", "ephemeral-storage": "100Ti"}


class Player:
    """Follows all pods and gives each a life of its own."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lives: dict[str, Life] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Play for ever."""
        await make_node(self._world.api, self._world.now())
        async with asyncio.TaskGroup() as group:
            group.create_task(self._serve(), name="serve targets")
            while True:
                try:
                    await self._follow(group)
                except (Refused, aiohttp.ClientError, TimeoutError) as error:
                    _LOG.warning("listing pods again: %s", error)
                    await asyncio.sleep(0.2)

    async def _follow(self, group: asyncio.TaskGroup) -> None:
        """List, then watch; raises when the watch cannot go on from where it was."""
        listed = await self._world.api.request("GET", _PODS)
        version = str(listed["metadata"]["resourceVersion"])
        present = {pod["metadata"]["uid"] for pod in listed["items"]}
        for uid in self._lives.keys() - present:
            self._forget(uid)
        for pod in listed["items"]:
            self._see(pod, group)
        while True:
            async for event in self._world.api.watch(_PODS, version):
                version = event["object"]["metadata"]["resourceVersion"]
                self._take(event, group)

    def _take(self, event: dict[str, Any], group: asyncio.TaskGroup) -> None:
        pod = event["object"]
        if event["type"] == "DELETED":
            self._forget(pod["metadata"]["uid"])
        elif event["type"] != "BOOKMARK":
            self._see(pod, group)

    def _see(self, pod: Pod, group: asyncio.TaskGroup) -> None:
        uid = pod["metadata"]["uid"]
        if uid in self._lives:
            self._lives[uid].see(pod)
            return
        life = self._lives[uid] = Life(pod, self._world)
        self._tasks[uid] = group.create_task(self._play(life), name=f"pod {key_of(pod)}")

    def _forget(self, uid: str) -> None:
        if uid in self._lives:
            del self._lives[uid]
            self._tasks.pop(uid).cancel()

    async def _play(self, life: Life) -> None:
        """A pod that cannot be played must not end the others."""
        try:
            await life.run()
        except Exception:  # noqa: BLE001 (whatever it was)
            _LOG.exception("pod %s", key_of(life.pod))

    async def _serve(self) -> None:
        routes = web.Application()
        routes.router.add_get("/targets", self._targets)
        routes.router.add_get("/healthz", self._healthy)
        runner = web.AppRunner(routes, access_log=None)
        await runner.setup()
        host, _, port = PLAYER.partition(":")
        await web.TCPSite(runner, host, int(port)).start()
        try:
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    async def _targets(self, _request: web.Request) -> web.Response:
        return web.json_response(list(targets(self._lives.values())))

    async def _healthy(self, _request: web.Request) -> web.Response:
        return web.json_response({"pods": len(self._lives)})


def targets(lives: Any) -> Iterator[dict[str, Any]]:
    """Prometheus's http_sd format: one group per running pod, scraped on its first port."""
    for life in lives:
        if life.is_running and life.address:
            address = f"{life.address}:{ports_of(life.pod)[0]}"
            yield {"targets": [address], "labels": discovery_labels(life.pod)}


async def make_node(api: Api, now: datetime) -> None:
    """The one node, ready, with room for everything, without the taint that the API server gives a new node."""
    try:
        await api.request("POST", "/api/v1/nodes", _node())
    except Refused as refused:
        if refused.status != 409:
            raise
    await api.request("PATCH", f"/api/v1/nodes/{NODE}", {"spec": {"taints": None}}, kind_of_body=MERGE)
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "played by the sandbox"}
    times = {"lastHeartbeatTime": stamp(now), "lastTransitionTime": stamp(now)}
    status = {
        "capacity": _ROOM,
        "allocatable": _ROOM,
        "addresses": [{"type": "InternalIP", "address": NODE_ADDRESS}, {"type": "Hostname", "address": NODE}],
        "conditions": [{**ready, **times}],
    }
    await api.request("PATCH", f"/api/v1/nodes/{NODE}/status", {"status": status}, kind_of_body=MERGE)


def _node() -> dict[str, Any]:
    labels = {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux"}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE, "labels": labels}}


async def play(directory: Path) -> None:
    """Play the pods of the sandbox in *directory* for ever."""
    options = read_blueprint(directory).options
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(connect(directory, "player"))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        world = World(api, session, Addresses(POD_RANGE, [NODE_ADDRESS]), options.pod_ready_seconds, _now)
        await Player(world).run()


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    asyncio.run(play(Path(sys.argv[1])))
