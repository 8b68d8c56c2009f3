"""The application that runs in every pod: says who it is, counts what it answers, misbehaves when asked to."""

import asyncio
import json
import time
from collections.abc import Iterable
from typing import Final

from aiohttp import web

from rollouts.sandbox.behaviour import Behaviour
from rollouts.sandbox.podspec import Identity

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# aiohttp takes zero for "as long as it takes"
_AT_ONCE: Final = 0.01
_PROBE_AGENT: Final = "kube-probe/"


class Numbers:
    """What /metrics shows; every series is there from the start, at zero."""

    def __init__(self) -> None:
        self._codes = {200: 0, 500: 0}
        self._buckets = [0] * (len(BUCKETS) + 1)
        self._seconds = 0.0

    def count(self, code: int, seconds: float) -> None:
        """Count one answer and how long it took."""
        self._codes[code] += 1
        self._seconds += seconds
        self._buckets[next((place for place, bound in enumerate(BUCKETS) if seconds <= bound), len(BUCKETS))] += 1

    def text(self) -> str:
        """In Prometheus's text format."""
        return "\n".join([*self._counters(), *self._histogram(), ""])

    def _counters(self) -> Iterable[str]:
        yield "# HELP http_requests_total Requests answered, by status code."
        yield "# TYPE http_requests_total counter"
        for code, count in self._codes.items():
            yield f'http_requests_total{{code="{code}"}} {count}'

    def _histogram(self) -> Iterable[str]:
        name = "http_request_duration_seconds"
        yield f"# HELP {name} Seconds from request to answer."
        yield f"# TYPE {name} histogram"
        below = 0
        for bound, count in zip((*BUCKETS, "+Inf"), self._buckets, strict=True):
            below += count
            yield f'{name}_bucket{{le="{bound}"}} {below}'
        yield f"{name}_sum {self._seconds:.6f}"
        yield f"{name}_count {below}"


class Application:
    """One running container: a server on each port of the pod's address, until it is stopped or crashes."""

    def __init__(self, identity: Identity, behaviour: Behaviour) -> None:
        self.crashed = asyncio.Event()
        self._behaviour = behaviour
        self._body = json.dumps(identity._asdict()).encode()
        self._numbers = Numbers()
        self._requests = 0
        self._draining = False
        self._server = web.Server(self._answer, access_log=None)
        self._sockets: list[asyncio.Server] = []

    async def start(self, address: str, ports: Iterable[int]) -> None:
        """Listen on the pod's own address; raises OSError when a port is taken."""
        loop = asyncio.get_running_loop()
        for port in ports:
            self._sockets.append(await loop.create_server(self._server, address, port))

    def drain(self) -> None:
        """Go on serving, but ask every client to come back on another connection."""
        self._draining = True

    async def stop(self, patience: float = 1.0) -> None:
        """Close the sockets, then wait at most *patience* seconds for answers under way."""
        for listening in self._sockets:
            listening.close()
        self._sockets.clear()
        await self._server.shutdown(max(patience, _AT_ONCE))

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/metrics":
            return web.Response(text=self._numbers.text(), headers={"Content-Type": "text/plain; version=0.0.4"})
        if request.headers.get("User-Agent", "").startswith(_PROBE_AGENT):
            return await self._probed()
        return await self._served()

    async def _probed(self) -> web.StreamResponse:
        """The kubelet's probes are answered like any request, but do not count."""
        if self._hangs():
            await asyncio.Event().wait()
        return web.Response(body=self._body, content_type="application/json")

    async def _served(self) -> web.StreamResponse:
        began = time.monotonic()
        if self._hangs():
            await asyncio.Event().wait()
        self._requests += 1
        number = self._requests
        if self._behaviour.delay:
            await asyncio.sleep(self._behaviour.delay)
        code = 500 if self._behaviour.fails(number) else 200
        response = web.Response(status=code, body=self._body, content_type="application/json")
        if self._draining:
            response.force_close()
        self._numbers.count(code, time.monotonic() - began)
        if self._behaviour.crash_after == number:
            self.crashed.set()
        return response

    def _hangs(self) -> bool:
        after = self._behaviour.hang_after
        return after is not None and self._requests >= after
