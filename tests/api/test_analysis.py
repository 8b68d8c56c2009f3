import msgspec
import pytest

from rollouts.api.analysis import (
    AnalysisRunStatus,
    MetricResult,
    Phase,
    RunSummary,
    parse_run_spec,
    parse_template_spec,
)
from rollouts.api.model import SpecError
from rollouts.api.providers import Provider

EVERY = {
    "prometheus": {"address": "a", "query": "q", "timeout": 1, "rangeQuery": {"start": "s", "end": "e", "step": "1s"}},
    "kayenta": {
        "address": "a",
        "application": "a",
        "canaryConfigName": "c",
        "metricsAccountName": "m",
        "configurationAccountName": "c",
        "storageAccountName": "s",
        "threshold": {"pass": 90, "marginal": 75},
        "scopes": [
            {
                "name": "n",
                "controlScope": {"scope": "s", "region": "r", "step": 60, "start": "s", "end": "e"},
                "experimentScope": {"scope": "s", "region": "r", "step": 60, "start": "s", "end": "e"},
            }
        ],
        "lookback": True,
    },
    "web": {"url": "u", "jsonBody": {"a": 1}, "timeoutSeconds": 1, "insecure": True},
    "datadog": {
        "queries": {"a": "q"},
        "formula": "a",
        "apiVersion": "v2",
        "secretRef": {"name": "s", "namespaced": True},
    },
    "wavefront": {"address": "a", "query": "q"},
    "newRelic": {"profile": "p", "query": "q", "timeout": 1},
    "job": {"metadata": {"labels": {"a": "b"}}, "spec": {"template": {}}},
    "cloudWatch": {
        "interval": "5m",
        "metricDataQueries": [
            {
                "id": "a",
                "metricStat": {
                    "metric": {"dimensions": [{"name": "n", "value": "v"}], "metricName": "m", "namespace": "n"},
                    "period": "5m",
                    "stat": "Sum",
                    "unit": "None",
                },
                "returnData": False,
            }
        ],
    },
    "graphite": {"address": "a", "query": "q"},
    "influxdb": {"profile": "p", "query": "q"},
    "skywalking": {"address": "a", "query": "q", "interval": "1m"},
    "plugin": {"a/b": {"any": ["thing"]}},
}


@pytest.mark.parametrize("name", EVERY)
def test_every_provider_of_the_contract_is_kept_whole(name):
    metric = {"name": "m", "provider": {name: EVERY[name]}}
    spec = parse_template_spec({"metrics": [metric]})
    assert spec.model_dump(by_alias=True, mode="json", exclude_unset=True) == {"metrics": [metric]}
    assert spec.metrics[0].provider.chosen == (("a/b",) if name == "plugin" else (name,))


def test_every_provider_is_tried_above():
    assert {field.alias for field in Provider.model_fields.values()} == set(EVERY)


def test_a_spec_is_parsed_once():
    raw = {"metrics": []}
    assert parse_run_spec(raw) is parse_run_spec({"metrics": []})


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ({}, "spec.metrics"),
        ({"metrics": [{"provider": {}}]}, "spec.metrics[0].name"),
        ({"metrics": [{"name": "m", "provider": {"web": {}}}]}, "spec.metrics[0].provider.web.url"),
        ({"metrics": [{"name": "m", "provider": {}, "count": 1.5}]}, "spec.metrics[0].count"),
    ],
)
def test_a_field_that_does_not_fit_is_named(raw, path):
    with pytest.raises(SpecError) as error:
        parse_run_spec(raw)
    assert error.value.problem.path == path


def test_a_status_is_written_as_recorded():
    status = AnalysisRunStatus(
        phase=Phase.RUNNING,
        metric_results=(MetricResult(name="m", phase=Phase.RUNNING, dry_run=True),),
        run_summary=RunSummary(count=1),
        dry_run_summary=RunSummary(),
    )
    assert msgspec.json.decode(msgspec.json.encode(status)) == {
        "phase": "Running",
        "metricResults": [{"name": "m", "phase": "Running", "dryRun": True}],
        "runSummary": {"count": 1},
        "dryRunSummary": {},
    }
