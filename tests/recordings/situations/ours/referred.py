"""Templates that stand in another object, and who keeps the pods that were there before."""

from rollouts.api.kinds import DEPLOYMENT, POD_TEMPLATE
from tests.recordings.objects import (
    Manifest,
    canary,
    deployment,
    pause,
    referring,
    rollout,
    template,
    weight,
)
from tests.recordings.recording import Recording
from tests.recordings.situations.ours.words import aborted, paused_at, released, sized

DEP = (DEPLOYMENT, "dep")
TPL = (POD_TEMPLATE, "tpl")


def _size_of_deployment(x: Recording) -> tuple[int | None, int]:
    found = x.states.get(("Deployment", "dep"), {})
    return found.get("spec", {}).get("replicas"), found.get("status", {}).get("availableReplicas", 0)


async def _left(x: Recording, pods: int) -> None:
    """Wait until the Deployment wants and has so many pods."""
    await x.sees(f"{pods} pods of the Deployment", lambda: _size_of_deployment(x) == (pods, pods), 90)


async def _taken_over(x: Recording, scale_down: str, left: int, replicas: int = 2) -> None:
    await x.create(deployment(replicas))
    await _left(x, replicas)
    await x.create(referring(canary(weight(50), pause()), replicas, scale_down))
    await released(x, 1)
    await _left(x, left)


async def deployment_keeps_its_pods(x: Recording) -> None:
    """`never`: the Deployment goes on beside the Rollout, and an image in it is released by both."""
    await _taken_over(x, "never", left=2)
    await x.image("2", target=DEP)
    await paused_at(x, 1)
    await x.promote()
    await released(x, 2)
    await sized(x, 1, 0)
    await _left(x, 2)


async def deployment_gives_up_on_success(x: Recording) -> None:
    """`onsuccess`: gone once the first revision is there; an aborted second one does not bring it back."""
    await _taken_over(x, "onsuccess", left=0)
    await x.image("2", target=DEP)
    await paused_at(x, 1)
    await x.abort()
    await aborted(x)
    await sized(x, 2, 0)


async def deployment_gives_up_progressively(x: Recording) -> None:
    """`progressively`: as the first revision grows; the second one goes by its steps."""
    await _taken_over(x, "progressively", left=0, replicas=3)
    await x.image("2", target=DEP)
    await paused_at(x, 1)
    await x.promote()
    await released(x, 2)
    await sized(x, 1, 0)


async def deployment_comes_late(x: Recording) -> None:
    """The Deployment is created after the Rollout that refers to it."""
    await x.create(referring(canary(weight(50), pause()), 2, "never"))
    await x.phase("Degraded")
    await x.create(deployment(2))
    await released(x, 1)
    await _left(x, 2)


def _of_pod_template() -> Manifest:
    made = rollout(canary(weight(50), pause()), 2)
    del made["spec"]["template"]
    made["spec"]["workloadRef"] = {"apiVersion": "v1", "kind": "PodTemplate", "name": "tpl"}
    return made


async def pod_template(x: Recording) -> None:
    """A PodTemplate, and two images in it; the second is the first again."""
    made = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "tpl"}, "template": template()}
    await x.provide(made)
    await x.create(_of_pod_template())
    await released(x, 1)
    await x.image("2", target=TPL)
    await paused_at(x, 1)
    await x.image("1", target=TPL)
    await released(x, 3)
    await sized(x, 2, 0)


async def reference_becomes_a_template(x: Recording) -> None:
    """The Rollout gets a template of its own, the same as the Deployment's: nothing is released."""
    await _taken_over(x, "never", left=2)
    own = {"workloadRef": None, "selector": {"matchLabels": {"app": "web"}}, "template": template()}
    await x.patch({"spec": own})
    await x.phase("Healthy")
    await x.image("2")
    await paused_at(x, 1)
    await x.promote()
    await released(x, 2)
    await sized(x, 1, 0)
