"""What Prometheus hears of Rollouts: counts of what was done. How they are now is collected in `inventory`."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from time import perf_counter
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from rollouts.api.meta import Key
from rollouts.api.rollout import RolloutDuration
from rollouts.runtime.metrics import RequestMetrics

_RECONCILE: Final = (0.01, 0.15, 0.25, 0.5, 1.0)
_TOTAL: Final = (30, 60, 120, 180, 300, 600, 900, 1800, 2700, 3600, 5400, 7200, 10800, 14400, 21600, 28800)
_PROGRESSION: Final = (30, 60, 120, 180, 300, 450, 600, 900, 1200, 1800, 2400, 3000, 3600)
_PAUSE: Final = (0, 60, 300, 600, 1800, 3600, 7200, 14400, 28800)


class ReconcileMetrics:
    """How long reconciles of one kind take and how many failed; *subject* is `rollout` or `analysis_run`."""

    def __init__(self, subject: str, registry: CollectorRegistry) -> None:
        labels = ["namespace", "name"]
        text = subject.replace("_", " ")
        self._took = Histogram(
            f"{subject}_reconcile", f"Seconds a {text} reconcile takes", labels, buckets=_RECONCILE, registry=registry
        )
        # a gauge, because the library would add `_total` to a counter's name, and dashboards know it without
        self._failed = Gauge(
            f"{subject}_reconcile_error", f"Errors while reconciling a {text}", labels, registry=registry
        )

    @contextmanager
    def timed(self, key: Key) -> Iterator[None]:
        """Measure the body, whatever its end."""
        began = perf_counter()
        try:
            yield
        finally:
            self._took.labels(*key).observe(perf_counter() - began)

    def failed(self, key: Key) -> None:
        """Count one error."""
        self._failed.labels(*key).inc()

    def forget(self, key: Key) -> None:
        """Drop the series of a deleted object."""
        for family in (self._took, self._failed):
            with suppress(KeyError):
                family.remove(*key)


class RolloutMetrics:
    """Events said and releases ended."""

    def __init__(self, registry: CollectorRegistry, requests: RequestMetrics) -> None:
        labels = ["namespace", "name"]
        self.reconciles = ReconcileMetrics("rollout", registry)
        self._requests = requests
        self._events = Counter("rollout_events", "Events of a Rollout", [*labels, "type", "reason"], registry=registry)
        by_end = [*labels, "status"]
        self._total = _histogram("rollout_duration_seconds", "From a release's start to its end", by_end, _TOTAL)
        self._progression = _histogram(
            "rollout_progression_duration_seconds", "A release without its manual pauses", by_end, _PROGRESSION
        )
        self._paused = _histogram(
            "rollout_manual_pause_duration_seconds", "A release's pauses that a person had to end", by_end, _PAUSE
        )
        for durations in (self._total, self._progression, self._paused):
            registry.register(durations)

    def said(self, key: Key, reason: str, *, warning: bool) -> None:
        """Count one Event."""
        self._events.labels(*key, "Warning" if warning else "Normal", reason).inc()

    def ended(self, key: Key, record: RolloutDuration) -> None:
        """Take in how long a release took, once it is over."""
        if record.rollout_started_at is None or record.finished_at is None:
            return
        total = (record.finished_at - record.rollout_started_at).total_seconds()
        paused = record.total_manual_pause_duration_seconds or 0
        labels = (*key, record.completion_status)
        self._total.labels(*labels).observe(total)
        self._progression.labels(*labels).observe(max(0.0, total - paused))
        self._paused.labels(*labels).observe(paused)

    def forget(self, key: Key) -> None:
        """Drop the series of a deleted Rollout."""
        self.reconciles.forget(key)
        self._requests.forget("rollouts", *key)
        _drop((self._events, self._total, self._progression, self._paused), key)


def _histogram(name: str, text: str, labels: list[str], buckets: tuple[float, ...]) -> Histogram:
    return Histogram(name, text, labels, buckets=buckets, registry=None)


def _drop(families: Iterable[Any], key: Key) -> None:
    for family in families:
        family.remove_by_labels({"namespace": key.namespace, "name": key.name})
