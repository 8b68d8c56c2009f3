"""Prometheus metrics of what there is, read from the stores when somebody asks: nothing to keep up to date or drop."""

from collections.abc import Iterable, Iterator
from typing import Final, Protocol, TypeVar

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from rollouts.api import reasons
from rollouts.api.analysis import AnalysisRun, AnalysisTemplate, MetricResult, Phase
from rollouts.api.rollout import Rollout

_ROLLOUT: Final = ("namespace", "name")
_PHASE_OF_REASON: Final = {
    reasons.NEW_REPLICA_SET_AVAILABLE: "Completed",
    reasons.ROLLOUT_PAUSED: "Paused",
    reasons.REPLICA_SET_CREATE_ERROR: "Error",
    reasons.PROGRESS_DEADLINE_EXCEEDED: "Timeout",
    reasons.ROLLOUT_ABORTED: "Abort",
}
_PHASES: Final = ("Completed", "Progressing", "Paused", "Timeout", "Error", "Abort", "InvalidSpec")
_RUN_PHASES: Final = ("Pending", "Running", "Successful", "Failed", "Error", "Inconclusive")
# Argo Rollouts knows these; of several the last one counts.
_ROUTERS: Final = {
    "alb": "ALB",
    "ambassador": "Ambassador",
    "istio": "Istio",
    "nginx": "Nginx",
    "smi": "SMI",
    "appMesh": "AppMesh",
}
# Label `type`, in Argo Rollouts' spelling, of which dashboards have queries; whoever is not here has its own name.
_PROVIDERS: Final = {
    "prometheus": "Prometheus",
    "job": "Job",
    "kayenta": "Kayenta",
    "web": "Web",
    "datadog": "Datadog",
    "wavefront": "Wavefront",
    "newRelic": "NewRelic",
    "cloudWatch": "CloudWatch",
    "graphite": "Graphite",
    "influxdb": "Influxdb",
    "plugin": "RPCPlugin",
}

T_co = TypeVar("T_co", covariant=True)


class Objects(Protocol[T_co]):
    """Where objects are found."""

    def all(self) -> Iterable[T_co]:
        """Every known one."""
        ...


class Inventory(Collector):
    """Gauges of Rollouts, AnalysisRuns and templates."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        rollouts: Objects[Rollout],
        runs: Objects[AnalysisRun],
        templates: Iterable[Objects[AnalysisTemplate]],
    ) -> None:
        self._rollouts = rollouts
        self._runs = runs
        self._templates = tuple(templates)
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        """Nothing: the names are all in `collect`, and the registry need not call it to learn them."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Called in a thread; a tuple of a store is made in one step that no change can interrupt."""
        yield from _of_rollouts(tuple(self._rollouts.all()))
        yield from _of_runs(tuple(self._runs.all()))
        yield from _of_templates([found for store in self._templates for found in tuple(store.all())])


def _of_rollouts(found: Iterable[Rollout]) -> Iterator[Metric]:
    info = _gauge("rollout_info", "What a Rollout is like", *_ROLLOUT, "strategy", "traffic_router", "phase")
    phases = _gauge("rollout_phase", "Phase of a Rollout (deprecated: rollout_info)", *_ROLLOUT, "strategy", "phase")
    counts = {
        state: _gauge(f"rollout_info_replicas_{state}", f"Pods {state}", *_ROLLOUT)
        for state in ("available", "unavailable", "desired", "updated")
    }
    for rollout in found:
        key, strategy, phase = rollout.metadata.key, strategy_of(rollout), phase_of(rollout)
        info.add_metric([*key, strategy, router_of(rollout), phase], 1)
        for possible in _PHASES:
            phases.add_metric([*key, strategy, possible], float(phase == possible))
        for state, count in _counts(rollout).items():
            counts[state].add_metric([*key], count)
    yield from (info, phases, *counts.values())


def _counts(rollout: Rollout) -> dict[str, int]:
    status, desired = rollout.status, rollout.spec.get("replicas")
    return {
        "available": status.available_replicas,
        "unavailable": status.replicas - status.available_replicas,
        "desired": desired if isinstance(desired, int) else 1,
        "updated": status.updated_replicas,
    }


def phase_of(rollout: Rollout) -> str:
    """Argo Rollouts behaviour: read off the reason of condition Progressing, unless the spec is invalid."""
    conditions = {condition.type: condition for condition in rollout.status.conditions}
    if reasons.INVALID_SPEC in conditions:
        return "InvalidSpec"
    progressing = conditions.get(reasons.PROGRESSING)
    return _PHASE_OF_REASON.get(progressing.reason if progressing else "", "Progressing")


def strategy_of(rollout: Rollout) -> str:
    """`canary`, `blueGreen` or `none`."""
    strategy = rollout.spec.get("strategy") or {}
    return next((name for name in ("blueGreen", "canary") if strategy.get(name) is not None), "none")


def router_of(rollout: Rollout) -> str:
    """The router's name as Argo Rollouts writes it; "" for those it has no name for."""
    canary = (rollout.spec.get("strategy") or {}).get("canary") or {}
    routing = canary.get("trafficRouting") or {}
    named = [label for key, label in _ROUTERS.items() if routing.get(key) is not None]
    return named[-1] if named else ""


def _of_runs(found: Iterable[AnalysisRun]) -> Iterator[Metric]:
    info = _gauge("analysis_run_info", "Phase of an AnalysisRun", *_ROLLOUT, "phase")
    phases = _gauge("analysis_run_phase", "Phase of an AnalysisRun (deprecated: analysis_run_info)", *_ROLLOUT, "phase")
    types = _gauge("analysis_run_metric_type", "Provider of a metric", *_ROLLOUT, "metric", "type")
    metrics = _gauge("analysis_run_metric_phase", "Phase of a metric", *_ROLLOUT, "metric", "type", "dry_run", "phase")
    for run in found:
        key, results = run.metadata.key, {result.name: result for result in run.status.metric_results}
        info.add_metric([*key, run.status.phase], 1)
        for possible in _RUN_PHASES:
            phases.add_metric([*key, possible], float(_begun(run.status.phase) == possible))
        for name, kind in providers_of(run.spec):
            types.add_metric([*key, name, kind], 1)
            _add_phases(metrics, [*key, name, kind], results.get(name, MetricResult()))
    yield from (info, phases, types, metrics)


def _add_phases(family: GaugeMetricFamily, labels: list[str], result: MetricResult) -> None:
    for possible in _RUN_PHASES:
        family.add_metric([*labels, str(result.dry_run).lower(), possible], float(_begun(result.phase) == possible))


def _begun(phase: str) -> str:
    """Argo Rollouts behaviour: what nobody has looked at yet counts as Pending."""
    return phase or Phase.PENDING


def _of_templates(found: Iterable[AnalysisTemplate]) -> Iterator[Metric]:
    info = _gauge("analysis_template_info", "An AnalysisTemplate or ClusterAnalysisTemplate", *_ROLLOUT)
    metrics = _gauge("analysis_template_metric_info", "A template's metric", *_ROLLOUT, "type", "metric")
    for template in found:
        info.add_metric([*template.metadata.key], 1)
        for name, kind in providers_of(template.spec):
            metrics.add_metric([*template.metadata.key, kind, name], 1)
    yield from (info, metrics)


def providers_of(spec: dict[str, object]) -> Iterator[tuple[str, str]]:
    """Name of each metric in a spec as stored and its provider's as Argo Rollouts writes it, whatever else is wrong."""
    metrics = spec.get("metrics")
    for metric in metrics if isinstance(metrics, list) else ():
        provider = metric.get("provider") if isinstance(metric, dict) else None
        if isinstance(provider, dict):
            name = next(iter(provider), "")
            yield str(metric.get("name", "")), _PROVIDERS.get(name, name)


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=labels)
