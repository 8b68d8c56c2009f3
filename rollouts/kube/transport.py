"""Requests on the wire: deadlines, typed errors, Retry-After, fresh credentials, one report per request.

Two sessions, so that open watches never use up the connections of requests.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import aiohttp

from rollouts.kube.access import Access
from rollouts.kube.errors import ApiError, NotLeading, ServerFault, TooManyRequests, Unauthorized, Unreachable, error_of
from rollouts.kube.fence import FencedRequest, checked_by, unchecked

_TRIES: Final = 4
# aiohttp refuses lines of twice this; objects are at most 1.5 MiB in etcd
_READ_BUFFER: Final = 2**21
_NETWORK_ERRORS: Final = (aiohttp.ClientError, OSError, asyncio.IncompleteReadError, ValueError)


class Call(NamedTuple):
    """One finished HTTP request, for metrics. *kind* is the plural; *status* is 0 where no answer came.

    *verb* is one of List, Watch, Get, Create, Update, Patch, Delete. *date* is the answer's header, "" without one.
    """

    kind: str
    namespace: str
    name: str
    verb: str
    status: int
    seconds: float
    date: str = ""


class Target(NamedTuple):
    """What a request is about, for reports and error messages."""

    verb: str
    kind: str
    namespace: str = ""
    name: str = ""


@dataclass(frozen=True)
class Request:
    """One request. *deadline* is in seconds and covers retries; *check* may raise to stop it from being sent.

    It is asked immediately before anything is written, at each try.
    """

    method: str
    path: str
    target: Target
    deadline: float
    params: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content: str = "application/json"
    check: Callable[[], None] = unchecked


class Transport:
    """The two sessions to one API server."""

    def __init__(self, access: Access, requests: aiohttp.ClientSession, watches: aiohttp.ClientSession) -> None:
        self._access = access
        self._requests = requests
        self._watches = watches
        self.observe: Callable[[Call], None] | None = None

    @property
    def namespace(self) -> str:
        """Namespace of the kubeconfig's context, or of our pod."""
        return self._access.namespace

    async def send(self, request: Request) -> bytes:
        """Send and return the answer's body; raise ApiError for everything that is not 2xx.

        A 429 with `Retry-After` is tried again for every method, since the server refused the call; a 503 with
        it only for reads. A 401 renews the credentials and tries once more.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + request.deadline
        renewed = False
        for tried in range(1, _TRIES + 1):
            try:
                return await self._once(request, until)
            except Unauthorized:
                if renewed:
                    raise
                renewed = True
                await self._access.refresh()
            except (TooManyRequests, ServerFault) as error:
                wait = _patience(request, error)
                if wait is None or tried == _TRIES or loop.time() + wait >= until:
                    raise
                await asyncio.sleep(wait)
        raise Unreachable(f"{_name(request)}: gave up after {_TRIES} tries")

    async def _once(self, request: Request, until: float) -> bytes:
        try:
            async with asyncio.timeout_at(until):
                headers = {"Content-Type": request.content} if request.body is not None else {}
                headers |= await self._access.headers()
                return await self._exchange(request, headers)
        except TimeoutError as error:
            raise Unreachable(f"{_name(request)}: no answer within {request.deadline:g}s") from error
        except _NETWORK_ERRORS as error:
            raise Unreachable(f"{_name(request)}: {_words(error)}") from error

    async def _exchange(self, request: Request, headers: Mapping[str, str]) -> bytes:
        with self._reported(request) as report:
            async with self._requests.request(
                request.method,
                self._access.host + request.path,
                params=request.params,
                data=request.body,
                headers=headers,
                ssl=self._access.tls or True,
                proxy=self._access.proxy,
                server_hostname=self._access.server_hostname,
            ) as answer:
                report.date = answer.headers.get("Date", "")
                body = await answer.read()
                report.status = answer.status
        if answer.status >= 300:
            raise error_of(answer.status, body, answer.headers)
        return body

    @asynccontextmanager
    async def lines(self, request: Request, silence: float) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a stream and yield its lines; *silence* is how many seconds without a byte count as a dead peer.

        Raises ApiError for an answer other than 2xx, Unreachable when the stream breaks.
        """
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(request.deadline):
                    answer = await stack.enter_async_context(await self._watch(request, silence))
                    body = await answer.read() if answer.status >= 300 else b""
            except TimeoutError as error:
                raise Unreachable(f"{_name(request)}: no answer within {request.deadline:g}s") from error
            except _NETWORK_ERRORS as error:
                raise Unreachable(f"{_name(request)}: {_words(error)}") from error
            if answer.status == 401:
                await self._access.refresh()
            if answer.status >= 300:
                raise error_of(answer.status, body, answer.headers)
            yield _lines_of(answer.content, _name(request))

    async def _watch(self, request: Request, silence: float) -> aiohttp.ClientResponse:
        with self._reported(request) as report:
            headers = await self._access.headers()
            answer = await self._watches.get(
                self._access.host + request.path,
                params=request.params,
                headers=headers,
                ssl=self._access.tls or True,
                proxy=self._access.proxy,
                server_hostname=self._access.server_hostname,
                timeout=aiohttp.ClientTimeout(total=None, sock_read=silence),
            )
            report.status, report.date = answer.status, answer.headers.get("Date", "")
            return answer

    @contextmanager
    def _reported(self, request: Request) -> Iterator["_Report"]:
        """Report the exchange in the body, unless its check stops it; the check is in force in the body."""
        loop = asyncio.get_running_loop()
        started, report, target = loop.time(), _Report(), request.target
        try:
            with checked_by(request.check):
                yield report
        except NotLeading:
            report.is_void = True
            raise
        finally:
            if self.observe is not None and not report.is_void:
                seconds = loop.time() - started
                about = (target.kind, target.namespace, target.name, target.verb)
                self.observe(Call(*about, report.status, seconds, report.date))


@dataclass
class _Report:
    """What became of a request; status 0 until there is an answer, *is_void* where it was never sent."""

    status: int = 0
    date: str = ""
    is_void: bool = False


@asynccontextmanager
async def open_transport(access: Access, user_agent: str) -> AsyncIterator[Transport]:
    """Open the sessions; the body's end closes them."""
    async with _session(user_agent) as requests, _session(user_agent) as watches:
        yield Transport(access, requests, watches)


def socket_of(address: aiohttp.AddrInfoType) -> socket.socket:
    """A socket that notices within 30 s that its other end is gone without a word.

    A watch may be silent for minutes; after a cut network, nothing else would tell it from one that has died.
    """
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, seconds in (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), seconds)
    return made


def _session(user_agent: str) -> aiohttp.ClientSession:
    # trust_env would look for netrc and proxies in a thread for every request
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30, socket_factory=socket_of),
        request_class=FencedRequest,
        headers={"User-Agent": user_agent, "Accept": "application/json"},
        timeout=aiohttp.ClientTimeout(total=None),
        cookie_jar=aiohttp.DummyCookieJar(),
        read_bufsize=_READ_BUFFER,
        trust_env=False,
    )


async def _lines_of(content: aiohttp.StreamReader, name: str) -> AsyncIterator[bytes]:
    while True:
        try:
            line = await content.readline()
        except TimeoutError as error:
            raise Unreachable(f"{name}: the stream fell silent") from error
        except _NETWORK_ERRORS as error:
            raise Unreachable(f"{name}: {_words(error)}") from error
        if not line:
            return
        if line := line.strip():
            yield line


def _patience(request: Request, error: ApiError) -> float | None:
    """Seconds after which *request* may be tried again, or None where it may not."""
    if error.status == 429 or (error.status == 503 and request.method == "GET"):
        return error.retry_after
    return None


def _name(request: Request) -> str:
    return f"{request.method} {request.path}"


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
