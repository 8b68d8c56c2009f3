"""The chart on the real API server: every manifest accepted, the rights enough and no more, the arguments at work."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from rollouts.api.keys import INSTANCE_ID_LABEL
from rollouts.sandbox.accounts import SERVER
from tests.e2e.chart import CHART, helm, rendered
from tests.e2e.scene import Scene, pause, rollout, weight

MANIFESTS = {path.stem: path.read_text() for path in sorted((CHART.parent / "manifests").glob("*.yaml"))}
EVERYTHING = {
    "policies": {name: {"enabled": True} for name in ("pinPartitions", "guardRoutes", "warnings")},
    "serviceMonitor": {"enabled": True},
    "dashboard": {"enabled": True},
    "networkPolicy": {"metricsFrom": [{"podSelector": {}}], "egress": [{"ports": [{"port": 443}]}]},
    "priorityClassName": "system-cluster-critical",
    "commonLabels": {"team": "platform"},
}
VALUES = {
    "plain": {},
    "everything": EVERYTHING,
    "one namespace": {"namespaced": True, "installCRDs": False},
    "alone": {"replicas": 1, "leaderElection": {"enabled": False}},
}
PORTS = {"health": 18280, "metrics": 18290}


async def accepted(scene: Scene, text: str) -> list[str]:
    """Names of what the API server would store, of all of it."""
    dry = ("--dry-run=server", "--server-side", "--force-conflicts", "--output", "name")
    said = await scene.command("kubectl", "apply", *dry, "-f", "-", stdin=text)
    assert "Warning" not in said
    names = said.split()
    assert len(names) == sum(1 for found in yaml.safe_load_all(text) if found)
    return names


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
async def test_the_api_server_takes_every_manifest(scene: Scene, values: dict[str, Any]):
    names = await accepted(scene, await rendered(scene, values))
    assert any(name.startswith("deployment.apps/") for name in names)
    assert ("policies" in values) == any("admissionpolicy." in name for name in names)


@pytest.mark.parametrize("name", MANIFESTS)
async def test_the_api_server_takes_the_plain_manifests(scene: Scene, name: str):
    await accepted(scene, MANIFESTS[name])


@asynccontextmanager
async def installed(scene: Scene, values: dict[str, Any]) -> AsyncIterator[str]:
    """A release of helm's in the test's namespace while the body runs; yields its name."""
    name = f"t-{scene.namespace[-45:].strip('-')}"
    own = {"fullnameOverride": name, "installCRDs": False, **values}
    place = ("--namespace", scene.namespace, "--values", "-")
    said = await scene.command(helm(), "upgrade", "--install", name, str(CHART), *place, stdin=json.dumps(own))
    assert "STATUS: deployed" in said
    try:
        yield name
    finally:
        await scene.command(helm(), "uninstall", name, "--namespace", scene.namespace)


async def test_its_pods_run_where_only_restricted_ones_may(scene: Scene):
    enforce = "pod-security.kubernetes.io/enforce=restricted"
    await scene.kubectl("label", "namespace", scene.namespace, enforce)
    async with installed(scene, {}) as name:
        await scene.kubectl("wait", f"deployment/{name}", "--for=create", "--timeout=30s")
        pods = await scene.until("two pods", lambda: pods_of(scene, name))
        assert {pod["spec"]["serviceAccountName"] for pod in pods} == {name}
        assert await scene.kubectl("get", "poddisruptionbudget", name, "--output", "name")
    assert await scene.kubectl("get", "deployment,role,networkpolicy", "--output", "name") == ""


async def pods_of(scene: Scene, release: str) -> list[dict[str, Any]] | None:
    said = await scene.kubectl("get", "pods", "-l", f"app.kubernetes.io/instance={release}", "--output", "json")
    found: list[dict[str, Any]] = json.loads(said)["items"]
    return found if len(found) == 2 else None


async def test_a_weaker_pod_would_not_run_there(scene: Scene):
    enforce = "pod-security.kubernetes.io/enforce=restricted"
    await scene.kubectl("label", "namespace", scene.namespace, enforce)
    async with installed(scene, {"securityContext": {"allowPrivilegeEscalation": True}}):

        async def forbidden() -> bool:
            return "violates PodSecurity" in await scene.kubectl("get", "events")

        await scene.until("refused", forbidden)
        assert await scene.kubectl("get", "pods", "--output", "name") == ""


# people


async def bound(scene: Scene, role: str) -> tuple[str, ...]:
    """Somebody with one of Kubernetes' own roles everywhere; yields the words that make kubectl them."""
    user, name = f"{role}er@{scene.namespace}", f"{scene.namespace}-{role}"
    await scene.kubectl("create", "clusterrolebinding", name, f"--clusterrole={role}", f"--user={user}")
    return ("--as", user)


async def may(scene: Scene, person: tuple[str, ...], verb: str, resource: str, sub: str = "") -> bool:
    """What the API server's own review says."""
    asked = (verb, resource, *([f"--subresource={sub}"] if sub else []))
    # Beside the answer stands a warning where a kind belongs to no namespace.
    return "yes" in (await scene.kubectl("auth", "can-i", *asked, *person, check=False)).splitlines()


async def aggregated(scene: Scene, person: tuple[str, ...], role: str) -> None:
    """Wait until Kubernetes has added up what *role* may: it hands on from each role to the next, one after the other.

    The chart's part for each arrives as a whole, so that one right tells of all.
    """
    for lesser in list(RIGHTS)[: list(RIGHTS).index(role) + 1]:
        await scene.until(f"as {lesser}", lambda lesser=lesser: may(scene, person, *min(RIGHTS[lesser])))


async def tried(scene: Scene, person: tuple[str, ...], *command: str, stdin: str = "") -> bool:
    """Whether a real request of theirs went through; anything but a refusal for want of rights is a failure."""
    said = await scene.kubectl(*command, *person, stdin=stdin, check=False)
    if "Error" in said:
        assert "forbidden" in said, said
    return "Error" not in said


RIGHTS = {
    "view": {("get", "rollouts"), ("list", "analysisruns"), ("watch", "experiments"), ("get", "analysistemplates")},
    "edit": {
        ("patch", "rollouts"), ("update", "rollouts"), ("patch", "rollouts", "status"), ("patch", "rollouts", "scale"),
        ("patch", "analysisruns"), ("create", "rollouts"), ("delete", "rollouts"), ("delete", "experiments"),
        ("create", "analysistemplates"), ("deletecollection", "rollouts"),
    },
    "admin": {("create", "clusteranalysistemplates"), ("delete", "clusteranalysistemplates")},
}  # fmt: skip


@pytest.mark.parametrize("role", RIGHTS)
async def test_each_role_of_kubernetes_may_what_it_promises_and_no_more(scene: Scene, role: str):
    person = await bound(scene, role)
    order = list(RIGHTS)
    async with installed(scene, {}):
        await aggregated(scene, person, role)
        for other, rights in RIGHTS.items():
            for right in rights:
                assert await may(scene, person, *right) == (order.index(other) <= order.index(role)), right


ABORT = ("patch", "rollout", "web", "--subresource=status", "--type=merge", "-p", '{"status":{"abort":true}}')
PAUSE = ("patch", "rollout", "web", "--type=merge", "-p", '{"spec":{"paused":true}}')
IMAGE = (
    "patch", "rollout", "web", "--type=json",
    "-p", '[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"web:v2"}]',
)  # fmt: skip
EACH_MAY = {"view": (True, False, False), "edit": (True, True, True), "admin": (True, True, True)}


@pytest.mark.parametrize("role", EACH_MAY)
async def test_who_may_see_may_not_act_and_who_may_act_may_make(scene: Scene, role: str):
    sees, acts, makes = EACH_MAY[role]
    await scene.apply(rollout({"canary": {}}, replicas=1))
    await scene.phase("Healthy")
    person = await bound(scene, role)
    other = yaml.safe_dump(scene.placed({**rollout({"canary": {}}), "metadata": {"name": "other"}}))
    async with installed(scene, {}):
        await aggregated(scene, person, role)
        assert await tried(scene, person, "get", "rollouts") == sees
        for act in (IMAGE, ABORT, PAUSE):
            assert await tried(scene, person, *act) == acts
        assert await tried(scene, person, "create", "-f", "-", stdin=other) == makes
        assert await tried(scene, person, "delete", "rollout", "web") == makes


# the controller as the chart starts it


@asynccontextmanager
async def as_the_chart_says(scene: Scene, values: dict[str, Any]) -> AsyncIterator[Path]:
    """A controller with the account, the rights, the arguments and the environment of the release; yields its log."""
    # no pods: the sandbox's would listen on the same ports of the same network
    async with installed(scene, {"ports": PORTS, "replicas": 0, **values}) as name:
        (container,) = json.loads(await scene.kubectl("get", "deployment", name, "--output", "json"))["spec"][
            "template"
        ]["spec"]["containers"]
        token = (await scene.kubectl("create", "token", name)).strip()
        config = Path(os.environ["ROLLOUTS_SANDBOX"]) / f"{name}.kubeconfig"
        config.write_text(json.dumps(kubeconfig(scene.namespace, token)))
        environment = {**os.environ, "KUBECONFIG": str(config), "POD_NAMESPACE": scene.namespace}
        log = config.with_suffix(".log")
        with running(container["args"], environment, log):
            yield log


@contextmanager
def running(arguments: list[str], environment: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("wb") as out:
        command = [sys.executable, "-m", "rollouts", *arguments]
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
        try:
            yield
            assert process.poll() is None, log.read_text()[-3000:]
        finally:
            process.terminate()
            process.wait(timeout=30)
    assert process.returncode == 0, log.read_text()[-3000:]


def kubeconfig(namespace: str, token: str) -> dict[str, Any]:
    authority = str(Path(os.environ["ROLLOUTS_SANDBOX"]) / "ca.crt")
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "it", "cluster": {"server": SERVER, "certificate-authority": authority}}],
        "users": [{"name": "it", "user": {"token": token}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it", "namespace": namespace}}],
        "current-context": "it",
    }


async def test_a_namespaced_release_brings_a_rollout_through_and_is_refused_nothing(scene: Scene):
    own = {"namespaced": True, "instanceID": "chart", "rbac": {"aggregateRoles": False}}
    ours = rollout({"canary": {"steps": [weight(50), pause()]}}, replicas=2)
    ours["metadata"]["labels"] = {INSTANCE_ID_LABEL: "chart"}
    async with as_the_chart_says(scene, own) as log:
        await scene.until("ready", lambda: answers("/readyz", PORTS["health"]))
        await scene.apply(ours)
        await scene.phase("Healthy")
        await scene.image("web:v2")
        await scene.step(1)
        await scene.promote()
        await scene.phase("Healthy")
        assert "argo-rollouts-controller-lock-chart" in await scene.kubectl("get", "lease", "--output", "name")
        assert await answers("/healthz", PORTS["health"])
        await every_panel_has_its_metric(await answers("/metrics", PORTS["metrics"]))
    assert "forbidden" not in text_of(log).lower()


def text_of(log: Path) -> str:
    return log.read_text()


async def answers(path: str, port: int) -> str:
    """What the controller answers; "" while it does not."""
    try:
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as response:
            return await response.text() if response.status == 200 else ""
    except aiohttp.ClientConnectionError:
        return ""


async def every_panel_has_its_metric(metrics: str) -> None:
    """Prometheus can read each expression, and the controller has each family."""
    board = json.loads((CHART / "files/dashboard.json").read_text())
    expressions = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    async with aiohttp.ClientSession() as session:
        for expression in expressions:
            plain = expression.replace("$__rate_interval", "5m").replace("$namespace", ".*").replace("$rollout", ".*")
            async with session.get("http://127.0.0.1:9090/api/v1/query", params={"query": plain}) as response:
                assert response.status == 200, (plain, await response.text())
    families = {line.split()[2] for line in metrics.splitlines() if line.startswith("# TYPE")}
    assert {
        "rollout_info",
        "rollout_reconcile",
        "workqueue_depth",
        "controller_clientset_k8s_request_total",
    } <= families
