"""The application on loopback, asked for real."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from rollouts.sandbox.app import Application
from rollouts.sandbox.behaviour import behaviour_in
from rollouts.sandbox.podspec import Identity

IDENTITY = Identity("v1", "web-1", "abc", "shop")


@pytest.fixture
async def client(unused_tcp_port: int) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{unused_tcp_port}") as session:
        yield session


@pytest.fixture
async def application(unused_tcp_port: int):
    started: list[Application] = []

    async def start(behaviour: str = "") -> Application:
        started.append(Application(IDENTITY, behaviour_in(behaviour)))
        await started[-1].start("127.0.0.1", [unused_tcp_port])
        return started[-1]

    yield start
    for one in started:
        await one.stop(0)


async def statuses(client: aiohttp.ClientSession, count: int) -> list[int]:
    found = []
    for _ in range(count):
        async with client.get("/") as answer:
            found.append(answer.status)
    return found


async def metrics(client: aiohttp.ClientSession) -> dict[str, float]:
    async with client.get("/metrics") as answer:
        lines = [line for line in (await answer.text()).splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def test_it_says_who_it_is(application, client):
    await application()
    async with client.get("/any/path") as answer:
        assert await answer.json() == {"version": "v1", "pod": "web-1", "hash": "abc", "namespace": "shop"}


async def test_numbers_start_at_zero(application, client):
    await application()
    assert set((await metrics(client)).values()) == {0.0}


async def test_answers_are_counted_by_code(application, client):
    await application("errors50")
    assert await statuses(client, 4) == [200, 500, 200, 500]
    seen = await metrics(client)
    assert seen['http_requests_total{code="200"}'] == 2
    assert seen['http_requests_total{code="500"}'] == 2
    assert seen["http_request_duration_seconds_count"] == 4
    assert seen['http_request_duration_seconds_bucket{le="+Inf"}'] == 4


async def test_latency_lands_in_its_bucket(application, client):
    await application("slow60ms")
    await statuses(client, 1)
    seen = await metrics(client)
    assert seen['http_request_duration_seconds_bucket{le="0.05"}'] == 0
    assert seen["http_request_duration_seconds_sum"] >= 0.06


async def test_probes_do_not_count(application, client):
    await application()
    async with client.get("/", headers={"User-Agent": "kube-probe/1.36"}) as answer:
        assert answer.status == 200
    assert (await metrics(client))['http_requests_total{code="200"}'] == 0


async def test_it_crashes_after_its_requests(application, client):
    app = await application("crash-after-2")
    await statuses(client, 1)
    assert not app.crashed.is_set()
    await statuses(client, 1)
    assert app.crashed.is_set()


async def test_a_hanging_application_answers_nobody(application, client):
    app = await application("hang-after-1")
    assert await statuses(client, 1) == [200]
    asking = asyncio.ensure_future(client.get("/"))
    await asyncio.wait([asking], timeout=0.1)
    assert not asking.done()
    await app.stop(0)
    with pytest.raises(aiohttp.ClientError):
        await asking


async def test_draining_asks_clients_to_connect_anew(application, client):
    app = await application()
    app.drain()
    async with client.get("/") as answer:
        assert (answer.status, answer.headers["Connection"]) == (200, "close")


async def test_a_stopped_application_refuses_connections(application, client):
    app = await application()
    await app.stop(0)
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.get("/")
