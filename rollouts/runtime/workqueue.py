"""Keys waiting to be looked at: each at most once, and never in two hands.

Timing rules: the earliest wake of a key wins; handing a key out settles its wakes, because who looks at it decides
anew when to look again; what is added while a key is in hand counts after it.
"""

import asyncio
import heapq
from collections import OrderedDict, deque
from collections.abc import Hashable
from datetime import datetime
from typing import Final, Generic, Protocol, TypeVar

from rollouts.runtime.clock import Clock

K = TypeVar("K", bound=Hashable)

FIRST_BACKOFF: Final = 0.005
LONGEST_BACKOFF: Final = 10.0


class Closed(Exception):  # noqa: N818 (an end, not an error)
    """The queue hands out no more keys."""


class QueueMeter(Protocol):
    """Hears what a queue goes through; seconds are of the queue's monotonic clock."""

    def added(self, depth: int) -> None:
        """A key became ready."""
        ...

    def taken(self, depth: int, waited: float) -> None:
        """A key was handed out after *waited* seconds of being ready."""
        ...

    def done(self, worked: float) -> None:
        """A key was given back after *worked* seconds."""
        ...

    def retried(self) -> None:
        """A key was put off because work on it failed."""
        ...


class Unmetered:
    """A meter that does not listen."""

    def added(self, depth: int) -> None:
        """Ignore it."""

    def taken(self, depth: int, waited: float) -> None:
        """Ignore it."""

    def done(self, worked: float) -> None:
        """Ignore it."""

    def retried(self) -> None:
        """Ignore it."""


class WorkQueue(Generic[K]):
    """Deduplicating queue with wakes and per-key backoff (5 ms doubling to 10 s). Lives in one event loop."""

    def __init__(self, clock: Clock, meter: QueueMeter | None = None) -> None:
        self._clock = clock
        self._meter: QueueMeter = meter or Unmetered()
        self._ready: OrderedDict[K, float] = OrderedDict()
        self._in_hand: dict[K, float] = {}
        self._again: set[K] = set()
        self._wakes: dict[K, float] = {}
        self._calendar: list[tuple[float, int, K]] = []
        self._entries = 0
        self._timer: asyncio.TimerHandle | None = None
        self._failures: dict[K, int] = {}
        self._idle: deque[asyncio.Future[None]] = deque()
        self.closed = False

    def __len__(self) -> int:
        """How many keys are ready."""
        return len(self._ready)

    @property
    def in_hand(self) -> dict[K, float]:
        """The keys being worked on, with the clock's seconds at which each was handed out."""
        return dict(self._in_hand)

    def add(self, key: K) -> None:
        """Make *key* ready now; if it is in hand, once it is done."""
        if key in self._in_hand:
            self._again.add(key)
        elif key not in self._ready:
            self._ready[key] = self._clock.monotonic()
            self._meter.added(len(self._ready))
            self._call_one()

    def add_at(self, key: K, when: datetime | float) -> None:
        """Make *key* ready at *when*: a date, or seconds of the clock. An earlier wake it already has stays."""
        seconds = self._seconds(when)
        if seconds <= self._clock.monotonic():
            self.add(key)
            return
        if self._wakes.get(key, seconds + 1) <= seconds:
            return
        self._wakes[key] = seconds
        self._entries += 1
        heapq.heappush(self._calendar, (seconds, self._entries, key))
        if len(self._calendar) > 2 * len(self._wakes) + 64:
            self._calendar = [entry for entry in self._calendar if self._wakes.get(entry[2]) == entry[0]]
            heapq.heapify(self._calendar)
        self._set_timer()

    def failed(self, key: K) -> None:
        """Make *key* ready after its backoff, which doubles until `forget`."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self._meter.retried()
        self.add_at(key, self._clock.monotonic() + backoff(failures))

    def forget(self, key: K) -> None:
        """Work on *key* succeeded: its next backoff is the shortest again."""
        self._failures.pop(key, None)

    def failures(self, key: K) -> int:
        """How often work on *key* has failed since it last succeeded."""
        return self._failures.get(key, 0)

    async def get(self) -> K:
        """Take the key that has been ready longest; give it back with `done`. Raises Closed after `close`."""
        while not self._ready and not self.closed:
            idle = asyncio.get_running_loop().create_future()
            self._idle.append(idle)
            try:
                await idle
            except asyncio.CancelledError:
                self._pass_on(idle)
                raise
        if self.closed:
            raise Closed
        return self._take()

    def done(self, key: K) -> None:
        """Give *key* back."""
        self._meter.done(self._clock.monotonic() - self._in_hand.pop(key))
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def close(self) -> None:
        """Hand out nothing more. What is in hand can still be finished."""
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
        while self._idle:
            self._call_one()

    def _take(self) -> K:
        key, since = self._ready.popitem(last=False)
        now = self._clock.monotonic()
        self._in_hand[key] = now
        self._wakes.pop(key, None)
        self._meter.taken(len(self._ready), now - since)
        return key

    def _call_one(self) -> None:
        while self._idle:
            idle = self._idle.popleft()
            if not idle.done():
                idle.set_result(None)
                return

    def _pass_on(self, idle: asyncio.Future[None]) -> None:
        """A cancelled waiter must not take the call with it."""
        if idle in self._idle:
            self._idle.remove(idle)
        elif idle.done() and not idle.cancelled() and self._ready:
            self._call_one()

    def _seconds(self, when: datetime | float) -> float:
        if isinstance(when, datetime):
            return self._clock.monotonic() + (when - self._clock.now()).total_seconds()
        return when

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._calendar and not self.closed:
            wait = max(0.0, self._calendar[0][0] - self._clock.monotonic())
            self._timer = asyncio.get_running_loop().call_later(wait, self._ring)

    def _ring(self) -> None:
        """Make ready what is due; entries that an earlier wake or a hand-out made void are skipped."""
        now = self._clock.monotonic()
        while self._calendar and self._calendar[0][0] <= now:
            seconds, _, key = heapq.heappop(self._calendar)
            if self._wakes.get(key) == seconds:
                del self._wakes[key]
                self.add(key)
        self._set_timer()


def backoff(failures: int) -> float:
    """Seconds to wait after one more failure than *failures*."""
    longest: float = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** min(failures, 20))
    return longest
