"""Steps and routers as written, bound to the modules that carry them out; or what is wrong with them.

Problems of steps have paths without `canary`, as clients know them from Argo Rollouts; those of routers have it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, NamedTuple

from rollouts.api.meta import Json
from rollouts.api.model import Problem, SpecError
from rollouts.api.rollout import CanaryStrategy, SetCanaryScale
from rollouts.api.rollout import Step as WrittenStep
from rollouts.planner.validation.canary import routers_of
from rollouts.planner.validation.shown import required, shown
from rollouts.steps.base import Bounds, BoundStep, Part, Step, goal_of
from trafficrouters.base import BoundRouter, Feature, Router, Scope

STEPS: Final = "spec.strategy.steps"
ROUTING: Final = "spec.strategy.canary.trafficRouting"
PARTITION: Final = "statefulSet"
# The order in which routers are written; plugins follow in the order in which they stand there.
ORDER: Final = (
    *("istio", "nginx", "alb", "smi", "ambassador", "appMesh", "traefik", "apisix"),
    *("gatewayAPI", PARTITION),
)
GATEWAY_PLUGIN: Final = "argoproj-labs/gatewayAPI"
# Wire names of the fields of a step.
FIELDS: Final[Mapping[str, str]] = {field.alias or name: name for name, field in WrittenStep.model_fields.items()}
EXCLUSIVE: Final = ("experiment", "pause", "setWeight", "analysis")
ALL_KINDS: Final = (*EXCLUSIVE, "setCanaryScale", "setHeaderRoute", "setMirrorRoute", "plugin")
ROUTE_STEPS: Final = frozenset({"setHeaderRoute", "setMirrorRoute"})
WRONG_NUMBER: Final = "Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause"
NO_MANAGED_ROUTES: Final = "Rollout has missing field 'spec.strategy.canary.trafficRouting.managedRoutes'"

Steps = Mapping[str, Step[Any]]
Routers = Mapping[str, Router[Any]]


def bounds_of(canary: CanaryStrategy, routing: Json | None, registry: Routers) -> Bounds:
    """What the steps of *canary* may ask for; *routing* is its `trafficRouting` as written, None when absent."""
    written = canary.traffic_routing
    named = _named(routing or {})
    # A router beside the partition splits the traffic: what it supports counts.
    beside = [name for name in named if name.key != PARTITION] or named
    found = ((name, _module(name, registry)) for name in beside)
    return Bounds(
        total=canary.total_weight,
        has_router=routing is not None,
        routers=tuple((name.key, module.supports) for name, module in found if module is not None),
        managed=tuple(route.name for route in written.managed_routes) if written else (),
    )


# Steps.


def bind_steps(
    steps: Sequence[WrittenStep], raw_steps: Sequence[Json], registry: Steps, bounds: Bounds
) -> tuple[tuple[BoundStep, ...], tuple[Problem, ...]]:
    """*steps*, whose form as written are *raw_steps*, bound to the modules of *registry*; or all their problems."""
    bound: list[BoundStep] = []
    problems: list[Problem] = []
    for index, (step, raw) in enumerate(zip(steps, raw_steps, strict=True)):
        parts: list[Part[Any]] = []
        for result in _step_parts(_Written(step, raw, f"{STEPS}[{index}]"), registry, bounds):
            if isinstance(result, Problem):
                problems.append(result)
            else:
                parts.append(result)
        bound.append(BoundStep(tuple(sorted(parts, key=lambda part: part.step.order))))
    return (() if problems else tuple(bound)), tuple(problems)


class _Written(NamedTuple):
    """One item of the list: parsed, as written, and where it stands."""

    step: WrittenStep
    raw: Json
    path: str

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(key for key, value in self.raw.items() if value is not None)


def _step_parts(written: _Written, registry: Steps, bounds: Bounds) -> Iterator[Part[Any] | Problem]:
    wrong = _wrong_number(written.kinds)
    unknown = [kind for kind in written.kinds if kind not in FIELDS and kind not in registry]
    if unknown:
        yield Problem(f"{written.path}.{unknown[0]}", None, f"unknown kind of step; {_served(registry)}", "Forbidden")
    elif wrong:
        yield Problem(written.path, wrong, WRONG_NUMBER)
    else:
        for kind in written.kinds:
            yield from _part(written, kind, registry, bounds)


def _wrong_number(kinds: Sequence[str]) -> str:
    """The words of clients for a list item with none of the kinds, or with several that exclude each other."""
    if not kinds:
        return " ".join(f"step.{_title(kind)}: true" for kind in ALL_KINDS)
    if sum(kind in EXCLUSIVE for kind in kinds) > 1:
        return " ".join(f"step.{_title(kind)}: {str(kind in kinds).lower()}" for kind in EXCLUSIVE)
    return ""


def _title(kind: str) -> str:
    return kind[0].upper() + kind[1:]


def _served(registry: Steps) -> str:
    return f"this version carries out {', '.join(sorted(registry))}"


def _part(written: _Written, kind: str, registry: Steps, bounds: Bounds) -> Iterator[Part[Any] | Problem]:
    path = f"{written.path}.{kind}"
    value = getattr(written.step, FIELDS[kind]) if kind in FIELDS else written.raw[kind]
    module = registry.get(kind)
    if module is None:
        detail = f"this version does not carry out {kind} steps: remove the step; {_served(registry)}"
        yield Problem(path, None, detail, "Forbidden")
        return
    refused = (*_unmet_needs(module, path, bounds), *_misplaced(kind, written, bounds))
    if refused:
        yield from refused
        return
    try:
        yield Part(module, module.decode(value, path, bounds))
    except SpecError as error:
        yield error.problem


def _unmet_needs(module: Step[Any], path: str, bounds: Bounds) -> Iterator[Problem]:
    if module.needs and not bounds.has_router:
        yield Problem(path, None, f"{_title(module.key)} requires TrafficRouting to be set")
    for router, supports in bounds.routers:
        for feature in sorted(module.needs - supports):
            yield Problem(path, None, f"router {router} does not support {feature}: remove the step or the router")


def _misplaced(kind: str, written: _Written, bounds: Bounds) -> Iterator[Problem]:
    """What Argo Rollouts checks, and where it says so; and sizes that say two things at once."""
    if kind in ROUTE_STEPS and bounds.has_router and not bounds.managed:
        yield required("spec.strategy.trafficRouting.managedRoutes", NO_MANAGED_ROUTES)
    if kind == "setCanaryScale" and not bounds.has_router:
        yield required("spec.strategy.trafficRouting", "SetCanaryScale requires TrafficRouting to be set")
    if kind == "setCanaryScale" and written.step.set_canary_scale is not None:
        yield from _ambiguous_scale(written.step.set_canary_scale, written.raw[kind], f"{written.path}.{kind}")


def _ambiguous_scale(scale: SetCanaryScale, raw: Json, path: str) -> Iterator[Problem]:
    given = (scale.weight is not None, scale.replicas is not None, scale.match_traffic_weight)
    if sum(given) != 1:
        yield Problem(path, shown(raw), "exactly one of weight, replicas and matchTrafficWeight must be given")
    for name, number in (("weight", scale.weight), ("replicas", scale.replicas)):
        if number is not None and number < 0:
            yield Problem(f"{path}.{name}", number, "must be greater than or equal to 0")


# Routers.


@dataclass(frozen=True, slots=True)
class Settling:
    """Settling times that were asked for, by a router's name in the Rollout; "" is for all the others."""

    times: Mapping[str, timedelta] = field(default_factory=dict)

    def of(self, key: str, router: Router[Any]) -> timedelta:
        """How long *router* needs to take up a write: as asked for, else as it says itself."""
        for name in (key, *router.keys, ""):
            if name in self.times:
                return self.times[name]
        return router.default_settle


def bind_routers(
    raw: Json, scope: Scope, registry: Routers, settling: Settling
) -> tuple[tuple[BoundRouter[Any], ...], tuple[Problem, ...]]:
    """The routers that `trafficRouting` as written in *raw* names, in the order in which they are written to."""
    problems = list(_choice_problems(raw, scope, registry))
    bound: list[BoundRouter[Any]] = []
    for name in _named(raw):
        router = _module(name, registry)
        if router is None:
            continue
        own = replace(scope, settle=settling.of(name.key, router))
        try:
            bound.append(BoundRouter(router, router.decode(name.written, name.path, own), own, name.key))
        except SpecError as error:
            problems.append(error.problem)
    return (() if problems else tuple(bound)), tuple(problems)


def refused_routes(steps: Sequence[BoundStep], routers: Sequence[BoundRouter[Any]]) -> Iterator[Problem]:
    """Header and mirror routes that a router cannot express in the combination in which steps ask for them."""
    for index, step in enumerate(steps):
        kind = next((part.step.key for part in step.parts if part.step.key in ROUTE_STEPS), "")
        if kind:
            routes = goal_of(steps[: index + 1]).routes
            path = f"spec.strategy.canary.steps[{index}].{kind}"
            for bound in routers:
                yield from bound.router.refuses(bound.config, routes, path)


def routing_path(key: str) -> str:
    """Where a bound router stands in the specification."""
    return f"{ROUTING}.plugins.{key}" if "/" in key else f"{ROUTING}.{key}"


class _Named(NamedTuple):
    """A router as `trafficRouting` names it."""

    key: str
    is_plugin: bool
    written: Json

    @property
    def path(self) -> str:
        return f"{ROUTING}.plugins.{self.key}" if self.is_plugin else f"{ROUTING}.{self.key}"


def _named(raw: Json) -> tuple[_Named, ...]:
    """The routers in *raw*: first-class ones in their order, then those nobody knows, then plugins."""
    first_class = sorted(routers_of(raw), key=lambda key: ORDER.index(key) if key in ORDER else len(ORDER))
    plugins = raw.get("plugins") or {}
    return (
        *(_Named(key, False, raw[key]) for key in first_class),
        *(_Named(key, True, written or {}) for key, written in plugins.items()),
    )


def _module(name: _Named, registry: Routers) -> Router[Any] | None:
    """The router of that name; a name with a slash, and only such a name, is a plugin's."""
    return registry.get(name.key) if name.is_plugin == ("/" in name.key) else None


def _choice_problems(raw: Json, scope: Scope, registry: Routers) -> Iterator[Problem]:
    named = _named(raw)
    keys = [name.key for name in named]
    served = f"this version serves {', '.join(sorted(registry))}"
    if not named:
        yield Problem(ROUTING, None, f"names no router; {served}")
    if "gatewayAPI" in keys and GATEWAY_PLUGIN in keys:
        detail = "gatewayAPI is given too: both are the same router, remove one of them"
        yield Problem(f"{ROUTING}.plugins.{GATEWAY_PLUGIN}", None, detail)
    for name in named:
        module = _module(name, registry)
        if module is None:
            what = "plugin" if name.is_plugin else "router"
            yield Problem(name.path, None, f"no {what} of this name; {served}", "Forbidden")
        elif scope.max_weight is not None and Feature.MAX_TRAFFIC_WEIGHT not in module.supports:
            path = f"{ROUTING}.maxTrafficWeight"
            yield Problem(path, scope.max_weight, f"router {name.key} takes weights out of 100 only: remove it")
