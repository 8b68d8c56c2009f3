import pytest
from prometheus_client import CollectorRegistry, generate_latest

from rollouts.api.analysis import AnalysisRun, AnalysisRunStatus, AnalysisTemplate, MetricResult
from rollouts.api.meta import Condition, Metadata
from rollouts.api.rollout import Rollout, RolloutDuration, RolloutStatus
from rollouts.controllers.inventory import Inventory, phase_of, providers_of, router_of, strategy_of
from rollouts.controllers.metrics import RolloutMetrics
from rollouts.runtime.metrics import RequestMetrics
from rollouts.wire.durations import parse_rfc3339

WEB = Metadata(name="web", namespace="shop")
METRICS = {"metrics": [{"name": "m", "provider": {"prometheus": {}}}, "nonsense", {"name": "n", "provider": None}]}


class Found:
    def __init__(self, *found):
        self.found = found

    def all(self):
        return self.found


def shown(registry):
    return [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]


def scraped(rollouts=(), runs=(), templates=()):
    registry = CollectorRegistry()
    Inventory(registry, rollouts=Found(*rollouts), runs=Found(*runs), templates=[Found(*templates)])
    return shown(registry)


def rollout(reason="", strategy=None, **more):
    conditions = (Condition("Progressing", "True", reason),) if reason else ()
    return Rollout(
        WEB, {"replicas": 3, "strategy": strategy or {"canary": {}}}, RolloutStatus(conditions=conditions, **more)
    )


def test_a_rollout_is_shown_with_its_strategy_router_phase_and_pods():
    found = rollout(
        "RolloutPaused",
        {"canary": {"trafficRouting": {"nginx": {}}}},
        replicas=4,
        available_replicas=3,
        updated_replicas=1,
    )
    lines = scraped([found])
    labels = 'name="web",namespace="shop"'
    assert f'rollout_info{{{labels},phase="Paused",strategy="canary",traffic_router="Nginx"}} 1.0' in lines
    assert f'rollout_phase{{{labels},phase="Paused",strategy="canary"}} 1.0' in lines
    assert f'rollout_phase{{{labels},phase="Completed",strategy="canary"}} 0.0' in lines
    assert [line for line in lines if "replicas" in line] == [
        f"rollout_info_replicas_available{{{labels}}} 3.0",
        f"rollout_info_replicas_unavailable{{{labels}}} 1.0",
        f"rollout_info_replicas_desired{{{labels}}} 3.0",
        f"rollout_info_replicas_updated{{{labels}}} 1.0",
    ]


@pytest.mark.parametrize(
    ("reason", "phase"),
    [
        ("", "Progressing"),
        ("ReplicaSetUpdated", "Progressing"),
        ("NewReplicaSetAvailable", "Completed"),
        ("ReplicaSetCreateError", "Error"),
        ("ProgressDeadlineExceeded", "Timeout"),
        ("RolloutAborted", "Abort"),
    ],
)
def test_the_phase_is_read_off_the_progressing_condition(reason, phase):
    assert phase_of(rollout(reason)) == phase


def test_an_invalid_spec_wins():
    conditions = (Condition("Progressing", "True", "RolloutPaused"), Condition("InvalidSpec", "True", "InvalidSpec"))
    assert phase_of(Rollout(WEB, {}, RolloutStatus(conditions=conditions))) == "InvalidSpec"


@pytest.mark.parametrize(
    ("routing", "name"),
    [({}, ""), ({"smi": {}, "alb": {}}, "SMI"), ({"gatewayAPI": {}}, ""), ({"plugins": {"x/y": {}}}, "")],
)
def test_the_last_known_router_counts(routing, name):
    assert router_of(rollout(strategy={"canary": {"trafficRouting": routing}})) == name


def test_strategies_are_named():
    assert [strategy_of(rollout(strategy=one)) for one in ({"blueGreen": {}}, {"canary": {}}, {"canary": None})] == [
        "blueGreen",
        "canary",
        "none",
    ]


def test_a_run_is_shown_with_its_metrics():
    status = AnalysisRunStatus(phase="Failed", metric_results=(MetricResult(name="m", phase="Failed", dry_run=True),))
    lines = scraped(runs=[AnalysisRun(WEB, METRICS, status)], templates=[AnalysisTemplate(WEB, METRICS)])
    labels = 'name="web",namespace="shop"'
    assert f'analysis_run_info{{{labels},phase="Failed"}} 1.0' in lines
    assert f'analysis_run_metric_type{{metric="m",{labels},type="Prometheus"}} 1.0' in lines
    failed = f'dry_run="true",metric="m",{labels},phase="Failed",type="Prometheus"'
    assert f"analysis_run_metric_phase{{{failed}}} 1.0" in lines
    assert f"analysis_template_info{{{labels}}} 1.0" in lines
    assert f'analysis_template_metric_info{{metric="m",{labels},type="Prometheus"}} 1.0' in lines


def test_a_run_that_nobody_has_looked_at_is_pending():
    lines = scraped(runs=[AnalysisRun(WEB, METRICS)])
    labels = 'name="web",namespace="shop"'
    assert f'analysis_run_phase{{{labels},phase="Pending"}} 1.0' in lines
    first = f'dry_run="false",metric="m",{labels},phase="Pending",type="Prometheus"'
    assert f"analysis_run_metric_phase{{{first}}} 1.0" in lines


@pytest.mark.parametrize(
    ("provider", "kind"),
    [
        ({"web": {}}, "Web"),
        ({"job": {}}, "Job"),
        ({"newRelic": {}}, "NewRelic"),
        ({"plugin": {"x/y": {}}}, "RPCPlugin"),
        ({"acme": {}}, "acme"),
        ({}, ""),
    ],
)
def test_providers_have_the_names_that_dashboards_know(provider, kind):
    assert list(providers_of({"metrics": [{"name": "m", "provider": provider}]})) == [("m", kind)]


def test_what_was_counted_of_a_rollout_goes_with_it():
    registry = CollectorRegistry()
    metrics = RolloutMetrics(registry, RequestMetrics(registry))
    record = RolloutDuration(
        rollout_started_at=parse_rfc3339("2026-01-01T00:00:00Z"),
        finished_at=parse_rfc3339("2026-01-01T00:01:40Z"),
        total_manual_pause_duration_seconds=60,
        completion_status="Promoted",
    )
    metrics.said(WEB.key, "RolloutPaused", warning=False)
    metrics.ended(WEB.key, record)
    metrics.reconciles.failed(WEB.key)
    with metrics.reconciles.timed(WEB.key):
        lines = shown(registry)
    labels = 'name="web",namespace="shop"'
    assert f'rollout_events_total{{{labels},reason="RolloutPaused",type="Normal"}} 1.0' in lines
    assert f"rollout_reconcile_error{{{labels}}} 1.0" in lines
    sums = [line.split("_sum")[0].split("{")[0] + " " + line.split()[1] for line in lines if "_sum" in line]
    assert sums == [
        "rollout_duration_seconds 100.0",
        "rollout_progression_duration_seconds 40.0",
        "rollout_manual_pause_duration_seconds 60.0",
    ]
    metrics.forget(WEB.key)
    assert [line for line in shown(registry) if "web" in line] == []


def test_a_release_that_is_not_over_is_not_measured():
    registry = CollectorRegistry()
    metrics = RolloutMetrics(registry, RequestMetrics(registry))
    metrics.ended(WEB.key, RolloutDuration(rollout_started_at=parse_rfc3339("2026-01-01T00:00:00Z")))
    assert shown(registry) == []
