"""A monitoring of the test's own before the sandbox's real Prometheus: it can stop, take its time and talk nonsense."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import aiohttp
from aiohttp import web

from tests.chaos.mortal import owned
from tests.chaos.ports import free_port
from tests.e2e.scene import Scene

PROMETHEUS: Final = "http://127.0.0.1:9090"
# Answered requests of the canary in the last seconds that are errors; none so far are none.
ERRORS: Final = (
    'sum(rate(http_requests_total{rollouts_pod_template_hash="{{args.hash}}",code=~"5.."}[5s])) or vector(0)'
)
GARBAGE: Final = (
    b"<html><body>502 Bad Gateway</body></html>",
    b"\x00\xff\xfe{garbage",
    b'{"status":"success"}',
    b'{"status":"success","data":{"resultType":"vector","result":"none"}}',
    b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":["x","y"]}]}}',
    b'{"status":"error","errorType":"execution","error":"out of memory"}',
    b"[" * 100_000,
    b"",
)


class Monitor:
    """Answers with what Prometheus says after *pause* seconds, with *nonsense* instead, or not at all."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.pause = 0.0
        self.nonsense: bytes | None = None
        self.asked = 0
        self._session = session
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Be there."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        """Refuse connections."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        await asyncio.sleep(self.pause)
        if self.nonsense is not None:
            return web.Response(body=self.nonsense, content_type="application/json")
        headers = {"Content-Type": request.headers.get("Content-Type", "text/plain")}
        body = await request.read()
        async with self._session.request(
            request.method, PROMETHEUS + request.path_qs, data=body, headers=headers
        ) as on:
            return web.Response(status=on.status, body=await on.read(), content_type="application/json")


@asynccontextmanager
async def monitor() -> AsyncIterator[Monitor]:
    """A monitoring that works, until it is told not to."""
    async with aiohttp.ClientSession() as session:
        made = Monitor(session)
        await made.start()
        try:
            yield made
        finally:
            await made.stop()


@asynccontextmanager
async def monitors(count: int) -> AsyncIterator[list[Monitor]]:
    """Several of them."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(monitor()) for _ in range(count)]


def metric(prometheus: Monitor | str, name: str = "errors", **fields: Any) -> dict[str, Any]:
    """No errors of the canary: asked three times, a second apart. *timeout* is the provider's."""
    address = prometheus if isinstance(prometheus, str) else prometheus.address
    timeout = {"timeout": fields.pop("timeout")} if "timeout" in fields else {}
    provider = {"prometheus": {"address": address, "query": ERRORS, **timeout}}
    often = {"interval": "1s", "count": 3}
    return {"name": name, "successCondition": "result[0] < 0.01", "provider": provider, **often, **fields}


def check(scene: Scene, prometheus: Monitor, *metrics: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The template `check`, of *metrics* or of one with *fields*."""
    spec = {"metrics": list(metrics) or [metric(prometheus, **fields)], "args": [{"name": "hash"}]}
    template = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate", "metadata": {"name": "check"}}
    return owned(scene, {**template, "spec": spec})
