import json
from pathlib import Path

import pytest

from rollouts.api.crds import DEFINITIONS, crd

RECORDED = [json.loads(line) for line in (Path(__file__).parent / "recorded_specs.jsonl").read_text().splitlines()]
CRDS = {definition.kind.name: crd(definition) for definition in DEFINITIONS}
OPEN = "x-kubernetes-preserve-unknown-fields"


def version(kind):
    return CRDS[kind]["spec"]["versions"][0]


def at(kind, path):
    """The schema of the field at a path such as `spec.strategy.canary.steps[].pause`."""
    schema = version(kind)["schema"]["openAPIV3Schema"]
    for name in path.replace("[]", ".[]").split("."):
        schema = schema["items"] if name == "[]" else schema["properties"][name]
    return schema


def pruned(schema, value):
    """The value as the API server would store it."""
    if OPEN in schema or not isinstance(value, dict | list):
        return value
    if isinstance(value, list):
        return [pruned(schema["items"], item) for item in value]
    if "additionalProperties" in schema:
        return {key: pruned(schema["additionalProperties"], member) for key, member in value.items()}
    fields = schema["properties"]
    return {key: pruned(fields[key], member) for key, member in value.items() if key in fields}


@pytest.mark.parametrize(
    ("kind", "name", "short"),
    [
        ("Rollout", "rollouts.argoproj.io", "ro"),
        ("AnalysisRun", "analysisruns.argoproj.io", "ar"),
        ("AnalysisTemplate", "analysistemplates.argoproj.io", "at"),
        ("ClusterAnalysisTemplate", "clusteranalysistemplates.argoproj.io", "cat"),
        ("Experiment", "experiments.argoproj.io", "exp"),
    ],
)
def test_names(kind, name, short):
    definition = CRDS[kind]
    assert definition["metadata"]["name"] == name
    assert definition["spec"]["names"] == {
        "kind": kind,
        "listKind": f"{kind}List",
        "plural": name.split(".")[0],
        "singular": kind.lower(),
        "shortNames": [short],
    }


def test_only_cluster_templates_have_no_namespace():
    assert {kind for kind, one in CRDS.items() if one["spec"]["scope"] == "Cluster"} == {"ClusterAnalysisTemplate"}


def test_only_rollouts_have_subresources():
    assert {kind for kind in CRDS if "subresources" in version(kind)} == {"Rollout"}
    assert version("Rollout")["subresources"] == {
        "status": {},
        "scale": {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.HPAReplicas",
            "labelSelectorPath": ".status.selector",
        },
    }


def test_columns():
    shown = {kind: [column["name"] for column in version(kind)["additionalPrinterColumns"]] for kind in CRDS}
    assert shown == {
        "Rollout": ["Desired", "Current", "Up-to-date", "Available", "Age"],
        "AnalysisRun": ["Status", "Age"],
        "AnalysisTemplate": ["Age"],
        "ClusterAnalysisTemplate": ["Age"],
        "Experiment": ["Status", "Age"],
    }


def test_fields_that_take_numbers_and_strings():
    canary = "spec.strategy.canary"
    for path in (f"{canary}.maxSurge", f"{canary}.maxUnavailable", f"{canary}.steps[].pause.duration"):
        assert at("Rollout", path)["x-kubernetes-int-or-string"]
    for field in ("count", "failureLimit", "inconclusiveLimit", "consecutiveErrorLimit", "consecutiveSuccessLimit"):
        assert at("AnalysisTemplate", f"spec.metrics[].{field}")["x-kubernetes-int-or-string"]


def test_fields_that_keep_what_they_do_not_know():
    canary = "spec.strategy.canary"
    for path in ("spec.template", f"{canary}.trafficRouting.plugins", f"{canary}.steps[].plugin.config"):
        assert at("Rollout", path)[OPEN]
    assert at("Experiment", "spec.templates[].template")[OPEN]
    assert at("AnalysisRun", "spec.metrics[].provider.plugin")[OPEN]
    assert at("AnalysisRun", "spec.metrics[].provider.job.spec")[OPEN]


def test_a_selector_cannot_change():
    (rule,) = at("Rollout", "spec.selector")["x-kubernetes-validations"]
    assert rule["rule"] == "self == oldSelf"


def test_what_the_contract_requires_is_required():
    strategy = "spec.strategy"
    assert at("Rollout", f"{strategy}.blueGreen")["required"] == ["activeService"]
    assert at("Rollout", f"{strategy}.canary.pingPong")["required"] == ["pingService", "pongService"]
    assert at("Rollout", f"{strategy}.canary.steps[].experiment")["required"] == ["templates"]
    assert at("Rollout", f"{strategy}.canary.trafficRouting.alb")["required"] == ["servicePort"]
    assert "required" not in at("Rollout", "spec")
    assert "required" not in at("Rollout", f"{strategy}.canary.steps[]")


@pytest.mark.parametrize("one", RECORDED, ids=lambda one: one["kind"])
def test_no_field_that_argo_rollouts_stored_is_pruned(one):
    assert pruned(at(one["kind"], "spec"), one["spec"]) == one["spec"]


def test_every_status_that_argo_rollouts_wrote_is_kept_whole():
    for kind, name in (("Rollout", "rollout_statuses.jsonl"), ("Experiment", "experiment_statuses.jsonl")):
        for line in (Path(__file__).parent / name).read_text().splitlines():
            assert pruned(at(kind, "status"), json.loads(line)) == json.loads(line)


def test_every_definition_fits_in_etcd_with_room_to_spare():
    assert max(len(json.dumps(one)) for one in CRDS.values()) < 200_000
