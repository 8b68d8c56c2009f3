"""How long things take in a simulated cluster: the same for the same seed, without a random number generator."""

from dataclasses import dataclass
from datetime import timedelta
from zlib import crc32

Span = tuple[float, float]
WHOLE = 0xFFFFFFFF


@dataclass(frozen=True)
class Lags:
    """Spans in seconds from which each delay is drawn by what it delays; equal ends make it fixed.

    *ready*: a new pod until it is ready. *counts*: a ReplicaSet's wanted size until its controller acts.
    *endpoints*: a change of pods or selectors until the EndpointSlice tells. *proxy*: a change of a route or of
    endpoints until the data plane acts by it. *gateway*: from there until the Gateway reports the route.
    *runs*: an AnalysisRun until its verdict. *going*: a deleted pod of a StatefulSet until it is gone.
    """

    seed: int = 0
    ready: Span = (1.0, 1.0)
    counts: Span = (0.0, 0.0)
    endpoints: Span = (0.0, 0.0)
    proxy: Span = (0.0, 0.0)
    gateway: Span = (0.0, 0.0)
    runs: Span = (2.0, 2.0)
    going: Span = (0.5, 0.5)

    def of(self, what: str, which: str, count: int) -> timedelta:
        """The delay of the *count*th *what* of *which*, in steps of a tenth of a second."""
        low, high = getattr(self, what)
        share = crc32(f"{self.seed}/{what}/{which}/{count}".encode()) / WHOLE
        return timedelta(seconds=round(low + (high - low) * share, 1))
