"""Traps of serving this API that are about measuring; the list of all is in tests/planner."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from analysis.answers import Pending, Reading
from analysis.expr.conditions import judge
from analysis.http import Response
from analysis.limits import InvalidMetricError, dry_run_names
from analysis.providers.base import Asked, Tools
from analysis.providers.job import PROVIDER
from analysis.providers.prometheus import read
from rollouts.api import kinds
from rollouts.api.analysis import AnalysisRun, DryRun, Measurement, Metric
from rollouts.api.crds import DEFINITIONS
from rollouts.api.providers import JobMetric
from rollouts.api.rollout import Rollout
from rollouts.api.workloads import Deployment, Pod, PodDisruptionBudget, ReplicaSet, StatefulSet
from rollouts.wire.decode import decode

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def phase(result, success):
    return judge(result, success, "", NOW).phase


def vector(*values):
    """What Prometheus answers to a query that finds these."""
    found = [{"metric": {}, "value": [1.0, str(value)]} for value in values]
    body = {"status": "success", "data": {"resultType": "vector", "result": found}}
    return read(Response(200, json.dumps(body).encode()))


def test_trap_10_a_vector_of_one_is_a_list_of_one():
    """A condition on a query's result has to take its first element, however few there are."""
    result = vector(0.5).value
    assert result == [0.5]
    assert (phase(result, "result[0] < 1"), phase(result, "result < 1")) == ("Successful", "Error")


@pytest.mark.parametrize(
    ("result", "condition", "outcome"),
    [
        ([], "len(result) == 0 || result[0] < 1", "Successful"),
        ([], "result[0] < 1", "Error"),
        ([], "default(result, 0) == 0", "Failed"),
        (None, "default(result, 0) == 0", "Successful"),
        (None, "result == nil", "Successful"),
        (None, "len(result) == 0", "Error"),
    ],
)
def test_trap_11_no_data_is_an_empty_list_or_nil(result, condition, outcome):
    """Some providers answer nothing with a list, some with nil; each has its own way of being asked for."""
    assert phase(result, condition) == outcome


def test_trap_11_prometheus_answers_nothing_with_a_list():
    """So a condition for no data is one on its length."""
    assert vector().value == []


class Cluster:
    """One Job that has ended, and nobody who tells of it."""

    namespace = ""

    async def get(self, namespace, name):
        assert (namespace, name) == ("ns", "uid.smoke.1")
        return {"status": {"conditions": [{"type": "Failed", "status": "True"}]}}


async def test_trap_12_a_job_that_ended_unwatched_is_found_by_its_measurement():
    """Whoever starts anew has only the measurement's metadata, and no event will ever come."""
    named = {"job-name": "uid.smoke.1", "job-namespace": "ns"}
    metric = Metric.model_validate({"name": "smoke", "provider": {"job": {"spec": {}}}})
    before = Measurement(phase="Running", started_at=NOW - timedelta(minutes=1), metadata=named)
    asked = Asked(namespace="ns", run="run", run_uid="uid", metric=metric, previous=before)
    config = JobMetric.model_validate({"spec": {"template": {"spec": {"restartPolicy": "Never"}}}})
    outcome = await PROVIDER.measure(config, Tools(None, None, lambda: NOW, jobs=Cluster()), asked)
    assert not isinstance(outcome, Pending)
    assert (type(outcome), outcome.phase) == (Reading, "Failed")


def test_trap_18_a_run_without_status_is_read_and_its_kind_has_no_status_subresource():
    """A run has no status until somebody writes one, and that is written with the object."""
    assert decode(AnalysisRun, {"metadata": {"name": "run"}, "spec": {}}).status.phase == ""
    found = {definition.kind: definition.subresources for definition in DEFINITIONS}
    assert (found[kinds.ANALYSIS_RUN], found[kinds.EXPERIMENT], "status" in found[kinds.ROLLOUT]) == ({}, {}, True)


@pytest.mark.parametrize(
    "form", [Rollout, ReplicaSet, Deployment, StatefulSet, Pod, PodDisruptionBudget], ids=lambda form: form.__name__
)
def test_trap_18_an_object_without_status_is_read(form):
    """Everything is seen once before whoever owns it writes a status."""
    bare = decode(form, {"metadata": {"name": "web"}})
    assert bare.status == decode(form, {"metadata": {"name": "web"}, "status": {}}).status


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("error-.*", {"error-rate", "error-share"}),
        ("^latency$", {"latency"}),
        ("rate", {"error-rate"}),
        (".*", None),
    ],
)
def test_trap_21_a_rule_of_dry_runs_is_a_pattern(pattern, names):
    """A rule names all metrics in whose name it is found, not one."""
    metrics = [Metric(name=name, provider={}) for name in ("error-rate", "error-share", "latency")]
    wanted = names or {metric.name for metric in metrics}
    assert dry_run_names([DryRun(metric_name=pattern)], metrics) == wanted


@pytest.mark.parametrize("pattern", ["*", "nothing-like-it"])
def test_trap_21_a_rule_that_names_no_metric_is_an_error(pattern):
    """A star is what people write for everything; as a pattern it is none."""
    with pytest.raises(InvalidMetricError, match="Rule didn't match any metric name"):
        dry_run_names([DryRun(metric_name=pattern)], [Metric(name="latency", provider={})])
