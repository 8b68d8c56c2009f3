"""A sandbox of kind made, used and deleted: with scripted programs everywhere, for real where an engine answers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rollouts.cli.recipes import recipe
from rollouts.sandbox import backends, cluster, kind
from rollouts.sandbox.engine import engine_complaint
from rollouts.sandbox.errors import Missing, SandboxError
from rollouts.sandbox.kind import KindSandbox, KindState
from rollouts.sandbox.places import directory_of
from rollouts.sandbox.recipe import Recipe
from tests.sandbox.programs import Programs

CHECKOUT = Path(__file__).resolve().parents[2]
RECIPE = Recipe(CHECKOUT, "charts/rollouts", "rollouts:0.1.0")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """A machine with an engine, kind, helm and kubectl, none of which is real."""
    made = Programs(tmp_path)
    monkeypatch.setenv("PATH", str(made.path))
    for variable in ("XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.delenv("ROLLOUTS_SANDBOX", raising=False)
    return made


def silent(sentence: str) -> None:
    """Tell nobody."""


def command(*words: str) -> "subprocess.CompletedProcess[str]":
    """The command line, as a person types it."""
    argv = [sys.executable, "-m", "rollouts", "sandbox", *words]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    return subprocess.run(argv, capture_output=True, text=True, check=False, env=environment)


def test_up_builds_creates_loads_and_installs_in_this_order(programs):
    said: list[str] = []
    kind.up("shop", RECIPE, said.append)
    made = [(call[0], call[1]) for call in programs.calls if call[1] not in {"get", "version"}]
    assert made == [
        ("docker", "info"),
        *[("docker", "build")] * 4,
        ("kind", "create"),
        *[("kind", "load")] * 4,
        ("helm", "upgrade"),
    ]
    assert said[0] == "building the image rollouts:0.1.0"
    assert said[-1] == "installing the chart charts/rollouts"


def test_the_images_are_the_controllers_and_the_applications_in_every_version(programs):
    kind.up("shop", RECIPE, silent)
    built = programs.said("docker", "build")
    assert built[0] == ["docker", "build", "--target", "controller", "--tag", "rollouts:0.1.0", str(CHECKOUT)]
    assert built[3][2:6] == ["--target", "application", "--build-arg", "VERSION=v3-errors5"]
    names = ["rollouts:0.1.0", "web:v1", "web:v2", "web:v3-errors5"]
    loaded = programs.said("kind", "load")
    assert loaded == [["kind", "load", "docker-image", name, "--name", "rollouts-shop"] for name in names]


def test_the_chart_is_installed_with_the_image_on_the_nodes(programs):
    sandbox = kind.up("shop", RECIPE, silent)
    (installed,) = programs.said("helm", "upgrade")
    assert installed[1:5] == ["upgrade", "--install", "rollouts", "charts/rollouts"]
    assert installed[installed.index("--kubeconfig") + 1] == str(sandbox.kubeconfig)
    given = [installed[place + 1] for place, word in enumerate(installed) if word == "--set-string"]
    assert given == ["image.repository=rollouts", "image.tag=0.1.0", "image.pullPolicy=Never"]
    assert "--wait" in installed


def test_it_is_up_until_it_is_taken_down(programs):
    sandbox = kind.up("shop", RECIPE, silent)
    assert sandbox.is_up
    assert isinstance(backends.find("shop"), KindSandbox)
    sandbox.down()
    assert programs.clusters == []
    assert not sandbox.directory.exists()
    with pytest.raises(SandboxError, match="is not up"):
        backends.find("shop")


@pytest.mark.parametrize("step", ["docker build", "kind create", "kind load", "helm upgrade"])
def test_a_step_that_fails_is_shown_and_leaves_nothing(programs, step):
    programs.fail(step)
    with pytest.raises(SandboxError, match=rf"(?s){step}.* failed with 1:\nCannot do it"):
        kind.up("shop", RECIPE, silent)
    assert programs.clusters == []
    assert not directory_of("shop").exists()


def test_what_a_killed_up_left_is_cleared_first(programs):
    half = KindSandbox(directory_of("shop"))
    half.record(KindState("shop", "starting"))
    (programs.place / "clusters").write_text("rollouts-shop\n")
    assert not half.is_up
    assert kind.up("shop", RECIPE, silent).is_up
    assert programs.clusters == ["rollouts-shop"]


def test_a_second_up_is_refused_for_either_make(programs):
    kind.up("shop", RECIPE, silent)
    with pytest.raises(SandboxError, match="is up already"):
        kind.up("shop", RECIPE, silent)
    with pytest.raises(SandboxError, match="is up already"):
        cluster.up("shop")
    assert programs.clusters == ["rollouts-shop"]


def test_a_name_that_processes_have_is_refused(programs):
    directory_of("shop").mkdir(parents=True)
    with pytest.raises(SandboxError, match="is made of processes"):
        kind.up("shop", RECIPE, silent)


def test_without_an_engine_it_says_so_and_that_it_is_not_needed(programs):
    programs.fail("docker info")
    with pytest.raises(
        SandboxError, match=r"none answers \(`docker info`: Cannot do it: docker\).*without it needs none"
    ):
        kind.up("shop", RECIPE, silent)
    programs.remove("docker")
    assert engine_complaint() == "there is no `docker` on PATH"


@pytest.mark.parametrize("name", ["kind", "helm", "kubectl"])
def test_a_program_that_is_missing_is_named_before_anything_is_made(programs, name):
    programs.remove(name)
    with pytest.raises(Missing, match=f"^{name} not found"):
        kind.up("shop", RECIPE, silent)
    assert [call for call in programs.calls if call[1] in {"build", "create", "load", "upgrade"}] == []
    assert not directory_of("shop").exists()


def test_a_given_image_is_not_built_and_stands_alone(programs):
    kind.up("shop", recipe("registry.example.com:5000/rollouts:1.2", "oci://charts/rollouts"), silent)
    assert programs.said("docker", "build") == []
    assert len(programs.said("kind", "load")) == 1
    assert "image.repository=registry.example.com:5000/rollouts" in programs.said("helm", "upgrade")[0]


def test_the_command_line_is_the_same_as_of_processes(programs):
    made = command("up", "--backend", "kind", "--name", "shop")
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("sandbox shop ready in ")
    (listed,) = json.loads(command("status", "--output", "json").stdout)
    assert (listed["backend"], listed["phase"]) == ("kind", "ready")
    ran = command("exec", "--name", "shop", "--", "kubectl", "get", "pods")
    assert ran.stdout == f"{listed['kubeconfig']} get pods\n"
    assert command("publish", "8080:80", "--name", "shop").stderr.startswith("error: sandbox 'shop' is one of kind")
    assert command("load", "http://x/", "--name", "shop").returncode == 1
    assert command("down", "--name", "shop").stdout == "sandbox shop is gone\n"
    assert programs.clusters == []


def test_a_cluster_deleted_behind_its_back_is_dead_and_one_without_kind_unknown(programs):
    kind.up("shop", RECIPE, silent)
    (programs.place / "clusters").write_text("")
    assert json.loads(command("status", "--output", "json").stdout)[0]["phase"] == "dead"
    programs.remove("kind")
    (listed,) = json.loads(command("status", "--output", "json").stdout)
    assert listed["phase"] == "unknown"
    assert listed["message"].startswith("kind not found on PATH")


def test_down_of_all_takes_those_of_kind_too(programs):
    kind.up("one", RECIPE, silent)
    kind.up("two", RECIPE, silent)
    assert command("down", "--all").returncode == 0
    assert programs.clusters == []


def test_an_unknown_backend_is_a_usage_error(programs):
    assert "neither processes nor kind" in command("up", "--backend", "minikube").stderr


@pytest.mark.e2e
@pytest.mark.timeout(1800)
def test_for_real(state_root):
    if complaint := engine_complaint():
        pytest.skip(f"no container engine answers: {complaint}")
    sandbox = kind.up("for-real", recipe("", ""), print)
    try:
        shown = ["kubectl", "get", "deployments", "--all-namespaces", "-o", "jsonpath={.items[*].status.readyReplicas}"]
        assert sandbox.exec(shown, capture_output=True).stdout.split()
        crds = sandbox.exec(["kubectl", "get", "crd", "rollouts.argoproj.io"], capture_output=True)
        assert crds.returncode == 0
    finally:
        sandbox.down()
