"""Fixtures of the chart's tests: Helm, and what it makes of values."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from rollouts.sandbox.binaries import HELM, KUBERNETES, find

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts/rollouts"
ADMISSION = "admissionregistration.k8s.io/v1"
POLICIES = (f"{ADMISSION}/MutatingAdmissionPolicy", f"{ADMISSION}/ValidatingAdmissionPolicy")
MONITORS = "monitoring.coreos.com/v1/ServiceMonitor"

Render = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="session")
def helm() -> Path:
    """`make test` builds it; a plain pytest does without."""
    found = find(HELM)
    if found is None:
        pytest.skip("needs helm, which `make manifests` or `make test` builds once")
    return found


@pytest.fixture(scope="session")
def run(helm: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Helm with *values* given as it would get them from a file."""

    def invoke(*argv: str, values: Any = None) -> "subprocess.CompletedProcess[str]":
        command = [str(helm), *argv, "--values", "-"]
        return subprocess.run(command, input=json.dumps(values or {}), capture_output=True, text=True, check=False)

    return invoke


@pytest.fixture(scope="session")
def render(run: Callable[..., "subprocess.CompletedProcess[str]"]) -> Render:
    """The objects of a release `rollouts` in namespace `argo-rollouts`, on a cluster that serves *apis* too."""

    def objects(values: Any = None, *, apis: tuple[str, ...] = (), kube: str = KUBERNETES) -> list[dict[str, Any]]:
        served = [f"--api-versions={api}" for api in apis]
        place = ("--namespace", "argo-rollouts", "--kube-version", kube)
        done = run("template", "rollouts", str(CHART), *place, *served, values=values)
        assert done.returncode == 0, done.stderr
        return [found for found in yaml.safe_load_all(done.stdout) if found]

    return objects


def of_kind(objects: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Those of one kind."""
    return [found for found in objects if found["kind"] == kind]
