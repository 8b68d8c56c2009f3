import yaml
from typer.testing import CliRunner

from rollouts.api.crds import DEFINITIONS, crd
from rollouts.cli.app import build

NAMES = sorted(crd(one)["metadata"]["name"] for one in DEFINITIONS)


def run(*arguments):
    return CliRunner().invoke(build(["crds"]), ["crds", *arguments])


def test_the_definitions_of_all_kinds_are_printed():
    printed = list(yaml.safe_load_all(run("print").output))
    assert sorted(one["metadata"]["name"] for one in printed) == NAMES


def test_a_dry_run_says_what_would_be_applied():
    assert run("apply", "--dry-run").output.split("\n")[:-1] == [f"would apply {name}" for name in NAMES]


def test_a_kubeconfig_that_is_not_there_is_an_error_that_says_so(tmp_path):
    result = run("apply", "--kubeconfig", str(tmp_path / "none"))
    assert result.exit_code == 1
    assert "no kubeconfig" in result.output
