"""Prometheus metrics of the machinery, under the names and labels that dashboards for client-go expect."""

import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# of these kinds every update makes objects with new names: a series for each would never end; and what secrets are
# called is nobody's business who may read metrics
_NAMELESS: Final = frozenset({"events", "replicasets", "analysisruns", "jobs", "experiments", "secrets"})
_QUEUE_BUCKETS: Final = tuple(10.0**power for power in range(-8, 4))


class Requested(Protocol):
    """A finished request to the API server, as the kube client reports it."""

    @property
    def kind(self) -> str:
        """The plural."""
        ...

    @property
    def namespace(self) -> str:
        """Empty for all namespaces."""
        ...

    @property
    def name(self) -> str:
        """Empty for lists."""
        ...

    @property
    def verb(self) -> str:
        """List, Watch, Get, Create, Update, Patch or Delete."""
        ...

    @property
    def status(self) -> int:
        """The HTTP status; 0 where no answer came."""
        ...


class RequestMetrics:
    """Counts requests to the API server, with the labels of Argo Rollouts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._total = Counter(
            "controller_clientset_k8s_request",
            "Requests to the Kubernetes API server by kind, verb and status code",
            ["kind", "namespace", "name", "verb", "status_code"],
            registry=registry,
        )
        self._namespaces: set[str] = set()

    def observe(self, call: Requested) -> None:
        """Count one request."""
        self._namespaces.add(call.namespace)
        name = "N/A" if call.verb == "List" or call.kind in _NAMELESS else call.name
        self._total.labels(call.kind, call.namespace, name, call.verb, str(call.status)).inc()

    def forget(self, kind: str, namespace: str, name: str) -> None:
        """Drop the series of a deleted object. Argo Rollouts does so 65 s after the deletion."""
        self._total.remove_by_labels({"kind": kind, "namespace": namespace, "name": name})

    def keep(self, namespaces: set[str]) -> None:
        """Drop the series of all other namespaces: those of a cluster come and go."""
        for gone in self._namespaces - namespaces:
            self._total.remove_by_labels({"namespace": gone})
        self._namespaces &= namespaces


class QueueMetrics:
    """The `workqueue_*` families, one child per queue."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.depth = Gauge("workqueue_depth", "Current depth of workqueue", ["name"], registry=registry)
        self.adds = Counter("workqueue_adds", "Total number of adds handled by workqueue", ["name"], registry=registry)
        self.waited = _seconds("workqueue_queue_duration_seconds", "How long an item stays in workqueue", registry)
        self.worked = _seconds("workqueue_work_duration_seconds", "How long processing an item takes", registry)
        self.retries = Counter("workqueue_retries", "Total number of retries handled", ["name"], registry=registry)
        self.unfinished = Gauge(
            "workqueue_unfinished_work_seconds",
            "Seconds of work in progress that work_duration has not observed yet",
            ["name"],
            registry=registry,
        )
        self.longest = Gauge(
            "workqueue_longest_running_processor_seconds",
            "Seconds that the longest running processor has been running",
            ["name"],
            registry=registry,
        )

    def meter(self, name: str) -> "QueueMeter":
        """The meter for the queue *name*."""
        return QueueMeter(self, name)


class QueueMeter:
    """Passes on what one queue goes through; holds its children, because looking labels up costs more."""

    def __init__(self, metrics: QueueMetrics, name: str) -> None:
        self._name = name
        self._metrics = metrics
        self._depth = metrics.depth.labels(name)
        self._adds = metrics.adds.labels(name)
        self._waited = metrics.waited.labels(name)
        self._worked = metrics.worked.labels(name)
        self._retries = metrics.retries.labels(name)

    def added(self, depth: int) -> None:
        """A key became ready."""
        self._adds.inc()
        self._depth.set(depth)

    def taken(self, depth: int, waited: float) -> None:
        """A key was handed out."""
        self._depth.set(depth)
        self._waited.observe(waited)

    def done(self, worked: float) -> None:
        """A key was given back."""
        self._worked.observe(worked)

    def retried(self) -> None:
        """A key was put off."""
        self._retries.inc()

    def watch(self, in_hand: Callable[[], Mapping[object, float]], clock: Callable[[], float] = time.monotonic) -> None:
        """Compute the gauges of work in progress at each scrape, from when each key was handed out."""

        def ages() -> list[float]:
            now = clock()
            return [now - since for since in in_hand().values()]

        self._metrics.unfinished.labels(self._name).set_function(lambda: sum(ages()))
        self._metrics.longest.labels(self._name).set_function(lambda: max(ages(), default=0.0))


def _seconds(name: str, text: str, registry: CollectorRegistry) -> Histogram:
    return Histogram(name, text, ["name"], buckets=_QUEUE_BUCKETS, registry=registry)
