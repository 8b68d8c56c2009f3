"""The load generator against real servers on loopback."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from rollouts.sandbox.app import Application
from rollouts.sandbox.behaviour import behaviour_in
from rollouts.sandbox.load import Load, Target
from rollouts.sandbox.podspec import Identity


@pytest.fixture
async def url(unused_tcp_port: int) -> AsyncIterator[str]:
    app = Application(Identity("v3", "web-1", "abc", "shop"), behaviour_in("errors10"))
    await app.start("127.0.0.1", [unused_tcp_port])
    yield f"http://127.0.0.1:{unused_tcp_port}/"
    await app.stop(0)


async def loaded(target: Target):
    async with Load(target) as load:
        await load.finished()
    return load.report()


async def test_exactly_as_many_requests_as_asked_for(url):
    report = await loaded(Target(url, clients=3, requests=50))
    assert report.total.requests == 50


async def test_failures_are_counted_and_kept_with_their_reason(url):
    report = await loaded(Target(url, clients=1, requests=20))
    assert (report.total.failed, report.total.lost) == (2, 0)
    assert [(one.reason, one.answer.pod) for one in report.failures] == [("HTTP 500", "web-1")] * 2


async def test_requests_are_booked_to_the_phase_they_were_sent_in(url):
    async with Load(Target(url, clients=2), phase="before") as load:
        while load.report().requests < 10:  # noqa: ASYNC110 (counts have no event)
            await asyncio.sleep(0)
        load.mark("after")
        while load.report().phase("after").requests < 10:  # noqa: ASYNC110 (counts have no event)
            await asyncio.sleep(0)
    report = load.report()
    assert [phase.name for phase in report.phases] == ["before", "after"]
    assert report.total.requests == sum(phase.requests for phase in report.phases)


async def test_the_end_of_the_body_ends_the_load(url):
    async with Load(Target(url, clients=2, rate=5.0)) as load:
        while load.report().requests < 1:  # noqa: ASYNC110 (counts have no event)
            await asyncio.sleep(0.01)
    assert 1 <= load.report().requests <= 4


async def test_time_is_a_bound_too(url):
    report = await loaded(Target(url, clients=2, seconds=0.2, rate=50.0))
    assert report.requests <= 10


async def test_nobody_there_is_a_lost_request(unused_tcp_port):
    report = await loaded(Target(f"http://127.0.0.1:{unused_tcp_port}/", clients=1, requests=2))
    assert (report.total.failed, report.total.lost) == (2, 2)
    assert all("ClientConnectorError" in one.reason for one in report.failures)
