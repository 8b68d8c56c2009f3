"""Fields of the API that this version does not carry out: refused with a sentence, never half-done or ignored.

One row each. Whoever builds a feature deletes its row.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from rollouts.api.model import Problem
from rollouts.api.rollout import Rollout, RolloutSpec

Asks = Callable[[RolloutSpec], bool]


class Unserved(NamedTuple):
    """*path* of a field, what to do instead, and whether a specification asks for it."""

    path: str
    instead: str
    is_asked: Asks


def _canary_has(name: str) -> Asks:
    return lambda spec: spec.strategy.canary is not None and bool(getattr(spec.strategy.canary, name))


UNSERVED: Final[tuple[Unserved, ...]] = (
    Unserved(
        "spec.strategy.canary.pingPong",
        "use stableService and canaryService",
        _canary_has("ping_pong"),
    ),
    Unserved(
        "spec.strategy.canary.antiAffinity",
        "write the affinity into spec.template",
        _canary_has("anti_affinity"),
    ),
    Unserved(
        "spec.strategy.canary.canaryMetadata",
        "tell revisions apart by label rollouts-pod-template-hash",
        _canary_has("canary_metadata"),
    ),
    Unserved(
        "spec.strategy.canary.stableMetadata",
        "tell revisions apart by label rollouts-pod-template-hash",
        _canary_has("stable_metadata"),
    ),
)
RESTART: Final = (
    "this version does not restart pods: remove it (set it to null), and change an annotation in spec.template instead"
)
# Kinds that workloadRef may name in Argo Rollouts or will be able to name here.
WORKLOADS: Final = {
    "ReplicaSet": "this version takes the template of a Deployment, not of a ReplicaSet: write it into spec.template",
    "PodTemplate": "this version takes the template of a Deployment, not a PodTemplate: write it into spec.template",
}


def unserved_problems(spec: RolloutSpec) -> Iterator[Problem]:
    """Every unserved field that *spec* asks for."""
    for row in UNSERVED:
        if row.is_asked(spec):
            yield Problem(row.path, None, f"this version does not carry it out: {row.instead}", "Forbidden")


def restart_problems(spec: RolloutSpec, rollout: Rollout) -> Iterator[Problem]:
    """A restart that is still to be done: not one that is history, nor one of a Rollout that has no pods yet."""
    status = rollout.status
    if spec.restart_at is not None and status.current_pod_hash and spec.restart_at != status.restarted_at:
        yield Problem("spec.restartAt", None, RESTART, "Forbidden")
