"""Argo Rollouts goes, ours comes: nothing is created, restarted or weighted anew, and the release goes on.

Each situation is a recording of Argo Rollouts stopped at one second, put on the API server with its statuses before our
controller looks at it. The audit log, which has every request, tells what it then does.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from rollouts.api.keys import GATEWAY_CANARY_LABEL, INSTANCE_ID_LABEL, SCALE_DOWN_DEADLINE
from rollouts.api.kinds import ANALYSIS_RUN, ANALYSIS_TEMPLATE, HTTP_ROUTE, REPLICA_SET
from rollouts.runtime.clock import SystemClock
from rollouts.wire.durations import rfc3339
from tests.chaos.mortal import Mortal, mortal
from tests.e2e.audit import Audit
from tests.e2e.frozen import ONE, Frozen, standing, thawed
from tests.e2e.scene import Scene
from trafficrouters.gatewayapi.originals import ORIGINALS

# What the old controller knew under other names: a release before Kubernetes 0.34 hashed creationTimestamp too.
OTHER_ERA = {"7c86cc4674": "6f5d8c7b9d", "7bfb67cdff": "58b4c9d6f7"}
HEAD = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate"}
# What a take-over may write: the status, books of ReplicaSets and Rollouts, Events; never a pod, a Service or a route.
QUIET_WRITES = {"patch/rollouts/status", "patch/replicasets", "create/events", "patch/events", "patch/rollouts"}


async def promote(scene: Scene) -> None:
    await scene.promote()


async def abort(scene: Scene) -> None:
    await scene.patch({"status": {"abort": True}}, sub="status")


async def retry(scene: Scene) -> None:
    await scene.patch({"status": {"abort": False}}, sub="status")
    await scene.phase("Paused")
    await scene.promote()


async def back(scene: Scene) -> None:
    await scene.image("web:1")


async def pass_deadlines(scene: Scene) -> None:
    """An hour passes for the pods that are to go."""
    past = {"metadata": {"annotations": {SCALE_DOWN_DEADLINE: rfc3339(SystemClock().now())}}}
    for found in await scene.all(REPLICA_SET):
        if SCALE_DOWN_DEADLINE in found["metadata"]["annotations"]:
            await scene.patch(past, name=found["metadata"]["name"], kind=REPLICA_SET)


async def wait(scene: Scene) -> None:
    """Nothing is left to be done."""


@dataclass(frozen=True)
class Situation:
    """What was left, the phase it must keep, what somebody does then, and how that ends: phase and sizes by image.

    *routed*: weights of its HTTPRoute in the end. That one is marked on take-over, its weights stay.
    """

    frozen: Frozen
    phase: str
    then: Callable[[Scene], Awaitable[None]]
    ends: str
    sizes: dict[str, int]
    routed: tuple[int, int] | None = None

    @property
    def writes(self) -> set[str]:
        """What may be written before anybody does anything."""
        return QUIET_WRITES | (set() if self.routed is None else {"patch/httproutes"})


SITUATIONS = {
    "nginx at step 4 of 6": Situation(Frozen("nginx", 7.0), "Paused", promote, "Healthy", {"web:1": 0, "web:2": 4}),
    "nginx, hashes of another release": Situation(
        Frozen("nginx", 7.0, OTHER_ERA), "Paused", promote, "Healthy", {"web:1": 0, "web:2": 4}
    ),
    "nginx, to be aborted": Situation(Frozen("nginx", 7.0), "Paused", abort, "Degraded", {"web:1": 4, "web:2": 2}),
    "nginx, an abort in progress": Situation(
        Frozen("nginx-abort", 6.5), "Degraded", pass_deadlines, "Degraded", {"web:1": 4, "web:2": 0}
    ),
    "canary at step 4 of 4": Situation(
        Frozen("canary-promote", 7.0), "Paused", promote, "Healthy", {"web:1": 0, "web:2": 4}
    ),
    "canary at step 2 of 4, to be aborted": Situation(
        Frozen("canary-promote", 3.6), "Paused", abort, "Degraded", {"web:1": 4, "web:2": 0}
    ),
    "canary, aborted, to be retried": Situation(
        Frozen("canary-abort-retry", 7.0), "Degraded", retry, "Healthy", {"web:1": 0, "web:2": 4}
    ),
    "blue-green waiting for promotion": Situation(
        Frozen("bluegreen", 4.5), "Paused", promote, "Healthy", {"web:1": 0, "web:2": 2}
    ),
    "blue-green, hashes of another release": Situation(
        Frozen("bluegreen", 4.5, OTHER_ERA), "Paused", promote, "Healthy", {"web:1": 0, "web:2": 2}
    ),
    "blue-green, an abort in progress": Situation(
        Frozen("bluegreen-abort", 5.0), "Degraded", pass_deadlines, "Degraded", {"web:1": 2, "web:2": 0}
    ),
    "blue-green, aborted, to be retried": Situation(
        Frozen("bluegreen-abort", 9.5), "Degraded", retry, "Healthy", {"web:2": 2}
    ),
    "blue-green inside its delay, to be undone": Situation(
        Frozen("bluegreen-fast-rollback", 4.5), "Healthy", back, "Healthy", {"web:1": 2}
    ),
    "gateway API at step 4 of 4": Situation(
        Frozen("gatewayapi", 8.0), "Paused", promote, "Healthy", {"web:1": 0, "web:2": 4}, routed=(100, 0)
    ),
    "idle": Situation(Frozen("nginx", 18.0), "Healthy", wait, "Healthy", {"web:1": 0, "web:2": 4}),
}


@pytest.mark.parametrize("name", SITUATIONS)
async def test_taken_over_as_it_stands(scene: Scene, name: str):
    situation = SITUATIONS[name]
    await thawed(scene, situation.frozen, SystemClock().now())
    before, left = await standing(scene), await scene.rollout()
    audit = Audit(scene.namespace)
    async with mortal(scene) as controller:
        await scene.until("at work", lambda: is_ready(controller))
        wrote = {one for one in await audit.quiet() if not one.startswith(("get/", "list/", "watch/"))}
        assert wrote <= situation.writes
        assert await standing(scene) == before
        taken = (await scene.rollout())["status"]
        assert taken["phase"] == situation.phase, taken.get("message")
        assert kept(taken) == kept(left["status"])
        await situation.then(scene)
        await scene.phase(situation.ends)
        await scene.until("sizes", lambda: sized(scene, situation.sizes))
        await scene.until("routes given back", lambda: given_back(scene, situation.routed))
    names = {one["metadata"]["name"] for one in await scene.all(REPLICA_SET)}
    assert names == {key.partition("/")[2] for key in before if key.startswith("ReplicaSet/")}


async def is_ready(controller: Mortal) -> bool:
    """It has seen everything."""
    return await controller.ready() == 200


def kept(status: dict[str, Any]) -> dict[str, Any]:
    """Where a release is."""
    names = ("stableRS", "currentPodHash", "currentStepIndex", "currentStepHash", "pauseConditions", "controllerPause",
             "abort", "abortedAt", "blueGreen", "canary", "replicas", "availableReplicas", "HPAReplicas")  # fmt: skip
    found = {name: status.get(name) for name in names}
    # What Argo Rollouts writes where a router can tell; ours can for every one.
    ((found["canary"] or {}).get("weights") or {}).pop("verified", None)
    return found


async def sized(scene: Scene, wanted: dict[str, int]) -> bool:
    found = await scene.sizes()
    return {image: found[image] for image in wanted} == wanted


async def given_back(scene: Scene, weights: tuple[int, int] | None) -> bool:
    """Neither our mark nor Argo Rollouts' is left on a route, and its pair has *weights*."""
    routes = await scene.all(HTTP_ROUTE)
    metadata = [route["metadata"] for route in routes]
    is_marked = any(ORIGINALS in one.get("annotations", {}) or GATEWAY_CANARY_LABEL in one.get("labels", {})
                    for one in metadata)  # fmt: skip
    pairs = [tuple(ref["weight"] for ref in route["spec"]["rules"][0]["backendRefs"]) for route in routes]
    return not is_marked and pairs == ([] if weights is None else [weights])


def template(scene: Scene, name: str) -> dict[str, Any]:
    """What is not in a recording: the template its runs were made of, of the same instance."""
    metadata = {"name": name, "labels": {INSTANCE_ID_LABEL: scene.namespace}}
    metrics = [{"name": "m", "count": 2, "interval": "1s", "provider": ONE}]
    return scene.placed({**HEAD, "metadata": metadata, "spec": {"metrics": metrics}})


async def test_a_run_in_progress_is_measured_on(scene: Scene):
    """Neither ended nor begun again; what was measured before stays."""
    await scene.client.create(ANALYSIS_TEMPLATE, scene.namespace, template(scene, "ok"))
    await thawed(scene, Frozen("bluegreen-analysis", 3.9), SystemClock().now())
    (run,) = await scene.all(ANALYSIS_RUN)
    assert run["status"]["phase"] == "Running"
    measured = run["status"]["metricResults"][0]["measurements"]
    async with mortal(scene):
        await scene.phase("Healthy")
        runs = {one["metadata"]["name"]: one for one in await scene.all(ANALYSIS_RUN)}
    after = runs[run["metadata"]["name"]]
    assert after["metadata"]["uid"] == run["metadata"]["uid"]
    assert after["status"]["metricResults"][0]["measurements"][: len(measured)] == measured
    assert {one["status"]["phase"] for one in runs.values()} == {"Successful"}
    assert len(runs) == 2, "the one before promotion and the one after it"
