"""Names under which the API server has something that we do not see, and never will: it lacks the label we watch by."""

from datetime import datetime, timedelta
from typing import Final

from rollouts.api.meta import Key

# What is only late is seen within this time: it may be our own, whose answer was lost.
PATIENCE: Final = timedelta(seconds=5)


class Namesakes:
    """Remembers since when a Rollout's create has found its name taken. It can be lost at any time."""

    def __init__(self) -> None:
        self._since: dict[Key, datetime] = {}

    def __len__(self) -> int:
        return len(self._since)

    def is_hidden(self, rollout: Key, now: datetime) -> bool:
        """The name is taken once more; whether it has been for so long that waiting to see by what is over."""
        return now - self._since.setdefault(rollout, now) >= PATIENCE

    def forget(self, rollout: Key) -> None:
        """The Rollout goes on, or is gone."""
        self._since.pop(rollout, None)
