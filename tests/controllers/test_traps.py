"""Traps of serving this API that are about the whole controller; the list of all is in tests/planner."""

import asyncio

from tests.controllers.running import api, controller, healthy, rollout, set_image
from tests.runtime.virtualtime import virtual_time


@virtual_time
async def test_trap_03_nothing_is_decided_before_the_last_write_was_seen(tmp_path):
    """A controller that decides on what it saw before its own write does things twice."""
    async with api() as server, controller(server, tmp_path, leader_elect=False):
        server.put("rollouts", rollout())
        await healthy(server)
        tries, held, tell = [], [], server._tell

        def silent(path, *change):
            return held.append((path, *change)) if path.endswith("/rollouts/web") else tell(path, *change)

        set_image(server, "web:v2")
        server._tell = silent
        server.refuse = lambda write, _: tries.append(str(write))
        await asyncio.sleep(10)
        done = list(tries)
        for found in server.all("replicasets"):
            server.put("replicasets", found, group="apps/v1")
        await asyncio.sleep(10)
        assert done
        assert tries == done
        server._tell = tell
        for event in held:
            tell(*event)
        await healthy(server)
        assert server.get("rollouts", "web")["status"]["currentStepIndex"] == 3
