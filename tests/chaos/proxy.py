"""A faulty network before the API server: one controller's requests pass through here, as long as they may.

    async with faulty(Path("controller.kubeconfig"), directory, "web") as proxy:
        start a controller with proxy.kubeconfig
        proxy.faults = Faults(refused=1 / 3)

The API server sees the controller's own account: its credentials pass unchanged.
"""

import asyncio
import json
import random
import socket
import ssl
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web

from tests.chaos.delivery import Delivery
from tests.chaos.faults import NONE, RESET, WRITES, Faults, Link, Seen, about, counts, tally
from tests.chaos.ports import free_port

SEED = 20261121
# Of HTTP/1.1, from hop to hop; the rest is passed on.
HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "host", "te",
                 "upgrade", "trailer", "accept-encoding"})  # fmt: skip
REASONS = {410: "Expired", 429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable"}
BUFFER = 2**22
END = b""


class Proxy:
    """One way to the API server. *faults* may be set at any time; *after_write* hears of each write that counts.

    *after_write* is called with the number of the write, from 1, and the request once the API server has accepted
    it and before the answer goes out; *kill* is called instead of an answer after the N-th, for `kill_after`.
    """

    def __init__(self, upstream: str, session: aiohttp.ClientSession, users: dict[str, str], seed: int) -> None:
        self.seen: list[Seen] = []
        self.writes = 0
        self.after_write: Callable[[int, web.Request], None] = lambda number, request: None
        self.kill: Callable[[], None] = lambda: None
        self.kubeconfig = Path()
        self.address = ""
        self._upstream, self._session, self._users = upstream, session, users
        self._random = random.Random(seed)
        self._faults, self._changed, self._is_up = NONE, asyncio.Event(), asyncio.Event()
        self._is_up.set()
        self.listens = asyncio.Event()
        self._server: web.Server | None = None
        self._streams: set[_Stream] = set()
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def faults(self) -> Faults:
        """What goes wrong now."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._faults = faults
        self._changed.set()
        if faults.link is Link.CUT:
            self._is_up.clear()
        else:
            self._is_up.set()
        if faults.link is Link.REFUSED and self._server is not None:
            # idle ones too
            for connection in self._server.connections:
                reset(connection.transport)

    def reset_watches(self) -> None:
        """Break every open watch off."""
        for stream in tuple(self._streams):
            stream.end(RESET)

    def expire_watches(self) -> None:
        """Tell every open watch that what it knows is too old: 410 Gone."""
        for stream in tuple(self._streams):
            stream.end(410)

    def since(self, mark: int = 0) -> list[Seen]:
        """The requests after the first *mark*."""
        return self.seen[mark:]

    def tally(self, mark: int = 0) -> Counter[str]:
        """Requests after the first *mark*, by name."""
        return tally(self.since(mark))

    def written(self, name: str) -> list[Seen]:
        """The writes of that name (`POST replicasets`) that were carried out."""
        return [one for one in self.seen if one.name == name and one.was_carried_out]

    # what is between

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """A home for what is under way while the body runs."""
        async with asyncio.TaskGroup() as self._group:
            try:
                yield
            finally:
                for task in tuple(self._tasks):
                    task.cancel()

    def start(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Do *work* whatever becomes of who asked for it."""
        assert self._group is not None
        task = self._group.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def serve(self, port: int, accept: web.Server) -> None:
        """Listen on *port* whenever the link allows."""
        self._server = accept
        server: asyncio.Server | None = None
        loop = asyncio.get_running_loop()
        try:
            while True:
                self._changed.clear()
                is_refused = self._faults.link is Link.REFUSED
                if is_refused and server is not None:
                    server.close()
                    server = None
                if not is_refused and server is None:
                    server = await loop.create_server(accept, "127.0.0.1", port)
                    self.listens.set()
                await self._changed.wait()
        finally:
            if server is not None:
                server.close()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One request of the controller."""
        if request.query.get("watch") in {"true", "1"}:
            return await self._watch(request)
        body = await request.read()
        # a client that gives up does not call back what it sent
        passing = self.start(self._pass(request, body), f"{request.method} {request.path}")
        answer: web.StreamResponse = await asyncio.shield(passing)
        return answer

    async def _pass(self, request: web.Request, body: bytes) -> web.StreamResponse:
        await self._is_up.wait()
        if self._strikes(request, self._faults.refused):
            return self._refuse(request, self._random.choice(self._faults.refusals), 0)
        status, content, kind = await self._ask(request, body)
        answered = asyncio.get_running_loop().time()
        if 200 <= status < 300 and counts(request.method, request.path):
            self.writes += 1
            self.after_write(self.writes, request)
            if self.writes == self._faults.kill_after:
                self.kill()
                return self._refuse(request, RESET, status)
        if self._strikes(request, self._faults.lost):
            return self._refuse(request, self._random.choice(self._faults.losses), status)
        await self._is_up.wait()
        self._note(request, status, status, at=answered)
        return web.Response(status=status, body=content, headers={"Content-Type": kind})

    def _strikes(self, request: web.Request, share: float) -> bool:
        return request.method in WRITES and share > 0 and self._random.random() < share

    async def _ask(self, request: web.Request, body: bytes) -> tuple[int, bytes, str]:
        try:
            async with self._session.request(
                request.method, self._upstream + request.path_qs, data=body or None, headers=_passing(request)
            ) as answer:
                return answer.status, await answer.read(), answer.headers.get("Content-Type", "application/json")
        except aiohttp.ClientError as error:
            return 502, said(502, str(error)), "application/json"

    def _refuse(self, request: web.Request, status: int, passed: int) -> web.Response:
        """Answer *status* instead of what was to be said."""
        self._note(request, status, passed)
        if status == RESET:
            reset(request.transport)
            return web.Response(status=500)
        headers = {"Retry-After": f"{self._faults.retry_after:g}"} if status == 429 else {}
        return web.Response(
            status=status,
            body=said(status, "the proxy between says so"),
            headers=headers,
            content_type="application/json",
        )

    def _note(
        self, request: web.Request, status: int, passed: int, *, at: float | None = None, is_watch: bool = False
    ) -> None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        now = asyncio.get_running_loop().time() if at is None else at
        user = self._users.get(token, "")
        self.seen.append(Seen(request.method, request.path, now, user, status, passed, is_watch))

    # watches

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        await self._is_up.wait()
        if self._faults.gone:
            self._note(request, 410, 0, is_watch=True)
            return web.Response(status=410, body=said(410, "too old"), content_type="application/json")
        try:
            async with self._session.get(self._upstream + request.path_qs, headers=_passing(request)) as answer:
                self._note(request, answer.status, answer.status, is_watch=True)
                if answer.status >= 300:
                    return web.Response(status=answer.status, body=await answer.read(), content_type="application/json")
                return await self._stream(request, answer)
        except aiohttp.ClientError as error:
            return web.Response(status=502, body=said(502, str(error)), content_type="application/json")

    async def _stream(self, request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await self._is_up.wait()
        await response.prepare(request)
        stream = _Stream(asyncio.get_running_loop().time())
        self._streams.add(stream)
        reading = self.start(stream.read(answer), f"watch {request.path}")
        try:
            with suppress(ConnectionError):
                await self._deliver(stream, request, response)
        finally:
            self._streams.discard(stream)
            reading.cancel()
        return response

    async def _deliver(self, stream: "_Stream", request: web.Request, response: web.StreamResponse) -> None:
        delivery, loop = Delivery(), asyncio.get_running_loop()
        resource, is_over = about(request.path).resource, False
        while not (is_over and not len(delivery)):
            if stream.due_end(self._faults, loop.time()) is not None:
                break
            for line in stream.take():
                is_over = is_over or line == END
                if line != END:
                    delay = self._faults.delay_of(resource)
                    delivery.put(line, loop.time(), delay=delay, window=self._faults.window)
            for line in delivery.take(loop.time()):
                await self._is_up.wait()
                await response.write(line)
            await stream.news(delivery.next_due, self._faults)
        await self._is_up.wait()
        await _end(stream.due_end(self._faults, loop.time()), request, response)


class _Stream:
    """One watch, between its two ends."""

    def __init__(self, began: float) -> None:
        self._began = began
        self._lines: list[bytes] = []
        self._news = asyncio.Event()
        self._ending: int | None = None

    async def read(self, answer: aiohttp.ClientResponse) -> None:
        """Take in what the API server says until it says no more."""
        with suppress(aiohttp.ClientError, OSError, TimeoutError):
            while line := await answer.content.readline():
                self._add(line)
        self._add(END)

    def end(self, how: int) -> None:
        """End now: RESET, or 410."""
        self._ending = how
        self._news.set()

    def due_end(self, faults: Faults, now: float) -> int | None:
        """How this is to end now, or None."""
        age = now - self._began
        if self._ending is not None:
            return self._ending
        if faults.reset_every and age >= faults.reset_every:
            return RESET
        return 410 if faults.expire_every and age >= faults.expire_every else None

    def take(self) -> list[bytes]:
        """What came since this was last asked."""
        lines, self._lines = self._lines, []
        self._news.clear()
        return lines

    async def news(self, due: float | None, faults: Faults) -> None:
        """Wait for another line, for *due*, or for the moment at which this ends."""
        ends = [self._began + one for one in (faults.reset_every, faults.expire_every) if one]
        # faults that are set meanwhile are seen after this while
        soon = asyncio.get_running_loop().time() + 0.25
        with suppress(TimeoutError):
            async with asyncio.timeout_at(min([soon, *ends, *([] if due is None else [due])])):
                await self._news.wait()

    def _add(self, line: bytes) -> None:
        self._lines.append(line)
        self._news.set()


async def _end(how: int | None, request: web.Request, response: web.StreamResponse) -> None:
    if how == 410:
        event = {"type": "ERROR", "object": json.loads(said(410, "too old resource version"))}
        await response.write(json.dumps(event).encode() + b"\n")
    if how == RESET:
        reset(request.transport)


@asynccontextmanager
async def faulty(kubeconfig: Path, directory: Path, name: str, *, seed: int = SEED) -> AsyncIterator[Proxy]:
    """A proxy to the API server of *kubeconfig*; `proxy.kubeconfig`, in *directory*, leads through it."""
    document = _read(kubeconfig)
    (cluster,), (user,) = document["clusters"], document["users"]
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(_session(cluster["cluster"].get("certificate-authority")))
        proxy = Proxy(cluster["cluster"]["server"], session, {user["user"].get("token", ""): user["name"]}, seed)
        port = await _open(proxy, stack)
        proxy.address = f"http://127.0.0.1:{port}"
        cluster["cluster"] = {"server": proxy.address}
        proxy.kubeconfig = _written(directory / f"{name}.proxied.kubeconfig", document)
        yield proxy


def _read(kubeconfig: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(kubeconfig.read_text())
    return document


def _written(path: Path, document: dict[str, Any]) -> Path:
    path.touch(mode=0o600)
    path.write_text(json.dumps(document))
    return path


def _session(authority: str | None) -> aiohttp.ClientSession:
    tls = ssl.create_default_context(cafile=authority) if authority else True
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls, limit=0),
        timeout=aiohttp.ClientTimeout(total=None),
        cookie_jar=aiohttp.DummyCookieJar(),
        read_bufsize=BUFFER,
    )


async def _open(proxy: Proxy, stack: AsyncExitStack) -> int:
    """Serve until *stack* closes; the port."""
    app = web.Application(client_max_size=2**25)
    app.router.add_route("*", "/{path:.*}", proxy.answer)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await stack.enter_async_context(proxy.running())
    port = free_port()
    assert runner.server is not None
    proxy.start(proxy.serve(port, runner.server), f"proxy on {port}")
    await proxy.listens.wait()
    return port


def reset(transport: asyncio.BaseTransport | None) -> None:
    """End a connection as a peer does that knows nothing of it: RST."""
    if not isinstance(transport, asyncio.Transport) or transport.is_closing():
        return
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def said(code: int, message: str) -> bytes:
    """A Status, as the API server says it."""
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}
    return json.dumps({**status, "reason": REASONS.get(code, "InternalError")}).encode()


def _passing(request: web.Request) -> dict[str, str]:
    return {name: value for name, value in request.headers.items() if name.lower() not in HOP}
