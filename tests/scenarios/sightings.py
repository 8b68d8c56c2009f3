"""A simulation in the form of a recording: every version of every object, and the Events."""

import json
from collections.abc import Iterator
from typing import Any

from rollouts.simulator.timeline import Simulation


def rows(simulation: Simulation, namespace: str) -> Iterator[dict[str, Any]]:
    """One row for each thing that a client would have seen, with the greeting of a controller in *namespace*."""
    yield _event("Normal", "RolloutAddedToInformer", f"Rollout resource added to informer: {namespace}/web")
    for moment in simulation.moments:
        for event in moment.events:
            yield _event("Warning" if event.is_warning else "Normal", event.reason, event.message)
    for _, ref, raw in simulation.world.objects.history:
        if not _is_of_a_deployment(ref.name, ref.kind.name):
            seen = {"deleted": True} if raw is None else {"object": _placed(raw, namespace)}
            yield {"kind": ref.kind.name, "name": ref.name, **seen}


def _placed(raw: dict[str, Any], namespace: str) -> dict[str, Any]:
    """The object with *namespace* where it names the simulator's own, as affinities do."""
    placed: dict[str, Any] = json.loads(
        json.dumps(raw).replace('"namespaces": ["default"]', f'"namespaces": ["{namespace}"]')
    )
    return placed


def _event(kind: str, reason: str, message: str) -> dict[str, Any]:
    return {"event": {"type": kind, "reason": reason, "message": message, "regarding": "Rollout/web"}}


def _is_of_a_deployment(name: str, kind: str) -> bool:
    return kind == "ReplicaSet" and not name.startswith("web-")
