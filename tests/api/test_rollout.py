import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import yaml

from rollouts.api.model import Problem
from rollouts.api.rollout import (
    BlueGreenStrategy,
    CanaryStrategy,
    GatewayAPI,
    Rollout,
    RolloutSpec,
    Strategy,
    TrafficRouting,
    parse_spec,
)

SEEDS = Path(__file__).parents[1] / "seeds"
RECORDED = [json.loads(line) for line in (Path(__file__).parent / "recorded_specs.jsonl").read_text().splitlines()]
NONSENSE = [json.loads(line) for line in (Path(__file__).parent / "nonsense_specs.jsonl").read_text().splitlines()]


def canary(**fields):
    return {"strategy": {"canary": fields}}


def problem(raw):
    found = parse_spec(raw)
    assert isinstance(found, tuple)
    return [str(one) for one in found]


def test_an_empty_spec_has_the_contracts_defaults():
    spec = parse_spec({})
    assert spec == RolloutSpec()
    assert (spec.replicas, spec.min_ready_seconds, spec.revision_history_limit) == (None, 0, 10)
    assert (spec.progress_deadline_seconds, spec.progress_deadline_abort, spec.paused) == (600, False, False)
    assert (spec.analysis.successful_run_history_limit, spec.analysis.unsuccessful_run_history_limit) == (5, 5)
    assert spec.strategy == Strategy()
    assert not any((spec.abort, spec.retry, spec.promote, spec.promote_full))


def test_canary_without_a_router():
    strategy = CanaryStrategy()
    assert (strategy.max_surge, strategy.max_unavailable) == ("25", "25")
    assert strategy.scale_down_delay == timedelta()
    assert strategy.total_weight == 100


def test_canary_with_a_router():
    strategy = CanaryStrategy(traffic_routing=TrafficRouting(max_traffic_weight=1000))
    assert strategy.scale_down_delay == timedelta(seconds=30)
    assert strategy.abort_scale_down_delay == timedelta(seconds=30)
    assert strategy.total_weight == 1000


def test_delays_that_are_written():
    strategy = CanaryStrategy(
        traffic_routing=TrafficRouting(), scale_down_delay_seconds=0, abort_scale_down_delay_seconds=7
    )
    assert strategy.scale_down_delay == timedelta()
    assert strategy.abort_scale_down_delay == timedelta(seconds=7)


@pytest.mark.parametrize("strategy", [CanaryStrategy, lambda **k: BlueGreenStrategy(active_service="a", **k)])
def test_an_abort_delay_of_zero_means_for_ever(strategy):
    assert strategy(abort_scale_down_delay_seconds=0).abort_scale_down_delay is None


def test_blue_green_defaults():
    strategy = BlueGreenStrategy(active_service="a")
    assert strategy.scale_down_delay == strategy.abort_scale_down_delay == timedelta(seconds=30)
    assert (strategy.max_unavailable, strategy.auto_promotion_enabled, strategy.auto_promotion_seconds) == (
        "25%",
        True,
        0,
    )


def test_wire_names_that_are_not_plain_camel_case():
    spec = parse_spec(canary(trafficRouting={"gatewayAPI": {"httpRoute": "r"}, "statefulSet": {}, "appMesh": {}}))
    routing = spec.strategy.canary.traffic_routing
    assert routing.gateway_api == GatewayAPI(http_route="r")
    assert routing.stateful_set is not None
    assert routing.app_mesh is not None


def test_a_pause_keeps_the_form_of_its_duration():
    steps = [{"pause": {}}, {"pause": {"duration": 5}}, {"pause": {"duration": "5"}}, {"pause": {"duration": "1h"}}]
    parsed = parse_spec(canary(steps=steps)).strategy.canary.steps
    assert [step.pause.duration for step in parsed] == [None, 5, "5", "1h"]


def test_null_is_absent():
    spec = parse_spec({"replicas": None, **canary(steps=[{"pause": None}], maxSurge=None)})
    assert spec == parse_spec(canary(steps=[{}]))


def test_unknown_fields_are_ignored():
    assert parse_spec({"colour": "blue"}) == RolloutSpec()


def test_the_template_is_kept_as_it_came():
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"futureField": [1, 2.5, {"x": True}]}]}}
    assert parse_spec({"template": template}).template == template


def test_restart_at_is_a_time():
    assert parse_spec({"restartAt": "2026-01-31T12:00:00Z"}).restart_at == datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"replicas": -1}, "spec.replicas: Invalid value: -1: should be a non-negative integer"),
        ({"replicas": "3"}, 'spec.replicas: Invalid value: "3": must be a whole number'),
        ({"replicas": 1.5}, "spec.replicas: Invalid value: 1.5: must be a whole number"),
        ({"paused": "yes"}, 'spec.paused: Invalid value: "yes": must be true or false'),
        (
            {"strategy": {"blueGreen": {}}},
            "spec.strategy.blueGreen.activeService: Required value: must be set",
        ),
        (
            canary(steps=[{}, {"setWeight": "20"}]),
            'spec.strategy.canary.steps[1].setWeight: Invalid value: "20": must be a whole number',
        ),
        (canary(canaryService=5), "spec.strategy.canary.canaryService: Invalid value: 5: must be a string"),
        (
            canary(maxSurge=1.5),
            "spec.strategy.canary.maxSurge: Invalid value: 1.5: must be a whole number or a string",
        ),
        (
            canary(steps=[{"pause": {"duration": True}}]),
            "spec.strategy.canary.steps[0].pause.duration: Invalid value: true: must be a whole number or a string",
        ),
        (canary(steps={}), "spec.strategy.canary.steps: Invalid value: {}: must be a list"),
        (canary(trafficRouting=[]), "spec.strategy.canary.trafficRouting: Invalid value: []: must be an object"),
        (
            {"restartAt": "soon"},
            'spec.restartAt: Invalid value: "soon": must be a time such as 2026-01-31T12:00:00Z',
        ),
        ("nonsense", 'spec: Invalid value: "nonsense": must be an object'),
    ],
)
def test_a_problem_names_the_field_and_the_remedy(raw, said):
    assert problem(raw) == [said]


def test_all_problems_are_named_once_each_in_order():
    found = parse_spec({"replicas": "x", **canary(maxSurge=[], steps=[{"setWeight": None}, 5])})
    assert found == (
        Problem("spec.replicas", "x", "must be a whole number"),
        Problem("spec.strategy.canary.steps[1]", 5, "must be an object"),
        Problem("spec.strategy.canary.maxSurge", [], "must be a whole number or a string"),
    )


@pytest.mark.parametrize("spec", [one["spec"] for one in RECORDED if one["kind"] == "Rollout"])
def test_what_argo_rollouts_stored_is_understood(spec):
    assert isinstance(parse_spec(spec), RolloutSpec)


@pytest.mark.parametrize("spec", [pytest.param(one["spec"], id=one["wrong"]) for one in NONSENSE])
def test_nonsense_of_the_right_types_is_not_a_matter_of_types(spec):
    assert isinstance(parse_spec(spec), RolloutSpec)


@pytest.mark.parametrize("path", sorted(SEEDS.glob("*.yaml")), ids=lambda path: path.stem)
def test_tutorials_are_understood(path):
    rollouts = [one for one in yaml.safe_load_all(path.read_text()) if one["kind"] == "Rollout"]
    assert rollouts
    assert all(isinstance(parse_spec(one["spec"]), RolloutSpec) for one in rollouts)


def test_an_observed_rollout_needs_neither_spec_nor_status():
    observed = msgspec.json.decode(b'{"apiVersion":"x","metadata":{"name":"web","namespace":"shop"}}', type=Rollout)
    assert (str(observed.metadata.key), observed.spec, observed.status.phase) == ("shop/web", {}, "")
