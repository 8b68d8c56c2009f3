"""`strategy.canary` without its steps: what contradicts itself. Texts are Argo Rollouts', paths leave `canary` out."""

from collections.abc import Collection, Iterator
from typing import Final

from rollouts.api.meta import Json
from rollouts.api.model import Problem
from rollouts.api.rollout import CanaryStrategy
from rollouts.planner.validation.shown import shown
from rollouts.wire.intorstring import percent_or_int, resolve

PATH: Final = "spec.strategy"
# Under `trafficRouting` beside the routers.
NO_ROUTERS: Final = frozenset({"managedRoutes", "maxTrafficWeight", "plugins"})
THRESHOLD_TYPES: Final = ("Percent", "Percentage", "Pods")
NEEDS_SERVICES: Final = "Canary service and Stable service must to be set to use Traffic Routing"
SAME_SERVICE: Final = (
    "This rollout uses the same service for the stable and canary services, but two different services are required."
)


def canary_problems(canary: CanaryStrategy, routing: Json | None) -> Iterator[Problem]:
    """What is wrong in *canary*; *routing* is its `trafficRouting` as written, None when absent."""
    yield from _fencepost_problems(canary)
    yield from _service_problems(canary, routing)
    yield from _routing_problems(canary)
    yield from _weight_problems(canary)
    yield from _negative_problems(canary)
    yield from _threshold_problems(canary)


def routers_of(routing: Json) -> tuple[str, ...]:
    """The keys of first-class routers in `trafficRouting`, as written."""
    return tuple(key for key, value in routing.items() if value is not None and key not in NO_ROUTERS)


def _fencepost_problems(canary: CanaryStrategy) -> Iterator[Problem]:
    for name, value in (("maxSurge", canary.max_surge), ("maxUnavailable", canary.max_unavailable)):
        try:
            pods = resolve(value, 100, round_up=True)
        except ValueError as wrong:
            yield Problem(f"{PATH}.{name}", value, str(wrong))
            return
        if pods < 0:
            yield Problem(f"{PATH}.{name}", value, "must be greater than or equal to 0")
    if percent_or_int(canary.max_surge) == percent_or_int(canary.max_unavailable) == 0:
        yield Problem(f"{PATH}.maxSurge", canary.max_surge, "MaxSurge and MaxUnavailable both can not be zero")


def _service_problems(canary: CanaryStrategy, routing: Json | None) -> Iterator[Problem]:
    if canary.stable_service and canary.stable_service == canary.canary_service:
        yield Problem(f"{PATH}.stableService", canary.stable_service, SAME_SERVICE)
    if routing is None or not _needs_services(canary, routers_of(routing)):
        return
    for name, service in (("stableService", canary.stable_service), ("canaryService", canary.canary_service)):
        if not service:
            yield Problem(f"{PATH}.{name}", service, NEEDS_SERVICES)


def _needs_services(canary: CanaryStrategy, routers: Collection[str]) -> bool:
    """Every first-class router splits between two Services, unless it splits by subsets or by ping and pong."""
    istio = canary.traffic_routing.istio if canary.traffic_routing else None
    spared = {"statefulSet"}
    if canary.ping_pong is not None:
        spared |= {"alb", "istio"}
    if istio is not None and istio.destination_rule is not None:
        spared.add("istio")
    return any(router not in spared for router in routers)


def _routing_problems(canary: CanaryStrategy) -> Iterator[Problem]:
    dynamic, delay = canary.dynamic_stable_scale, canary.scale_down_delay_seconds
    if canary.traffic_routing is None:
        if delay is not None:
            detail = "Canary scaleDownDelaySeconds can only be used with traffic routing"
            yield Problem(f"{PATH}.scaleDownDelaySeconds", delay, detail)
        if dynamic:
            detail = "Canary dynamicStableScale can only be used with traffic routing"
            yield Problem(f"{PATH}.dynamicStableScale", shown(dynamic), detail)
    elif dynamic and delay is not None:
        detail = "Canary dynamicStableScale cannot be used with scaleDownDelaySeconds"
        yield Problem(f"{PATH}.dynamicStableScale", shown(dynamic), detail)


def _weight_problems(canary: CanaryStrategy) -> Iterator[Problem]:
    if canary.total_weight < 1:
        detail = "must be greater than 0: it is the weight that means all traffic"
        yield Problem(f"{PATH}.trafficRouting.maxTrafficWeight", canary.total_weight, detail)


def _negative_problems(canary: CanaryStrategy) -> Iterator[Problem]:
    numbers = {
        "scaleDownDelaySeconds": canary.scale_down_delay_seconds,
        "scaleDownDelayRevisionLimit": canary.scale_down_delay_revision_limit,
        "abortScaleDownDelaySeconds": canary.abort_scale_down_delay_seconds,
        "minPodsPerReplicaSet": canary.min_pods_per_replica_set,
    }
    for name, number in numbers.items():
        if number is not None and number < 0:
            yield Problem(f"{PATH}.{name}", number, "must be greater than or equal to 0")


def _threshold_problems(canary: CanaryStrategy) -> Iterator[Problem]:
    threshold = canary.replica_progress_threshold
    if threshold is not None and threshold.type not in THRESHOLD_TYPES:
        path = f"{PATH}.replicaProgressThreshold.type"
        yield Problem(path, threshold.type, 'supported values: "Percent", "Pods"', "Unsupported value")
