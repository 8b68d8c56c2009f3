"""What the player's own writes must not make it miss; how pods live is told in test_player."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from rollouts.runtime.lifecycle import background
from rollouts.sandbox.addresses import Addresses
from rollouts.sandbox.life import Life, World

GATE = "example.com/registered"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def gated(port: int, *, is_open: bool) -> dict[str, Any]:
    """A pod on its node, with a readiness gate."""
    container = {"name": "web", "image": "web:v1", "ports": [{"containerPort": port}]}
    metadata = {"name": "web", "namespace": "n", "uid": "u", "labels": {}}
    spec = {"nodeName": "sandbox", "containers": [container], "readinessGates": [{"conditionType": GATE}]}
    conditions = [{"type": GATE, "status": "True"}] if is_open else []
    return {"metadata": metadata, "spec": spec, "status": {"conditions": conditions}}


class Api:
    """Takes statuses; while it takes the first, the pod's gate is opened."""

    life: Life

    def __init__(self, port: int) -> None:
        self.ready: list[str] = []
        self.all_told = asyncio.Event()
        self._port = port

    async def request(self, _method: str, _path: str, body: Any, **_: Any) -> dict[str, Any]:
        conditions = {one["type"]: one["status"] for one in body["status"]["conditions"]}
        self.ready.append(conditions["Ready"])
        if len(self.ready) == 1:
            self.life.see(gated(self._port, is_open=True))
            await asyncio.sleep(0)
        else:
            self.all_told.set()
        return {}


async def test_a_gate_that_opens_while_the_status_is_written_is_not_missed(unused_tcp_port: int):
    api = Api(unused_tcp_port)
    # any address of 127.0.0.0/8 is this machine
    world = World(api, None, Addresses("127.77.0.0/16", []), 0.0, lambda: NOW)
    api.life = Life(gated(unused_tcp_port, is_open=False), world)
    async with background(life=api.life.run()), asyncio.timeout(30):
        await api.all_told.wait()
    assert api.ready == ["False", "True"]
