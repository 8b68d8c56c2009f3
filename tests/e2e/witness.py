"""What clients see of a release, written down by watches: weights, steps, and every pod that came or went."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from rollouts.api.kinds import ANALYSIS_RUN, POD, ROLLOUT
from rollouts.api.meta import Kind, Metadata, Object
from rollouts.kube.client import Client
from rollouts.kube.informer import Event, Informer
from rollouts.runtime.lifecycle import background

KINDS = (ROLLOUT, POD, ANALYSIS_RUN)


class Witness:
    """Changes of one namespace's Rollout, pods and AnalysisRuns, in the order in which they were seen."""

    def __init__(self) -> None:
        self._statuses: list[dict[str, Any]] = []
        self._pods: list[tuple[str, str, str]] = []
        self.runs: set[str] = set()

    def note(self, kind: Kind, event: Event[Object]) -> None:
        """Take in one change."""
        found = event.new or event.old
        assert found is not None
        body: dict[str, Any] = dict(found.raw)
        if kind == ROLLOUT:
            self._statuses.append(body.get("status", {}))
        elif kind == ANALYSIS_RUN:
            self.runs.add(body["metadata"]["name"])
        elif event.type.value in {"ADDED", "DELETED"} or body["metadata"].get("deletionTimestamp"):
            what = "came" if event.type.value == "ADDED" else "went"
            self._pods.append((what, body["metadata"]["name"], body["spec"]["containers"][0]["image"]))

    def came(self, image: str) -> set[str]:
        """Pods of an image that were there at the beginning or were created."""
        return {pod for what, pod, of in self._pods if what == "came" and of == image}

    def went(self, image: str) -> set[str]:
        """Pods of an image that were deleted."""
        return {pod for what, pod, of in self._pods if what == "went" and of == image}

    def weights(self) -> list[int]:
        """The canary's weights that the Rollout's status told, each once as long as it lasted."""
        found = (status.get("canary", {}).get("weights") for status in self._statuses)
        return distinct(weights["canary"]["weight"] for weights in found if weights)

    def steps(self) -> list[int]:
        """The steps, likewise."""
        found = (status.get("currentStepIndex") for status in self._statuses)
        return distinct(step for step in found if step is not None)


def distinct(found: Iterable[int]) -> list[int]:
    """Without repetitions of neighbours."""
    kept: list[int] = []
    for one in found:
        if not kept or kept[-1] != one:
            kept.append(one)
    return kept


@asynccontextmanager
async def witness(client: Client, namespace: str) -> AsyncIterator[Witness]:
    """Write down what happens while the body runs."""
    made = Witness()
    informers = [_informer(client, namespace, kind, made) for kind in KINDS]
    async with background(**{informer.kind.plural: informer.run() for informer in informers}):
        for informer in informers:
            await informer.synced()
        yield made


def _informer(client: Client, namespace: str, kind: Kind, made: Witness) -> Informer[Object]:
    def read(body: bytes) -> Object:
        raw = msgspec.json.decode(body, type=dict[str, Any])
        return Object(msgspec.convert(raw["metadata"], Metadata), {"kind": kind.name, **raw})

    return Informer(kind, read, client=client, namespace=namespace, on_event=lambda event: made.note(kind, event))
