"""The application as a program, started as a container would."""

import asyncio
import os
import signal
import sys

import aiohttp
import pytest

from rollouts.sandbox.podspec import Identity
from rollouts.sandbox.standalone import identity_in


@pytest.fixture
async def start(unused_tcp_port: int):
    started: list[asyncio.subprocess.Process] = []

    async def begin(version: str) -> asyncio.subprocess.Process:
        settings = {"VERSION": version, "HOSTNAME": "web-abc-x1", "ADDRESS": "127.0.0.1", "PORT": str(unused_tcp_port)}
        command = [sys.executable, "-m", "rollouts.sandbox.standalone"]
        environment = {**os.environ, **settings, "DRAIN": "200ms"}
        started.append(await asyncio.create_subprocess_exec(*command, env=environment))
        return started[-1]

    yield begin
    for process in started:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def answer(port: int) -> dict:
    """What it says once it listens."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(30):
        while True:
            try:
                async with session.get(f"http://127.0.0.1:{port}/") as response:
                    return await response.json()
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.05)


async def test_it_says_who_it_is_and_ends_in_order(start, unused_tcp_port):
    process = await start("v2")
    assert await answer(unused_tcp_port) == {"version": "v2", "pod": "web-abc-x1", "hash": "abc", "namespace": ""}
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0


async def test_it_crashes_as_its_version_says(start, unused_tcp_port):
    process = await start("v3-crash-after-1")
    await answer(unused_tcp_port)
    assert await process.wait() == 1
    assert await (await start("v4-crash")).wait() == 1


def test_a_pod_that_no_replicaset_made_has_no_hash():
    assert identity_in({"HOSTNAME": "web"}) == Identity("latest", "web", "", "")
