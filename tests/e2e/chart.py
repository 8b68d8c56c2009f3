"""Words in which tests of the chart are written: render it, install it, and ask what the API server makes of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

from rollouts.sandbox.binaries import HELM, KUBERNETES, find
from tests.e2e.scene import Scene

CHART = Path(__file__).resolve().parents[2] / "charts/rollouts"
ADMISSION = "admissionregistration.k8s.io/v1"
SERVED = (f"{ADMISSION}/MutatingAdmissionPolicy", f"{ADMISSION}/ValidatingAdmissionPolicy")
# The controller under test has the account `rollouts` in `argo-rollouts`, whatever the release is called.
OURS = {"serviceAccount": {"create": False, "name": "rollouts"}, "installCRDs": False}
POLICIES = ("pin-partitions.yaml", "guard-routes.yaml", "warnings.yaml")


def helm() -> str:
    """The program; `tests/run.py` has seen to it."""
    found = find(HELM)
    assert found is not None, "helm is missing: `make manifests` builds it"
    return str(found)


async def rendered(scene: Scene, values: Mapping[str, Any], *show: str, namespace: str = "argo-rollouts") -> str:
    """Manifests of a release named after the test's namespace; only those of the templates *show*, if given."""
    place = ("--namespace", namespace, "--kube-version", KUBERNETES, *(f"--api-versions={api}" for api in SERVED))
    only = [word for template in show for word in ("--show-only", f"templates/{template}")]
    name = f"t-{scene.namespace[-45:].strip('-')}"
    command = (helm(), "template", name, str(CHART), *place, *only, "--values", "-")
    return await scene.command(*command, stdin=json.dumps({"fullnameOverride": name, **values}))


@asynccontextmanager
async def policies(scene: Scene, *names: str, **more: Any) -> AsyncIterator[None]:
    """Admission policies of the chart, in force in the test's namespace alone while the body runs."""
    here = {"matchLabels": {"kubernetes.io/metadata.name": scene.namespace}}
    asked = {name: {"enabled": True, "namespaceSelector": here} for name in names}
    text = await rendered(scene, {**OURS, "policies": {**asked, **more}}, *_templates(names))
    await scene.kubectl("apply", "-f", "-", stdin=text)
    try:
        yield
    finally:
        await asyncio.shield(scene.kubectl("delete", "-f", "-", stdin=text))


def _templates(names: tuple[str, ...]) -> list[str]:
    files = {"pinPartitions": POLICIES[0], "guardRoutes": POLICIES[1], "warnings": POLICIES[2]}
    return [files[name] for name in names]


async def stored(scene: Scene, manifest: dict[str, Any], *how: str) -> dict[str, Any]:
    """kubectl apply; the object as the API server stored it in answer to this very request."""
    text = yaml.safe_dump(scene.placed(manifest))
    said = await scene.kubectl("apply", *how, "--output", "json", "-f", "-", stdin=text)
    return json.loads(said[said.index("{") : said.rindex("}") + 1])


async def warned(scene: Scene, manifest: dict[str, Any]) -> list[str]:
    """What `kubectl apply` of *manifest* prints of our policy; nothing is stored."""
    text = yaml.safe_dump(scene.placed(manifest))
    said = await scene.kubectl("apply", "--dry-run=server", "-f", "-", stdin=text)
    told = (line for line in said.splitlines() if "ValidatingAdmissionPolicy 'warnings." in line)
    return [line.partition(" is invalid: ")[2] for line in told]
