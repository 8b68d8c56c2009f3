"""What a run measures, made out of its specification: metrics with their arguments in place, rules as numbers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from analysis.arguments import fill_in, plain_values, secret_args
from analysis.assess import Case
from analysis.limits import Limits, dry_run_names, limits_of, retention, validate
from rollouts.api.analysis import AnalysisRunSpec, Metric, MetricResult, Phase

BAD: Final = frozenset({Phase.FAILED, Phase.ERROR, Phase.INCONCLUSIVE})


@dataclass(frozen=True)
class Content:
    """What a run measures once its arguments are in place; Secrets' values are not."""

    metrics: tuple[Metric, ...]
    limits: Mapping[str, Limits]
    dry: frozenset[str]
    kept: Mapping[str, int]


def content_of(spec: AnalysisRunSpec) -> Content:
    """What *spec* measures. Raises ArgumentError or InvalidMetricError."""
    secrets = {arg.name for arg in secret_args(spec.args)}
    values = plain_values(spec.args)
    metrics = tuple(fill_in(metric, values, secrets) for metric in spec.metrics)
    validate(metrics)
    return Content(
        metrics,
        {metric.name: limits_of(metric) for metric in metrics},
        dry_run_names(spec.dry_run, metrics),
        retention(spec.measurement_retention, metrics),
    )


def has_bad(content: Content, results: Iterable[MetricResult]) -> bool:
    """A metric that decides ended badly, so the run ends."""
    return any(result.phase in BAD and result.name not in content.dry for result in results)


def cases_of(content: Content, results: Iterable[MetricResult], *, terminating: bool) -> dict[str, Case]:
    """Every metric of the spec, those not measured yet with an empty result."""
    known = {result.name: result for result in results}
    return {
        metric.name: Case(
            content.limits[metric.name], known.get(metric.name, MetricResult(name=metric.name)), terminating
        )
        for metric in content.metrics
    }
