"""Scopes that nest: parts that live while a body runs, and the end of the process.

Nesting is the start order and, reversed, the stop order. A dead part ends its scope, and with it the process.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import structlog

log = structlog.get_logger("rollouts.runtime")

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class PartEnded(Exception):  # noqa: N818 (an end where none was due)
    """A part that should live as long as its scope returned before."""


class Crew:
    """A scope's parts, to which more can be added while it runs."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, name: str, part: Coroutine[Any, Any, None]) -> None:
        """Run *part* until the scope ends; if it ends before, the scope ends with PartEnded or its exception."""
        task = self._group.create_task(self._lasting(name, part), name=name)
        # a task that is cancelled before its first step never touches the coroutine it wraps
        task.add_done_callback(lambda _: part.close())
        self._tasks[name] = task

    def stop(self, name: str) -> None:
        """End one part early; unknown names are fine."""
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()

    def dismiss(self) -> None:
        """End all parts."""
        for name in tuple(self._tasks):
            self.stop(name)

    async def _lasting(self, name: str, part: Coroutine[Any, Any, None]) -> None:
        await part
        if name in self._tasks:
            raise PartEnded(name)


@asynccontextmanager
async def crew() -> AsyncIterator[Crew]:
    """Give the body a crew; its parts end with the body, and the body with the first part that dies."""
    async with asyncio.TaskGroup() as group:
        members = Crew(group)
        yield members
        members.dismiss()


@asynccontextmanager
async def background(**parts: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run named coroutines while the body runs; a crash or a return of one ends the body."""
    async with crew() as members:
        for name, part in parts.items():
            members.start(name, part)
        yield


class _Stopped(Exception):  # noqa: N818 (a signal between two functions of this file)
    """The stop that ended a body."""


class Patience:
    """How the body of `until` says that it will see to stopping itself."""

    def __init__(self) -> None:
        self.given = False

    def wait(self) -> None:
        """From here on the body hears of stop by itself: leave it alone."""
        self.given = True


@asynccontextmanager
async def until(stop: asyncio.Event) -> AsyncIterator[Patience]:
    """Cancel the body once *stop* is set, and end quietly; unless the body has asked for patience."""
    patience = Patience()
    try:
        async with asyncio.TaskGroup() as group:
            watcher = group.create_task(_raise_when(stop, patience), name="until stop")
            yield patience
            watcher.cancel()
    except* _Stopped:
        log.info("stopped")


async def _raise_when(stop: asyncio.Event, patience: Patience) -> None:
    await stop.wait()
    if not patience.given:
        raise _Stopped


@contextmanager
def stop_on_signals() -> Iterator[asyncio.Event]:
    """An event that SIGTERM and SIGINT set. A second signal does what it would do without us: it kills."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def hear(number: signal.Signals) -> None:
        log.info("stopping", signal=number.name)
        loop.remove_signal_handler(number)
        stop.set()

    for number in _SIGNALS:
        loop.add_signal_handler(number, hear, number)
    try:
        yield stop
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


def run(main: Callable[[asyncio.Event], Awaitable[None]]) -> int:
    """Run *main* with an event that signals set; return the exit code: 0 for an orderly end, 1 for a crash.

    Every exception that ends *main* is logged, each by itself.
    """
    return asyncio.run(_guarded(main))


async def _guarded(main: Callable[[asyncio.Event], Awaitable[None]]) -> int:
    with stop_on_signals() as stop:
        try:
            await main(stop)
        except Exception as error:
            for cause in leaves(error):
                log.exception("the process ends: a part of it died", error=describe(cause), exc_info=cause)
            return 1
    return 0


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The exceptions inside nested groups."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error


def describe(error: BaseException) -> str:
    """An exception in one line."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
