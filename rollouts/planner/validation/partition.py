"""Rollouts of StatefulSets: what is refused, each with its reason, and the names of their Services."""

from collections.abc import Iterator
from typing import Final

from rollouts.api import keys
from rollouts.api.kinds import STATEFUL_SET
from rollouts.api.meta import Json
from rollouts.api.model import Problem
from rollouts.api.rollout import CanaryStrategy, Rollout, RolloutSpec
from rollouts.api.workloads import Service, StatefulSet
from rollouts.planner.validation.shown import required

WORKLOAD: Final = "spec.workloadRef"
ROUTER: Final = "spec.strategy.canary.trafficRouting.statefulSet"
ONE_SET: Final = "a StatefulSet has one set of pods, released by its partition: use strategy canary"
NO_ROUTER: Final = "a StatefulSet is released by its partition only: write `statefulSet: {}`"
NO_PORTS: Final = (
    "a Service is to be made, and nothing says for which ports: name some in the StatefulSet's containers, or in the "
    "Service that its serviceName names"
)
NO_WINDOW: Final = "nothing remembers which revisions of a StatefulSet were good: remove it, or promote in full"
IN_TEMPLATE: Final = "the pods are the StatefulSet's own: write it into its template"
NO_PLACE: Final = "a StatefulSet has one place for each pod, and every new one takes an old one's: remove it"
MEANINGLESS: Final = {
    "dynamicStableScale": ("dynamic_stable_scale", NO_PLACE),
    "minPodsPerReplicaSet": ("min_pods_per_replica_set", NO_PLACE),
    "replicaProgressThreshold": ("replica_progress_threshold", NO_PLACE),
    "antiAffinity": ("anti_affinity", IN_TEMPLATE),
    "canaryMetadata": ("canary_metadata", IN_TEMPLATE),
    "stableMetadata": ("stable_metadata", IN_TEMPLATE),
}
# What a canary of ReplicaSets needs and a partition has no use for: harmless, so that it is said and not refused.
IGNORED: Final = {
    "maxSurge": "max_surge",
    "maxUnavailable": "max_unavailable",
    "scaleDownDelaySeconds": "scale_down_delay_seconds",
    "scaleDownDelayRevisionLimit": "scale_down_delay_revision_limit",
    "abortScaleDownDelaySeconds": "abort_scale_down_delay_seconds",
}
NO_RESTART: Final = "change an annotation in the StatefulSet's template, which is then released in steps; remove this"
ON_DELETE: Final = "pods must be replaced by a partition: set updateStrategy.type of the StatefulSet to RollingUpdate"


def is_partitioned(spec: RolloutSpec) -> bool:
    """The workload is a StatefulSet."""
    return spec.workload_ref is not None and spec.workload_ref.kind == STATEFUL_SET.name


def partition_problems(spec: RolloutSpec) -> Iterator[Problem]:
    """A StatefulSet without its router, the router without a StatefulSet, and strategies that no partition serves."""
    canary = spec.strategy.canary
    has_router = bool(canary and canary.traffic_routing and canary.traffic_routing.stateful_set is not None)
    if not is_partitioned(spec):
        if has_router:
            yield Problem(ROUTER, None, "spec.workloadRef names no StatefulSet: name one, or remove this", "Forbidden")
        return
    if spec.strategy.blue_green is not None:
        yield Problem("spec.strategy.blueGreen", None, ONE_SET, "Forbidden")
    elif not has_router:
        yield required(ROUTER, NO_ROUTER)
    yield from _meaningless(spec, canary or CanaryStrategy())


def _meaningless(spec: RolloutSpec, canary: CanaryStrategy) -> Iterator[Problem]:
    """What could not be carried out, and would else be ignored."""
    if spec.rollback_window is not None:
        yield Problem("spec.rollbackWindow", None, NO_WINDOW, "Forbidden")
    for name, (field, why) in MEANINGLESS.items():
        if getattr(canary, field):
            yield Problem(f"spec.strategy.canary.{name}", None, why, "Forbidden")


def ignored_fields(canary: CanaryStrategy) -> tuple[str, ...]:
    """Fields that are written and that count for nothing with a StatefulSet."""
    return tuple(name for name, field in IGNORED.items() if field in canary.model_fields_set)


def with_services(spec: RolloutSpec, rollout: Rollout) -> RolloutSpec:
    """*spec* with names for the two Services of a StatefulSet's revisions, where a router beside it needs them."""
    canary = spec.strategy.canary
    if canary is None or not is_partitioned(spec) or not _needs_services(canary):
        return spec
    name = rollout.metadata.name
    named = {
        "stable_service": canary.stable_service or f"{name}-stable",
        "canary_service": canary.canary_service or f"{name}-canary",
    }
    strategy = spec.strategy.model_copy(update={"canary": canary.model_copy(update=named)})
    return spec.model_copy(update={"strategy": strategy})


def _needs_services(canary: CanaryStrategy) -> bool:
    """Somebody but the partition splits the traffic, or a person asked for one of the Services by name."""
    routing = canary.traffic_routing
    written = routing.model_fields_set - {"stateful_set", "managed_routes", "max_traffic_weight"} if routing else ()
    return bool(canary.stable_service or canary.canary_service or any(getattr(routing, name) for name in written))


def held_problems(spec: RolloutSpec, rollout: Rollout) -> Iterator[Problem]:
    """The reference was moved away from a StatefulSet whose partition is still to be given back; or a restart."""
    held = rollout.status.partition.workload if rollout.status.partition else ""
    now = spec.workload_ref.name if spec.workload_ref and is_partitioned(spec) else ""
    if held and held != now:
        detail = f"StatefulSet {held} is still in this Rollout's care: name it again, or delete the Rollout first"
        yield Problem(f"{WORKLOAD}.name", now or None, detail)
    if now and spec.restart_at is not None and spec.restart_at != rollout.status.restarted_at:
        yield Problem("spec.restartAt", None, NO_RESTART, "Forbidden")


def stateful_set_problems(found: StatefulSet, rollout: Rollout) -> Iterator[Problem]:
    """Why *found* cannot be released by its partition, or not by *rollout*."""
    name = found.metadata.name
    owner = found.metadata.controller
    if owner is not None:
        detail = f"{owner.kind} {owner.name} controls it: whoever made it orders its updates, and would undo ours"
        yield Problem(f"{WORKLOAD}.name", name, detail)
    if found.spec.update_strategy.type != "RollingUpdate":
        yield Problem(f"{WORKLOAD}.name", name, f"its updateStrategy is {found.spec.update_strategy.type}: {ON_DELETE}")
    other = found.metadata.annotations.get(keys.PARTITION_MANAGED_BY, rollout.metadata.name)
    if other != rollout.metadata.name:
        detail = f"Rollout {other} moves its partition already: if there is none, remove annotation "
        yield Problem(f"{WORKLOAD}.name", name, f"{detail}{keys.PARTITION_MANAGED_BY} from the StatefulSet")


def own_service_problems(
    path: str, service: Service | None, rollout: Rollout, ports: tuple[Json, ...]
) -> Iterator[Problem]:
    """A Service under a name that ours shall have, and that is not ours: users' Services are never edited.

    *ports* are what one that is still to be made would have.
    """
    if service is None and not ports:
        yield Problem(path, None, NO_PORTS)
    if service is None or service.metadata.annotations.get(keys.MANAGED_BY) == rollout.metadata.name:
        return
    name = service.metadata.name
    detail = "it exists and is not this Rollout's, which makes Services of its own for the revisions of a StatefulSet"
    yield Problem(path, name, f"{detail}: name another, or delete it")
