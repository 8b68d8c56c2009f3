"""The only place that asks what time it is."""

import time
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

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
