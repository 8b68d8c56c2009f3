from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from rollouts import plugins
from rollouts.api.meta import Key
from rollouts.api.rollout import CanaryStrategy, Step
from rollouts.planner.binding import (
    GATEWAY_PLUGIN,
    Settling,
    bind_routers,
    bind_steps,
    bounds_of,
    refused_routes,
    routing_path,
)
from rollouts.steps.base import Bounds
from trafficrouters.base import Feature, Scope

ROUTED = Bounds(has_router=True, routers=(("nginx", frozenset(Feature)),), managed=("testers",))
SCOPE = Scope(Key("shop", "web"), "uid", "web-stable", "web-canary")
HEADER = {"name": "testers", "match": [{"headerName": "x", "headerValue": {"exact": "y"}}]}
GATEWAY = {"httpRoute": "web"}


def bound(*steps, bounds=ROUTED):
    parsed = [Step.model_validate(step) for step in steps]
    return bind_steps(parsed, steps, plugins.steps(), bounds)


def texts(problems):
    return [str(problem) for problem in problems]


def test_each_kind_is_bound_to_its_module_and_the_one_that_decides_comes_first():
    steps, problems = bound({"setWeight": 20}, {"setWeight": 5, "setCanaryScale": {"replicas": 2}}, {"pause": {}})
    assert [[part.step.key for part in step.parts] for step in steps] == [
        ["setWeight"],
        ["setCanaryScale", "setWeight"],
        ["pause"],
    ]
    assert problems == ()


def test_one_bad_step_leaves_none_bound():
    steps, problems = bound({"setWeight": 20}, {"setWeight": 101})
    assert steps == ()
    assert texts(problems) == [
        "spec.strategy.steps[1].setWeight: Invalid value: 101: SetWeight needs to be between 0 and 100"
    ]


@pytest.mark.parametrize("kind", ["experiment", "setMirrorRoute", "plugin"])
def test_kinds_without_a_module_are_refused_with_what_to_do(kind):
    value = {"name": "a", "templates": []}
    _, problems = bound({kind: value})
    assert texts(problems)[0].startswith(
        f"spec.strategy.steps[0].{kind}: Forbidden: this version does not carry out {kind} steps: remove the step;"
    )


def test_an_unknown_kind_is_named():
    _, problems = bound({"setWieght": 20})
    assert texts(problems)[0].startswith("spec.strategy.steps[0].setWieght: Forbidden: unknown kind of step; ")


@pytest.mark.parametrize(
    ("first", "second"), [("setWeight", "pause"), ("pause", "analysis"), ("analysis", "setWeight")]
)
def test_kinds_that_exclude_each_other_are_refused_together(first, second):
    values = {"setWeight": 5, "pause": {}, "analysis": {"templates": []}}
    _, problems = bound({first: values[first], second: values[second]})
    assert [problem.detail for problem in problems] == [
        "Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause"
    ]


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (
            {"setCanaryScale": {}},
            ".setCanaryScale: Invalid value: {}: exactly one of weight, replicas and matchTrafficWeight must be given",
        ),
        (
            {"setCanaryScale": {"weight": -1}},
            ".setCanaryScale.weight: Invalid value: -1: must be greater than or equal to 0",
        ),
    ],
)
def test_sizes_that_mean_nothing_are_refused(step, text):
    assert texts(bound(step)[1]) == [f"spec.strategy.steps[0]{text}"]


def test_a_feature_that_a_router_lacks_names_router_and_feature():
    bounds = replace(ROUTED, routers=(("nginx", frozenset({Feature.WEIGHTS})),))
    assert texts(bound({"setHeaderRoute": HEADER}, bounds=bounds)[1]) == [
        (
            "spec.strategy.steps[0].setHeaderRoute: Invalid value: router nginx does not support header routes: remove the step "
            "or the router"
        )
    ]


def test_a_header_route_needs_a_router():
    assert texts(bound({"setHeaderRoute": HEADER}, bounds=Bounds())[1]) == [
        "spec.strategy.steps[0].setHeaderRoute: Invalid value: SetHeaderRoute requires TrafficRouting to be set"
    ]


def test_bounds_come_from_the_routing_and_the_routers_that_are_there():
    raw = {"nginx": {"stableIngress": "web"}, "istio": {}, "managedRoutes": [{"name": "a"}], "maxTrafficWeight": 1000}
    canary = CanaryStrategy.model_validate({"trafficRouting": raw})
    found = bounds_of(canary, raw, plugins.routers())
    assert found == Bounds(1000, True, (("nginx", plugins.routers()["nginx"].supports),), ("a",))
    assert bounds_of(CanaryStrategy(), None, plugins.routers()) == Bounds()


def routers(raw, settle=None, registry=None, scope=SCOPE):
    return bind_routers(raw, scope, registry or plugins.routers(), Settling(settle or {}))


def test_routers_are_bound_in_a_fixed_order_whatever_the_order_in_the_specification():
    found, problems = routers({"plugins": {GATEWAY_PLUGIN: GATEWAY}, "nginx": {"stableIngress": "web"}})
    assert ([bound.key for bound in found], problems) == (["nginx", GATEWAY_PLUGIN], ())
    assert [routing_path(bound.key) for bound in found] == [
        "spec.strategy.canary.trafficRouting.nginx",
        f"spec.strategy.canary.trafficRouting.plugins.{GATEWAY_PLUGIN}",
    ]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ({}, ": Invalid value: names no router; this version serves"),
        ({"managedRoutes": []}, ": Invalid value: names no router; this version serves"),
        ({"smi": {}}, ".smi: Forbidden: no router of this name; this version serves"),
        ({"plugins": {"acme/x": {}}}, ".plugins.acme/x: Forbidden: no plugin of this name; this version serves"),
        ({"plugins": {"nginx": {}}}, ".plugins.nginx: Forbidden: no plugin of this name; this version serves"),
        (
            {"gatewayAPI": GATEWAY, "plugins": {GATEWAY_PLUGIN: GATEWAY}},
            f".plugins.{GATEWAY_PLUGIN}: Invalid value: gatewayAPI is given too: both are the same router, remove one of them",
        ),
        ({"nginx": {}}, ".nginx: Invalid value: exactly one of stableIngress and stableIngresses must be set"),
    ],
)
def test_a_routing_that_cannot_be_carried_out_is_refused(raw, text):
    found, problems = routers(raw)
    assert found == ()
    assert texts(problems)[0].startswith(f"spec.strategy.canary.trafficRouting{text}")


@pytest.mark.parametrize(
    ("settle", "wanted"),
    [
        ({}, plugins.routers()["nginx"].default_settle),
        ({"": timedelta(seconds=9)}, timedelta(seconds=9)),
        ({"": timedelta(seconds=9), "nginx": timedelta(seconds=1)}, timedelta(seconds=1)),
        ({"gatewayAPI": timedelta(seconds=7)}, plugins.routers()["nginx"].default_settle),
    ],
)
def test_the_settling_time_is_the_routers_own_unless_asked_otherwise(settle, wanted):
    found, _ = routers({"nginx": {"stableIngress": "web"}}, settle)
    assert found[0].scope == replace(SCOPE, settle=wanted)


def test_a_settling_time_given_to_one_name_of_a_router_holds_for_its_other_name():
    found, _ = routers({"plugins": {GATEWAY_PLUGIN: GATEWAY}}, {"gatewayAPI": timedelta(seconds=3)})
    assert found[0].scope.settle == timedelta(seconds=3)


def test_a_total_that_a_router_cannot_express_is_refused():
    lacking = SimpleNamespace(
        keys=("poor",), supports=frozenset({Feature.WEIGHTS}), default_settle=timedelta(0), decode=lambda *_: None
    )
    _, problems = routers({"poor": {}}, registry={"poor": lacking}, scope=replace(SCOPE, max_weight=1000))
    assert texts(problems) == [
        (
            "spec.strategy.canary.trafficRouting.maxTrafficWeight: Invalid value: 1000: router poor takes weights out of 100 "
            "only: remove it"
        )
    ]


def test_routes_that_a_router_cannot_express_together_are_refused_at_the_step_that_asks_for_too_much():
    other = {**HEADER, "name": "staff"}
    steps, _ = bound(
        {"setHeaderRoute": HEADER}, {"setHeaderRoute": other}, bounds=replace(ROUTED, managed=("testers", "staff"))
    )
    found, _ = routers({"nginx": {"stableIngress": "web"}})
    assert [problem.path for problem in refused_routes(steps, found)] == [
        "spec.strategy.canary.steps[1].setHeaderRoute"
    ]
    assert list(refused_routes(steps[:1], found)) == []
