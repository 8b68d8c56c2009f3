"""Rollouts that cannot be looked at for long: a kind may not be listed, an object not be read. People are told."""

from datetime import datetime, timedelta
from typing import Final

from rollouts.api.meta import Key

# Our own writes are seen within this time, or no longer waited for.
LONG: Final = timedelta(seconds=60)


class Standstill:
    """Remembers since when each Rollout waits, and for what. It can be lost at any time: then it is told once more."""

    def __init__(self) -> None:
        self._since: dict[Key, tuple[str, datetime]] = {}
        self._told: dict[Key, str] = {}

    def __len__(self) -> int:
        return len(self._since.keys() | self._told.keys())

    def is_news(self, key: Key, why: str, now: datetime) -> bool:
        """Whether *key* has waited long because of *why*, and nobody has been told."""
        before, since = self._since.setdefault(key, (why, now))
        if before != why:
            self._since[key] = (why, now)
            return False
        if now - since < LONG or self._told.get(key) == why:
            return False
        self._told[key] = why
        return True

    def forget(self, key: Key) -> None:
        """It goes on, or is gone."""
        self._since.pop(key, None)
        self._told.pop(key, None)
