"""An event loop whose clock jumps to the next timer whenever nothing else can happen.

Sockets on loopback are real: before a jump the loop gives them a moment. Nothing here measures real time.
"""

import asyncio
import functools
import selectors
from datetime import UTC, datetime, timedelta

START = 1000.0
DATE = datetime(2026, 1, 1, tzinfo=UTC)
MOMENT = 0.001


class _Jumping(selectors.DefaultSelector):
    loop = None

    def select(self, timeout=None):
        ready = super().select(0) or (timeout == 0 and []) or super().select(MOMENT)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            return super().select(None)
        self.loop.now += max(timeout, 0)
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        selector = _Jumping()
        selector.loop = self
        self.now = START
        super().__init__(selector)

    def time(self):
        return self.now


def virtual_time(test):
    """Run an async test on a loop with virtual time."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            return runner.run(test(*args, **kwargs))

    return run


class LoopClock:
    """A clock that follows the loop's time."""

    def __init__(self, ahead=timedelta()):
        self.ahead = ahead

    def now(self):
        return DATE + timedelta(seconds=self.monotonic() - START) + self.ahead

    def monotonic(self):
        return asyncio.get_running_loop().time()


async def eventually(claim, within=3600.0):
    """Wait until *claim* holds; fail when it does not within that much virtual time."""
    until = asyncio.get_running_loop().time() + within
    step = 0.01
    while not claim():
        assert asyncio.get_running_loop().time() < until, "it never happened"
        await asyncio.sleep(step)
        step = min(1.0, step * 1.1)
