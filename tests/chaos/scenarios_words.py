"""The words of a scenario: what is applied, what a person does and what they wait for before, where it ends.

All are values. Nothing here knows of faults; `campaign_play` plays a scenario with and without them. In manifests
and patches `$NS` stands for the namespace, `$METRICS` for the address of the scenario's own metric server and `$NOW`
for the time at which a person sends them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from rollouts.api.kinds import (
    ANALYSIS_TEMPLATE,
    DEPLOYMENT,
    GATEWAY,
    HTTP_ROUTE,
    INGRESS,
    ROLLOUT,
    SERVICE,
    STATEFUL_SET,
)
from rollouts.api.meta import Kind
from tests.e2e.scene import rollout

KINDS = {
    kind.name: kind
    for kind in (ROLLOUT, DEPLOYMENT, STATEFUL_SET, SERVICE, INGRESS, HTTP_ROUTE, GATEWAY, ANALYSIS_TEMPLATE)
}
Json = dict[str, Any]


class World(Protocol):
    """What a person sees of the scenario's namespace."""

    def found(self, kind: str, name: str) -> Json:
        """An object as it is now; {} where there is none."""
        ...

    def all(self, kind: str) -> list[Json]:
        """All objects of a kind."""
        ...


class Condition(Protocol):
    """What a person waits for."""

    def holds(self, world: World) -> bool:
        """Whether it is so now."""
        ...


# conditions


def current(world: World, name: str = "web") -> Json:
    """The Rollout's status, if it was made from its present spec and workload; else {}."""
    found = world.found("Rollout", name)
    status = found.get("status", {})
    if not found or str(status.get("observedGeneration")) != str(found["metadata"].get("generation")):
        return {}
    ref = found["spec"].get("workloadRef")
    workload = world.found(ref["kind"], ref["name"]) if ref else {}
    return status if _is_of(status, workload) else {}


def _is_of(status: Json, workload: Json) -> bool:
    """Whether a status knows of the present template; a StatefulSet has a new generation with each partition, too."""
    if workload.get("kind") == "Deployment":
        return str(status.get("workloadObservedGeneration")) == str(workload["metadata"].get("generation"))
    if workload.get("kind") == "StatefulSet":
        found, generation = workload.get("status", {}), workload["metadata"].get("generation")
        seen = (found.get("observedGeneration"), found.get("updateRevision"))
        return seen == (generation, status.get("currentPodHash"))
    return True


@dataclass(frozen=True)
class Is:
    """The Rollout's phase, at the step *step* where one is named."""

    phase: str
    step: int | None = None

    def holds(self, world: World) -> bool:
        """Whether it is so now."""
        status = current(world)
        is_there = self.step is None or status.get("currentStepIndex") == self.step
        return is_there and status.get("phase") == self.phase


@dataclass(frozen=True)
class Weighs:
    """The canary's weight, verified."""

    weight: int

    def holds(self, world: World) -> bool:
        """Whether it is so now."""
        weights = current(world).get("canary", {}).get("weights") or {}
        return weights.get("canary", {}).get("weight") == self.weight and weights.get("verified") is not False


@dataclass(frozen=True)
class Pods:
    """Pods wanted and available of each revision, by the tag of its image; revisions not named have none."""

    wanted: Mapping[str, int]

    def holds(self, world: World) -> bool:
        """Whether it is so now."""
        sizes: dict[str, set[int]] = {}
        for one in world.all("ReplicaSet"):
            spec, status = one["spec"], one.get("status", {})
            tag = spec["template"]["spec"]["containers"][0]["image"].split(":")[-1]
            counts = {spec["replicas"], status.get("replicas", 0), status.get("availableReplicas", 0)}
            if counts != {0}:
                sizes[tag] = sizes.get(tag, set()) | counts
        return sizes == {tag: {count} for tag, count in self.wanted.items() if count}


@dataclass(frozen=True)
class Runs:
    """The phases of all AnalysisRuns, sorted."""

    phases: tuple[str, ...]

    def holds(self, world: World) -> bool:
        """Whether it is so now."""
        return sorted(one.get("status", {}).get("phase", "") for one in world.all("AnalysisRun")) == list(self.phases)


@dataclass(frozen=True)
class Gone:
    """There is no object of the kind (of that name, where one is given)."""

    kind: str
    name: str = ""

    def holds(self, world: World) -> bool:
        """Whether it is so now."""
        return not (world.found(self.kind, self.name) if self.name else world.all(self.kind))


@dataclass(frozen=True)
class Has:
    """A field of an object, by its path, has a value; None: it is not there."""

    kind: str
    name: str
    path: tuple[str, ...]
    value: Any

    def holds(self, world: World) -> bool:
        """Whether it is so now."""
        found: Any = world.found(self.kind, self.name)
        for part in self.path:
            found = found.get(part) if isinstance(found, Mapping) else None
        return bool(found == self.value)


# what a person does


@dataclass(frozen=True)
class Apply:
    """`kubectl apply` of manifests."""

    manifests: tuple[Json, ...]


@dataclass(frozen=True)
class Patch:
    """A merge patch, or a JSON patch where it is a list."""

    patch: Json | list[Json]
    kind: Kind = ROLLOUT
    name: str = "web"
    sub: str = ""


@dataclass(frozen=True)
class Delete:
    """`kubectl delete`; with an empty name the only object of the kind."""

    kind: Kind
    name: str = ""
    propagation: str = ""


@dataclass(frozen=True)
class Say:
    """What the metric server answers from now on."""

    value: Any
    status: int = 200


Act = Apply | Patch | Delete | Say


@dataclass(frozen=True)
class Beat:
    """Once *when* holds, *acts* happen, one after the other."""

    when: tuple[Condition, ...]
    acts: tuple[Act, ...]


@dataclass(frozen=True)
class Scenario:
    """A story with its beginning and its end. What is *given* is at rest, and *begins* holds, before *beats* start.

    *ends*: what holds when it is over. *writes*: at least so many writes the controller needs for it. *pods*: the
    fewest available and the most wanted pods that its spec allows at any time, where that never changes.
    *hurried*: pauses, by step, that a person ends before their time. *is_gradual*: weights follow pods as those get
    ready, or pods weights, so that where weights turn is compared and not what lies between. *flags* are the controller's.
    """

    name: str
    given: tuple[Json, ...]
    beats: tuple[Beat, ...]
    ends: tuple[Condition, ...]
    writes: int
    begins: tuple[Condition, ...] = (Is("Healthy"),)
    answers: Any = None
    pods: tuple[int, int] | None = None
    hurried: tuple[int, ...] = ()
    is_gradual: bool = False
    flags: tuple[str, ...] = field(default=())


def at_once(*acts: Act) -> Beat:
    """What happens first."""
    return Beat((), acts)


def when(*conditions: Condition) -> "Waiting":
    """`when(Is("Paused", 1)).then(promote())`."""
    return Waiting(conditions)


@dataclass(frozen=True)
class Waiting:
    """A beat that has no acts yet."""

    conditions: tuple[Condition, ...]

    def then(self, *acts: Act) -> Beat:
        """The beat."""
        return Beat(self.conditions, acts)


def image(tag: str, *, kind: Kind = ROLLOUT, name: str = "web") -> Patch:
    """What CI does: another image."""
    path = "/spec/template/spec/containers/0/image"
    return Patch([{"op": "replace", "path": path, "value": f"web:{tag}"}], kind, name)


def spec(**fields: Any) -> Patch:
    """Fields of the Rollout's spec."""
    return Patch({"spec": fields})


def status(**fields: Any) -> Patch:
    """Fields of the Rollout's status, as the kubectl plugin writes them."""
    return Patch({"status": fields}, sub="status")


def resume() -> Patch:
    """What `kubectl argo rollouts promote` sends at a pause."""
    return status(pauseConditions=None)


def canary(*steps: Json, replicas: int = 4, more: Json | None = None, **fields: Any) -> Json:
    """The Rollout `web` of image `web:v1`; *fields* are the strategy's, *more* the spec's."""
    strategy = {"canary": {"steps": list(steps), **fields}}
    return rollout(strategy, replicas=replicas, **(more or {}))


__all__ = [
    "KINDS", "Act", "Apply", "Beat", "Condition", "Delete", "Gone", "Has", "Is", "Json", "Patch", "Pods", "Runs", "Say",
    "Scenario", "Weighs", "World", "at_once", "canary", "current", "image", "resume", "spec", "status", "when",
]  # fmt: skip
