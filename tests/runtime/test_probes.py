import asyncio
import socket

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Counter

from rollouts.runtime.lifecycle import background, leaves
from rollouts.runtime.probes import Health, health_app, listening, metrics_app, serve_health, serve_metrics


async def get(port, path):
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, answer.content_type, await answer.text()


async def test_metrics_are_served_as_text():
    registry = CollectorRegistry()
    Counter("things", "Things", registry=registry).inc(3)
    async with listening(metrics_app(registry), 0, "127.0.0.1") as port:
        status, kind, text = await get(port, "/metrics")
    assert (status, kind, "things_total 3.0" in text) == (200, "text/plain", True)


@pytest.mark.parametrize(("ready", "status", "text"), [(True, 200, "ok: at work"), (False, 503, "not ready: at work")])
async def test_readiness_is_what_the_caller_says(ready, status, text):
    async with listening(health_app(lambda: Health(ready, "at work")), 0, "127.0.0.1") as port:
        assert await get(port, "/readyz") == (status, "text/plain", text)


async def test_liveness_does_not_depend_on_readiness():
    async with listening(health_app(lambda: Health(False, "no")), 0, "127.0.0.1") as port:
        assert (await get(port, "/healthz"))[0] == 200


async def test_other_paths_are_not_found():
    async with listening(health_app(lambda: Health(True, "yes")), 0, "127.0.0.1") as port:
        assert (await get(port, "/metrics"))[0] == 404


@pytest.mark.parametrize("serve", ["metrics", "health"])
async def test_a_port_that_is_taken_ends_the_process(serve):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        part = (
            serve_metrics(CollectorRegistry(), port, "127.0.0.1")
            if serve == "metrics"
            else serve_health(lambda: Health(True, "yes"), port, "127.0.0.1")
        )
        with pytest.raises(ExceptionGroup) as caught:
            async with background(probes=part):
                await asyncio.Event().wait()
    assert [type(leaf) for leaf in leaves(caught.value)] == [OSError]
