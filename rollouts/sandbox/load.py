"""The load generator: keep-alive clients asking one address, bounded in count and time, every answer counted."""

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import aiohttp

from rollouts.sandbox.tally import Answer, Failure, Phase, Report, answer_in

_KEPT_FAILURES: Final = 1000


@dataclass(frozen=True)
class Target:
    """What to ask, and how hard. Ends after *requests* or *seconds*, whichever comes first.

    *rate* is requests per second of all clients together; None is as fast as answers come. *host* is the Host
    header; further *headers* go with every request. *patience* is seconds until a request counts as failed.
    """

    url: str
    host: str = ""
    clients: int = 4
    requests: int = 1_000_000
    seconds: float = 600.0
    rate: float | None = None
    patience: float = 5.0
    headers: dict[str, str] = field(default_factory=dict)


class Load:
    """`async with Load(target) as load:` asks while the body runs; `finished` waits for the bounds instead.

    When the body ends no further request is sent, and those under way are waited for.
    """

    def __init__(self, target: Target, phase: str = "start") -> None:
        self._target = target
        self._group = asyncio.TaskGroup()
        self._clients: list[asyncio.Task[None]] = []
        self._sent = 0
        self._closed = False
        self._began = 0.0
        self._phases: list[_Tally] = []
        self.mark(phase)

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._began = asyncio.get_running_loop().time()
        for number in range(self._target.clients):
            client = self._group.create_task(self._ask_often(), name=f"load client {number}")
            self._clients.append(client)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        await self._group.__aexit__(kind, error, trace)

    def mark(self, phase: str) -> None:
        """Count requests sent from now on under another name."""
        self._phases.append(_Tally(phase, time.time()))

    async def finished(self) -> None:
        """Return when the bounds are reached."""
        if self._clients:
            await asyncio.wait(self._clients)

    def report(self) -> Report:
        """What was seen so far."""
        return Report(tuple(tally.phase() for tally in self._phases))

    async def _ask_often(self) -> None:
        timeout = aiohttp.ClientTimeout(total=self._target.patience)
        headers = {**self._target.headers, **({"Host": self._target.host} if self._target.host else {})}
        async with aiohttp.ClientSession(timeout=timeout, headers=headers) as session:
            while await self._may_ask():
                await self._ask(session)

    async def _may_ask(self) -> bool:
        """Take the next request's turn; False when the bounds are reached."""
        if self._closed or self._sent >= self._target.requests:
            return False
        number = self._sent
        self._sent += 1
        due = number / self._target.rate if self._target.rate else 0.0
        elapsed = asyncio.get_running_loop().time() - self._began
        if max(due, elapsed) >= self._target.seconds:
            return False
        if due > elapsed:
            await asyncio.sleep(due - elapsed)
        return not self._closed

    async def _ask(self, session: aiohttp.ClientSession) -> None:
        tally, at = self._phases[-1], time.time()
        try:
            async with session.get(self._target.url, allow_redirects=False) as response:
                answer = answer_in(response.status, _parsed(await response.read()))
                reason = f"HTTP {response.status}" + ("" if answer.pod else " from the proxy")
        except (aiohttp.ClientError, TimeoutError) as error:
            answer, reason = Answer(0), repr(error)
        tally.count(answer, at, reason)


class _Tally:
    """One phase while it is being counted."""

    def __init__(self, name: str, began: float) -> None:
        self._name = name
        self._began = began
        self._answers: Counter[Answer] = Counter()
        self._failures: list[Failure] = []

    def count(self, answer: Answer, at: float, reason: str) -> None:
        self._answers[answer] += 1
        if not answer.is_good and len(self._failures) < _KEPT_FAILURES:
            self._failures.append(Failure(at, self._name, reason, answer))

    def phase(self) -> Phase:
        return Phase(self._name, self._began, Counter(self._answers), tuple(self._failures))


def _parsed(content: bytes) -> object:
    try:
        return json.loads(content)
    except ValueError:
        return None
