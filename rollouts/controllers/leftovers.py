"""Series of requests about what is gone: dropped once the last requests about it are surely over."""

from collections.abc import Callable, Collection
from typing import Any, Final

from rollouts.api.meta import Key, Kind
from rollouts.kube.store import Event
from rollouts.kube.watch import Change
from rollouts.runtime.metrics import RequestMetrics

# Argo Rollouts behaviour: series of deleted objects go 65 s later
LINGERING: Final = 65.0


class Leftovers:
    """What was deleted, and when by *seconds*, a clock that never goes back."""

    def __init__(self, requests: RequestMetrics, seconds: Callable[[], float]) -> None:
        self._requests = requests
        self._seconds = seconds
        self._gone: dict[tuple[Kind, Key], float] = {}

    def hear(self, kind: Kind, event: Event[Any]) -> None:
        """Take in a change: what was deleted may be created anew under the same name."""
        if event.type is Change.DELETED:
            self._gone[kind, event.key] = self._seconds()
        else:
            self._gone.pop((kind, event.key), None)

    def tidy(self, namespaces: Collection[str]) -> None:
        """Drop the series of what has been gone for long enough, and of all namespaces but these."""
        before = self._seconds() - LINGERING
        for (kind, key), since in tuple(self._gone.items()):
            if since <= before:
                del self._gone[kind, key]
                self._requests.forget(kind.plural, *key)
        self._requests.keep(set(namespaces))
