"""Names under which the API server has something that we do not see, and never will: it lacks the label we watch by."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from rollouts.api.meta import Key

# What is only late is seen within this time: it may be our own, whose answer was lost. Bookmarks come every minute.
PATIENCE: Final = timedelta(seconds=90)


class _Taken(NamedTuple):
    """When a name was first found taken, and what we had seen by then."""

    at: datetime
    version: str


class Namesakes:
    """Remembers since when a Rollout's create has found its name taken. It can be lost at any time."""

    def __init__(self) -> None:
        self._since: dict[Key, _Taken] = {}

    def __len__(self) -> int:
        return len(self._since)

    def is_hidden(self, rollout: Key, version: str, now: datetime) -> bool:
        """The name is taken once more, while we see everything up to *version*: whether we ought to see by what.

        Not while nothing new is seen: then the watch may be what is late.
        """
        taken = self._since.setdefault(rollout, _Taken(now, version))
        return now - taken.at >= PATIENCE and version != taken.version

    def forget(self, rollout: Key) -> None:
        """The Rollout goes on, or is gone."""
        self._since.pop(rollout, None)
