"""What really happened in a namespace: every version of its objects, by watches that nothing disturbs."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec

from rollouts.api.kinds import ANALYSIS_RUN, HTTP_ROUTE, INGRESS, REPLICA_SET, ROLLOUT
from rollouts.api.meta import Kind, Metadata, Object
from rollouts.kube.client import Client
from rollouts.kube.informer import Event, Informer
from rollouts.runtime.lifecycle import background

KINDS = (ROLLOUT, REPLICA_SET, ANALYSIS_RUN, INGRESS, HTTP_ROUTE)
CANARY = "nginx.ingress.kubernetes.io/canary"
WEIGHT = "nginx.ingress.kubernetes.io/canary-weight"


class Change(NamedTuple):
    """One version of one object; *what* is ADDED, MODIFIED or DELETED. *at* is of the loop's clock."""

    at: float
    kind: Kind
    what: str
    body: dict[str, Any]

    @property
    def name(self) -> str:
        """The object's."""
        return str(self.body["metadata"]["name"])


class Chronicle:
    """All changes in the order in which they were seen: of one object without a gap, of several nearly so."""

    def __init__(self) -> None:
        self.changes: list[Change] = []

    def note(self, kind: Kind, event: Event[Object]) -> None:
        """Take in one change."""
        found = event.new or event.old
        assert found is not None
        at = asyncio.get_running_loop().time()
        self.changes.append(Change(at, kind, event.type.value, dict(found.raw)))

    def of(self, kind: Kind) -> list[Change]:
        """The changes of one kind."""
        return [change for change in self.changes if change.kind == kind]

    def created(self, kind: Kind) -> list[str]:
        """Names of what came into being."""
        return [change.name for change in self.of(kind) if change.what == "ADDED"]

    def weights(self) -> list[int]:
        """The canary's weights at the router, each once as long as it lasts: of an nginx Ingress or an HTTPRoute."""
        routes = (change.body for change in self.changes if change.kind in {INGRESS, HTTP_ROUTE})
        return _distinct(weight for body in routes for weight in _weights(body))

    def steps(self) -> list[int]:
        """The Rollout's steps by its status, each once as long as it lasts."""
        return _distinct(
            change.body["status"]["currentStepIndex"]
            for change in self.of(ROLLOUT)
            if change.body.get("status", {}).get("currentStepIndex") is not None
        )

    def phases(self) -> list[str]:
        """The Rollout's phases, each once as long as it lasts."""
        found = (change.body.get("status", {}).get("phase") for change in self.of(ROLLOUT))
        return _distinct(phase for phase in found if phase)

    def most_pods(self) -> int:
        """The most pods that all ReplicaSets together wanted at one time."""
        wanted: dict[str, int] = {}
        most = 0
        for change in self.of(REPLICA_SET):
            wanted[change.name] = 0 if change.what == "DELETED" else change.body["spec"]["replicas"]
            most = max(most, sum(wanted.values()))
        return most


def _weights(body: dict[str, Any]) -> list[int]:
    annotations = body["metadata"].get("annotations", {})
    if annotations.get(CANARY) == "true":
        return [int(annotations.get(WEIGHT, 0))]
    rules = body["spec"].get("rules", []) if body.get("kind") == "HTTPRoute" else []
    backends = [backend for rule in rules for backend in rule.get("backendRefs", [])]
    return [backend.get("weight", 1) for backend in backends if backend["name"] == "canary"][:1]


def _distinct(found: Iterable[Any]) -> list[Any]:
    kept: list[Any] = []
    for one in found:
        if not kept or kept[-1] != one:
            kept.append(one)
    return kept


@asynccontextmanager
async def chronicle(client: Client, namespace: str) -> AsyncIterator[Chronicle]:
    """Write down what happens while the body runs."""
    found = Chronicle()
    informers = [_informer(client, namespace, kind, found.note) for kind in KINDS]
    async with background(**{informer.kind.plural: informer.run() for informer in informers}):
        for informer in informers:
            await informer.synced()
        yield found


def _informer(
    client: Client, namespace: str, kind: Kind, note: Callable[[Kind, Event[Object]], None]
) -> Informer[Object]:
    def read(body: bytes) -> Object:
        raw = msgspec.json.decode(body, type=dict[str, Any])
        return Object(msgspec.convert(raw["metadata"], Metadata), {"kind": kind.name, **raw})

    return Informer(kind, read, client=client, namespace=namespace, on_event=lambda event: note(kind, event))
