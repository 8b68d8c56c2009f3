import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from rollouts.cli.app import build
from rollouts.cli.lint import Finding, findings
from tests.cli.given import rollout

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "AnalysisTemplate",
    "metadata": {"name": "rate"},
    "spec": {"metrics": [{"name": "m", "provider": {"prometheus": {"query": "up"}}}]},
}


def steps(*given, **more):
    return rollout(strategy={"canary": {"steps": list(given), **more}})


def lint(tmp_path, *bodies, more=()):
    path = tmp_path / "given.yaml"
    path.write_text(yaml.safe_dump_all(bodies))
    return CliRunner().invoke(build(["lint"]), ["lint", "-f", str(path), *more])


@pytest.mark.parametrize("file", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda path: path.name)
def test_the_examples_are_right(file):
    result = CliRunner().invoke(build(["lint"]), ["lint", "-f", str(file)])
    assert (result.exit_code, result.stdout) == (0, "nothing is wrong\n")


def test_what_the_controller_would_refuse_is_an_error_in_its_words(tmp_path):
    result = lint(tmp_path, steps({"setWeight": 101}))
    detail = "spec.strategy.steps[0].setWeight: Invalid value: 101: SetWeight needs to be between 0 and 100"
    assert (result.stdout, result.exit_code) == (f"error: Rollout web: {detail}\n", 1)


def test_what_is_named_and_not_in_the_files_is_a_warning(tmp_path):
    named = {"analysis": {"templates": [{"templateName": "rate"}]}}
    result = lint(tmp_path, steps(named))
    assert result.exit_code == 0
    assert result.stdout.startswith("warning: Rollout web: spec.strategy.canary.steps[0].analysis.templates:")
    assert "'rate' not found, at least not in these files" in result.stdout
    assert lint(tmp_path, {**TEMPLATE, "metadata": {"name": "rate", "namespace": "shop"}}, steps(named)).stdout == (
        "nothing is wrong\n"
    )


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"replica": 3}, "spec.replica"),
        ({"strategy": {"canary": {"stepz": []}}}, "spec.strategy.canary.stepz"),
        (
            {"strategy": {"canary": {"steps": [{"pause": {"durations": 1}}]}}},
            "spec.strategy.canary.steps[0].pause.durations",
        ),
    ],
)
def test_a_field_that_the_api_server_would_drop_is_an_error(change, path):
    body = rollout()
    body["spec"] |= change
    said = [one.text for one in findings([body])]
    assert any(text.startswith(f"{path}: Unknown field: the API server drops it; there are ") for text in said)


def test_a_template_keeps_fields_that_nobody_here_knows():
    body = rollout()
    body["spec"]["template"]["spec"]["brandNew"] = {"field": 1}
    assert list(findings([body])) == []


def test_wrong_types_in_an_analysis_are_errors():
    wrong = {**TEMPLATE, "spec": {"metrics": [{"name": "m", "provider": {"prometheus": {"timeout": "a"}}}]}}
    text = 'spec.metrics[0].provider.prometheus.timeout: Invalid value: "a": must be a whole number'
    assert list(findings([wrong])) == [Finding("AnalysisTemplate", "rate", text)]


def test_it_speaks_json(tmp_path):
    result = lint(tmp_path, steps({"setWeight": -1}), more=["-o", "json"])
    (found,) = json.loads(result.stdout)
    assert (found["kind"], found["name"], found["is_error"]) == ("Rollout", "web", True)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"kind": "Rollout"}, "not a manifest"),
        ({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {}}, "without metadata.name"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path, body, said):
    result = lint(tmp_path, body)
    assert said in result.stderr
    assert result.exit_code == 1
