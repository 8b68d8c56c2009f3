"""Whether a server answers: noticed from the requests that are made anyway."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

log = structlog.get_logger("rollouts.runtime")

# a restart of one of several servers is none of anybody's business
GRACE: Final = 2.0
# who waits longest between two tries waits less; a failure that nothing followed says nothing of today
RECENT: Final = 60.0


@dataclass
class _Track:
    """Failures in a row."""

    since: float
    last: float


class Contact:
    """What is known of the server's health. *seconds* is a clock that never goes back.

    Reads and writes are told apart: a server that has lost its store, or has no room left in it, may still read.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._tracks: dict[str, _Track] = {}
        self._complained_at: float | None = None

    def hear(self, status: int, *, is_write: bool = False) -> None:
        """Take in what a request was answered with: an HTTP status, or 0 for nothing."""
        name, now = "writes" if is_write else "reads", self._seconds()
        if status == 0 or status >= 500:
            track = self._tracks.setdefault(name, _Track(now, now))
            self._tracks[name] = _Track(now if now - track.last > RECENT else track.since, now)
        else:
            self._tracks.pop(name, None)
        self._tell(now)

    @property
    def trouble(self) -> str:
        """What is wrong at this moment, in words; "" for nothing."""
        now = self._seconds()
        bad = {name: track.since for name, track in self._tracks.items() if _is_bad(track, now)}
        if not bad:
            return ""
        return f"the API server has answered no {' and no '.join(sorted(bad))} for {now - min(bad.values()):.0f} s"

    def _tell(self, now: float) -> None:
        """Log when trouble begins and when it ends."""
        trouble = self.trouble
        if trouble and self._complained_at is None:
            self._complained_at = now
            log.warning("trouble with the API server", why=trouble)
        if not trouble and self._complained_at is not None:
            log.info("the API server answers again", after=round(now - self._complained_at + GRACE, 1))
            self._complained_at = None


def _is_bad(track: _Track, now: float) -> bool:
    return now - track.last <= RECENT and now - track.since >= GRACE
