"""Two small HTTP servers: metrics on one port, liveness and readiness on another. Standbys serve them too."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Health(NamedTuple):
    """Whether the process can do what it is for, and what it is doing or waiting for, in words."""

    is_ready: bool
    text: str


async def serve_metrics(registry: CollectorRegistry, port: int, host: str = "0.0.0.0") -> None:  # noqa: S104 (scraped from outside)
    """Serve `/metrics` until cancelled. Raises OSError where the port is taken."""
    async with listening(metrics_app(registry), port, host):
        await asyncio.Event().wait()


async def serve_health(health: Callable[[], Health], port: int, host: str = "0.0.0.0") -> None:  # noqa: S104 (asked by the kubelet)
    """Serve `/healthz` (200 while the loop turns) and `/readyz` (200 while ready, else 503) until cancelled.

    A restart mends nothing that is wrong elsewhere, hence the first says nothing of it.
    """
    async with listening(health_app(health), port, host):
        await asyncio.Event().wait()


def metrics_app(registry: CollectorRegistry) -> web.Application:
    """The application behind the metrics port."""

    async def metrics(_request: web.Request) -> web.Response:
        # 8 µs a series: in a thread, so that ten thousand of them do not stop the loop
        body = await asyncio.to_thread(generate_latest, registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return _app({"/metrics": metrics})


def health_app(health: Callable[[], Health]) -> web.Application:
    """The application behind the health port."""

    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def readyz(_request: web.Request) -> web.Response:
        is_ready, text = health()
        if not is_ready:
            return web.Response(status=503, text=f"not ready: {text}")
        return web.Response(text=f"ok: {text}")

    return _app({"/healthz": healthz, "/readyz": readyz})


def _app(answers: Mapping[str, Answer]) -> web.Application:
    app = web.Application()
    app.add_routes([web.get(path, answer) for path, answer in answers.items()])
    return app


@asynccontextmanager
async def listening(app: web.Application, port: int, host: str) -> AsyncIterator[int]:
    """Serve *app* while the body runs; yield the port, chosen by the system where *port* is 0."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
