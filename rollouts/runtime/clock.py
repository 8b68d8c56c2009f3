"""The only place that asks what time it is."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, Protocol

import structlog

log = structlog.get_logger("rollouts.runtime")

# dates on the wire are whole seconds, and answers take a moment to be looked at: less than this proves nothing
TOLERANCE: Final = timedelta(seconds=2)
_HALF: Final = timedelta(seconds=0.5)
_SECOND: Final = timedelta(seconds=1)

# counts time asleep too, where the system can: a suspended process must find its Lease expired when it wakes
_STEADY: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """Two views of time: a date for people and objects, seconds for deadlines."""

    def now(self) -> datetime:
        """The date, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean anything."""
        ...


class SystemClock:
    """The machine's time. *shift* moves the date, not the seconds: for rehearsing what happens on another day."""

    def __init__(self, shift: timedelta = timedelta()) -> None:
        self._shift = shift

    def now(self) -> datetime:
        """The date, in UTC."""
        return datetime.now(UTC) + self._shift  # noqa: TID251 (this is the clock)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.clock_gettime(_STEADY)


class ServerClock:
    """A clock that shows the date of a server, as its answers tell it, for all who write dates for each other there.

    Until it has heard of one, and where *own* is right to within TOLERANCE, it shows the date of *own*.
    """

    def __init__(self, own: Clock) -> None:
        self._own = own
        self._ahead = timedelta()
        self._heard = ""

    def now(self) -> datetime:
        """The date, in UTC."""
        return self._own.now() + self._ahead

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return self._own.monotonic()

    def hear(self, header: str, seconds: float) -> None:
        """Take in the `Date` of an answer to a question that was asked *seconds* ago. What is no date is ignored."""
        if header == self._heard:
            return
        self._heard = header
        try:
            date = parsedate_to_datetime(header).astimezone(UTC)
        except ValueError:
            return
        now = self.now()
        if now - timedelta(seconds=seconds) - _SECOND - TOLERANCE <= date <= now + TOLERANCE:
            return
        self._ahead = date + _HALF - self._own.now()
        # as the machine's own clock goes wrong or is set right
        log.warning("dates are the API server's: our clock differs", seconds=round(-self._ahead.total_seconds(), 1))
