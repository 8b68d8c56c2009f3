"""What a specification says: parsed, checked and bound once per generation; nothing here looks anything up."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rollouts.api.meta import Json
from rollouts.api.model import Problem
from rollouts.api.rollout import CanaryStrategy, LabelSelector, Rollout, RolloutSpec, parse_spec
from rollouts.api.workloads import StatefulSet, Workload, selector_of, template_of
from rollouts.planner.binding import Routers, Settling, Steps, bind_routers, bind_steps, bounds_of, refused_routes
from rollouts.planner.validation.affinity import affinity_problems
from rollouts.planner.validation.blue_green import blue_green_problems
from rollouts.planner.validation.canary import canary_problems
from rollouts.planner.validation.fields import number_problems, selection_problems, strategy_problems
from rollouts.planner.validation.metadata import metadata_problems
from rollouts.planner.validation.partition import partition_problems, with_services
from rollouts.planner.validation.template import template_problems
from rollouts.planner.validation.unserved import unserved_problems
from rollouts.steps.base import BoundStep
from rollouts.wire.gotypes import MisfitError
from rollouts.wire.podhash import pod_template_hash, step_hash
from trafficrouters.base import BoundRouter, Scope


@dataclass(frozen=True)
class Plugins:
    """The modules that steps, routers and metrics are bound to, by the names they have in specifications."""

    steps: Steps
    routers: Routers
    providers: Collection[str] = ()
    settling: Settling = field(default_factory=Settling)


@dataclass(frozen=True)
class Reading:
    """A specification, bound. *selection* are problems that come before those of the template, *others* after them."""

    spec: RolloutSpec
    steps: tuple[BoundStep, ...] = ()
    routers: tuple[BoundRouter[Any], ...] = ()
    step_hash: str = ""
    selection: tuple[Problem, ...] = ()
    others: tuple[Problem, ...] = ()
    is_readable: bool = True


class Revision(NamedTuple):
    """The template in force, the selector of its pods, and its hash ("" for a template with wrong types)."""

    template: Json
    selector: Json
    hash: str
    problems: tuple[Problem, ...] = ()


def read_spec(rollout: Rollout, plugins: Plugins) -> Reading:
    """The specification of *rollout*, whatever is wrong with it."""
    spec = parse_spec(rollout.spec)
    if not isinstance(spec, RolloutSpec):
        return Reading(RolloutSpec(), selection=spec, is_readable=False)
    spec = with_services(spec, rollout)
    canary = spec.strategy.canary
    bound = _bind(rollout, canary, plugins) if canary is not None else _Bound()
    return Reading(
        spec=spec,
        steps=bound.steps,
        routers=bound.routers,
        step_hash=bound.step_hash,
        selection=tuple(selection_problems(spec)),
        others=(
            *number_problems(spec),
            *strategy_problems(spec),
            *blue_green_problems(spec),
            *bound.problems,
            *affinity_problems(spec),
            *partition_problems(spec),
            *unserved_problems(spec),
        ),
    )


def read_revision(rollout: Rollout, spec: RolloutSpec, workload: Workload | StatefulSet | None) -> Revision:
    """The template of the Rollout, or of its *workload*, under the selector of either; and what is wrong with it."""
    template: Json = (template_of(workload) if workload else rollout.spec.get("template")) or {}
    selector: Json = rollout.spec.get("selector") or (selector_of(workload) if workload else {})
    try:
        found = pod_template_hash(template, rollout.status.collision_count)
    except MisfitError as misfit:
        return Revision(template, selector, "", (Problem(f"spec.template{misfit.path}", None, misfit.detail),))
    selection = spec.selector or LabelSelector.model_validate(selector)
    wrong = (*template_problems(template, selection), *metadata_problems(spec, selection))
    return Revision(template, selector, found, wrong)


class _Bound(NamedTuple):
    steps: tuple[BoundStep, ...] = ()
    routers: tuple[BoundRouter[Any], ...] = ()
    step_hash: str = ""
    problems: tuple[Problem, ...] = ()


def _bind(rollout: Rollout, canary: CanaryStrategy, plugins: Plugins) -> _Bound:
    raw: Mapping[str, Any] = rollout.spec["strategy"]["canary"]
    routing: Json | None = raw.get("trafficRouting")
    raw_steps: Sequence[Json] = raw.get("steps") or ()
    # Whatever this cannot take was refused before: the specification's own types are stricter.
    own_hash = step_hash(raw_steps)
    bounds = bounds_of(canary, routing, plugins.routers)
    steps, wrong_steps = bind_steps(canary.steps, raw_steps, plugins.steps, bounds)
    routers, wrong_routers = _bind_routers(rollout, canary, routing, plugins)
    refused = refused_routes(steps, routers)
    problems = (*canary_problems(canary, routing), *wrong_steps, *wrong_routers, *refused)
    return _Bound(steps, routers, own_hash, problems)


def _bind_routers(
    rollout: Rollout, canary: CanaryStrategy, routing: Json | None, plugins: Plugins
) -> tuple[tuple[BoundRouter[Any], ...], tuple[Problem, ...]]:
    if routing is None:
        return (), ()
    return bind_routers(routing, _scope(rollout, canary), plugins.routers, plugins.settling)


def _scope(rollout: Rollout, canary: CanaryStrategy) -> Scope:
    routing = canary.traffic_routing
    return Scope(
        rollout=rollout.metadata.key,
        uid=rollout.metadata.uid,
        stable_service=canary.stable_service,
        canary_service=canary.canary_service,
        managed=tuple(route.name for route in routing.managed_routes) if routing else (),
        max_weight=routing.max_traffic_weight if routing else None,
    )
