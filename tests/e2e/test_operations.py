"""Templates that stand elsewhere, Services that are no longer named, conditions, events and histories."""

import asyncio
import json
from uuid import uuid4

import pytest

from rollouts.api.keys import MANAGED_BY
from rollouts.api.kinds import DEPLOYMENT, EVENT, POD, POD_TEMPLATE, REPLICA_SET, SERVICE
from rollouts.api.meta import Key
from tests.e2e.scene import HASH_LABEL, Scene, pause, rollout, service, weight

GENERATION = "rollout.argoproj.io/workload-generation"
PLAIN = {"canary": {"maxSurge": 1, "maxUnavailable": 0}}
KINDS = {"Deployment": DEPLOYMENT, "ReplicaSet": REPLICA_SET, "PodTemplate": POD_TEMPLATE}


def workload(kind: str, replicas: int, image: str = "web:v1") -> dict:
    """The object `app`, from which the Rollout takes its template."""
    spec = rollout({}, image=image)["spec"]
    made = {"apiVersion": KINDS[kind].api_version, "kind": kind, "metadata": {"name": "app"}}
    if kind == "PodTemplate":
        return {**made, "template": spec["template"]}
    return {**made, "spec": {"replicas": replicas, "selector": spec["selector"], "template": spec["template"]}}


def referring(kind: str, replicas: int = 4, strategy: dict | None = None, **ref: str) -> dict:
    """The Rollout that refers to it."""
    made = rollout(strategy or PLAIN, replicas=replicas)
    del made["spec"]["template"]
    if kind != "PodTemplate":
        del made["spec"]["selector"]
    made["spec"]["workloadRef"] = {"apiVersion": KINDS[kind].api_version, "kind": kind, "name": "app", **ref}
    return made


@pytest.mark.parametrize("kind", ["ReplicaSet", "PodTemplate", "Deployment"])
async def test_a_template_may_stand_in_another_object(scene: Scene, kind: str):
    await scene.apply(referring(kind, replicas=2))
    missing = {"ReplicaSet": "replicasets.apps", "PodTemplate": "podtemplates", "Deployment": "deployments.apps"}
    found = await scene.phase("Degraded")
    text = f'The Rollout "web" is invalid: {missing[kind]} "{scene.namespace}/app" not found'
    assert found["status"]["message"] == f"InvalidSpec: {text}"
    await scene.apply(workload(kind, 0))
    await scene.phase("Healthy")
    await scene.until("observed", lambda: observed(scene, kind))
    await scene.apply(workload(kind, 0, "web:v2"))
    await scene.until("two of v2", lambda: stand(scene, {"web:v2": 2}))
    await scene.phase("Healthy")
    await scene.until("observed", lambda: observed(scene, kind))
    assert "template" not in (await scene.rollout())["spec"]


async def observed(scene: Scene, kind: str) -> bool:
    """The Rollout says of which generation of the workload its status speaks."""
    found, web = await scene.get(KINDS[kind], "app"), await scene.rollout()
    generation = str(found["metadata"].get("generation", 0))
    noted = web["metadata"]["annotations"].get(GENERATION)
    return noted == generation == web["status"].get("workloadObservedGeneration")


async def stand(scene: Scene, wanted: dict[str, int]) -> bool:
    """Exactly these pods are ready."""
    return {image: number for image, number in (await scene.pods()).items() if number} == wanted


@pytest.mark.parametrize(("mode", "most"), [("progressively", 5), ("onsuccess", 8), ("never", 8)])
async def test_a_deployment_gives_its_pods_up(scene: Scene, mode: str, most: int):
    """Both together never have more pods than promised: one more than wanted, or all of both where that is asked."""
    await scene.apply(workload("Deployment", 4))
    await scene.until("four of the Deployment", lambda: stand(scene, {"web:v1": 4}))
    seen: list[int] = []
    async with asyncio.TaskGroup() as group:
        counting = group.create_task(count(scene, seen), name="count pods")
        await scene.apply(referring("Deployment", scaleDown=mode))
        await scene.phase("Healthy")
        left = 4 if mode == "never" else 0
        await scene.until("given up", lambda: has(scene, left))
        await scene.until("as many as wanted", lambda: stand(scene, {"web:v1": 4 + left}))
        counting.cancel()
    assert max(seen) <= most
    assert min(seen) >= 4
    # what people do to it afterwards is their business, from the second revision on
    await scene.kubectl("set", "image", "deployment/app", "web=web:v2")
    await scene.until("revision 2", lambda: stand(scene, {"web:v2": 4 + left}))
    assert (await scene.get(DEPLOYMENT, "app"))["spec"]["replicas"] == left


async def has(scene: Scene, replicas: int) -> bool:
    """The Deployment wants this many pods."""
    return (await scene.get(DEPLOYMENT, "app"))["spec"]["replicas"] == replicas


async def count(scene: Scene, seen: list[int]) -> None:
    """How many pods stand that were not told to end, from time to time."""
    while True:
        pods = await scene.all(POD)
        seen.append(sum("deletionTimestamp" not in pod["metadata"] for pod in pods))
        await asyncio.sleep(0.02)


# Services


async def marks(scene: Scene, name: str) -> tuple[str, str]:
    """Whose a Service is, and which hash it selects."""
    found = await scene.get(SERVICE, name)
    annotations = found["metadata"].get("annotations") or {}
    return annotations.get(MANAGED_BY, ""), found["spec"]["selector"].get(HASH_LABEL, "")


async def test_a_service_that_is_no_longer_named_selects_every_pod(scene: Scene):
    strategy = {"blueGreen": {"activeService": "one", "autoPromotionEnabled": False}}
    await scene.apply(service("one"), service("two"), rollout(strategy, replicas=2))
    pod_hash = (await scene.phase("Healthy"))["status"]["currentPodHash"]
    assert await marks(scene, "one") == ("web", pod_hash)
    await scene.patch({"spec": {"strategy": {"blueGreen": {"activeService": "two"}}}})
    await scene.until("two is active", lambda: is_marked(scene, "two", ("web", pod_hash)))
    await scene.until("one is free", lambda: is_marked(scene, "one", ("", "")))


async def test_a_service_of_a_deleted_rollout_selects_every_pod_once_the_pods_are_gone(scene: Scene):
    await scene.apply(service("one"), rollout({"blueGreen": {"activeService": "one"}}, replicas=2))
    pod_hash = (await scene.phase("Healthy"))["status"]["currentPodHash"]
    await scene.kubectl("delete", "rollout", "web", "--cascade=orphan")
    await scene.until("gone", lambda: is_gone(scene))
    # another controller's Rollout, which this one does not see, is respected
    await scene.until("its pods stay", lambda: stand(scene, {"web:v1": 2}))
    assert await marks(scene, "one") == ("web", pod_hash)
    await scene.kubectl("delete", "replicaset", "--all")
    # a first look may come before the controller has heard that the pods are gone
    await scene.until("one is free", lambda: is_freed_when_touched(scene, "one"))


async def is_freed_when_touched(scene: Scene, name: str) -> bool:
    """Somebody writes to the Service, so that it is looked at; whether it is free by now."""
    await scene.patch({"metadata": {"annotations": {"looked": uuid4().hex}}}, name=name, kind=SERVICE)
    return await is_marked(scene, name, ("", ""))


async def test_a_service_of_another_controllers_rollout_is_respected(scene: Scene):
    theirs = rollout({"blueGreen": {"activeService": "one"}}, replicas=1)
    theirs["metadata"]["labels"] = {"argo-rollouts.argoproj.io/controller-instance-id": "somebody-else"}
    marked = service("one")
    marked["metadata"]["annotations"] = {MANAGED_BY: "web"}
    marked["spec"]["selector"] = {"app": "web", HASH_LABEL: "abc"}
    gone = {**marked, "metadata": {"name": "two", "annotations": {MANAGED_BY: "nobody"}}}
    await scene.apply(theirs, marked)
    await scene.apply(gone)
    # the one whose Rollout is nowhere was looked at after the other
    await scene.until("two is free", lambda: is_marked(scene, "two", ("", "")))
    assert await marks(scene, "one") == ("web", "abc")
    assert "status" not in await scene.rollout()


async def is_marked(scene: Scene, name: str, wanted: tuple[str, str]) -> bool:
    """A Service is as wanted."""
    return await marks(scene, name) == wanted


async def is_gone(scene: Scene) -> bool:
    """There is no Rollout."""
    return not await scene.rollout()


# Conditions


async def waits_for(scene: Scene, *conditions: str) -> None:
    """`kubectl wait`, as people and pipelines use it."""
    for condition in conditions:
        await scene.kubectl("wait", "rollout/web", f"--for=condition={condition}", "--timeout=60s")


async def test_kubectl_waits_for_every_condition(scene: Scene):
    await scene.apply(rollout({"canary": {"steps": [weight(50), pause()]}}, replicas=2))
    await waits_for(scene, "Progressing", "Available", "Completed", "Healthy")
    await scene.image("web:v2")
    await waits_for(scene, "Paused", "Progressing=Unknown", "Completed=False", "Healthy=False", "Available")
    await scene.promote()
    await waits_for(scene, "Healthy", "Completed", "Paused=False")
    await scene.patch({"spec": {"progressDeadlineSeconds": 1, "minReadySeconds": 5}})
    await waits_for(scene, "InvalidSpec")
    await scene.patch({"spec": {"progressDeadlineSeconds": None, "minReadySeconds": None}})
    await scene.phase("Healthy")
    await scene.until("InvalidSpec is gone", lambda: lacks(scene, "InvalidSpec"))


async def lacks(scene: Scene, kind: str) -> bool:
    """There is no such condition."""
    return kind not in {one["type"] for one in (await scene.rollout())["status"]["conditions"]}


async def test_a_replica_set_that_cannot_make_pods_is_a_condition(scene: Scene):
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"pods": "1"}}}
    await scene.apply(quota)
    await scene.until("the quota is counted", lambda: is_counted(scene))
    await scene.apply(rollout({"canary": {}}, replicas=2))
    await waits_for(scene, "ReplicaFailure")
    await scene.kubectl("delete", "resourcequota", "few")
    await waits_for(scene, "Healthy")
    await scene.until("ReplicaFailure is gone", lambda: lacks(scene, "ReplicaFailure"))


async def is_counted(scene: Scene) -> bool:
    """Nobody in the sandbox counts quotas but the API server's own admission, which needs a status."""
    body = {"status": {"hard": {"pods": "1"}, "used": {"pods": "0"}}}
    await scene.kubectl(
        "patch", "resourcequota", "few", "--subresource=status", "--type=merge", f"--patch={json.dumps(body)}"
    )
    return True


# Events and history


async def test_events_are_told_once_and_in_causal_order(scene: Scene):
    await scene.apply(rollout({"canary": {"steps": [weight(50), pause(1)]}}, replicas=2))
    first = (await scene.phase("Healthy"))["status"]["currentPodHash"]
    await scene.image("web:v2")
    second = (await scene.phase("Healthy"))["status"]["currentPodHash"]
    old, new = f"web-{first}", f"web-{second}"
    expected = [
        ("RolloutAddedToInformer", f"Rollout resource added to informer: {scene.namespace}/web"),
        ("RolloutUpdated", "Rollout updated to revision 1"),
        ("NewReplicaSetCreated", f"Created ReplicaSet {old} (revision 1)"),
        ("RolloutNotCompleted", f"Rollout not completed, started update to revision 1 ({first})"),
        ("ScalingReplicaSet", f"Scaled up ReplicaSet {old} (revision 1) from 0 to 2"),
        ("RolloutCompleted", f"Rollout completed update to revision 1 ({first}): Initial deploy"),
        ("RolloutUpdated", "Rollout updated to revision 2"),
        ("NewReplicaSetCreated", f"Created ReplicaSet {new} (revision 2)"),
        ("RolloutNotCompleted", f"Rollout not completed, started update to revision 2 ({second})"),
        ("ScalingReplicaSet", f"Scaled up ReplicaSet {new} (revision 2) from 0 to 1"),
        ("ScalingReplicaSet", f"Scaled down ReplicaSet {old} (revision 1) from 2 to 1"),
        ("RolloutStepCompleted", "Rollout step 1/2 completed (setWeight: 50)"),
        ("RolloutPaused", "Rollout is paused (CanaryPauseStep)"),
        ("RolloutStepCompleted", "Rollout step 2/2 completed (pause: 1)"),
        ("RolloutResumed", "Rollout is resumed"),
        ("ScalingReplicaSet", f"Scaled up ReplicaSet {new} (revision 2) from 1 to 2"),
        ("ScalingReplicaSet", f"Scaled down ReplicaSet {old} (revision 1) from 1 to 0"),
        ("RolloutCompleted", f"Rollout completed update to revision 2 ({second}): Completed all 2 canary steps"),
    ]

    async def told() -> list[tuple[str, str]] | None:
        found = [one for one in await scene.all(EVENT) if one["involvedObject"]["kind"] == "Rollout"]
        found.sort(key=lambda one: int(one["metadata"]["resourceVersion"]))
        texts = [(one["reason"], one["message"]) for one in found]
        return texts if len(texts) >= len(expected) else None

    seen = await scene.until("everything is told", told)
    assert seen == expected
    assert all(one.get("count", 1) == 1 for one in await scene.events() if one["involvedObject"]["kind"] == "Rollout")


async def test_numbers_rise_and_history_is_limited(scene: Scene):
    await scene.apply(rollout({"canary": {}}, replicas=1, revisionHistoryLimit=1))
    await scene.phase("Healthy")
    for number, image in enumerate(["web:v2", "web:v3", "web:v2"], 2):
        await scene.image(image)
        await scene.until(
            f"revision {number}", lambda image=image, number=number: is_revision(scene, image, str(number))
        )
        await scene.phase("Healthy")
    await scene.until("one old revision is left", lambda: kept(scene, {"web:v2": ("4", "2"), "web:v3": ("3", None)}))


async def is_revision(scene: Scene, image: str, number: str) -> bool:
    """The Rollout and the ReplicaSet of *image* carry this number."""
    found = await scene.rollout()
    numbers = await history(scene)
    return (
        found["metadata"]["annotations"].get("rollout.argoproj.io/revision") == number == numbers.get(image, ("",))[0]
    )


async def history(scene: Scene) -> dict[str, tuple[str, str | None]]:
    """Number and former numbers of each ReplicaSet, by image."""
    found = {}
    for one in await scene.all(REPLICA_SET):
        notes = one["metadata"]["annotations"]
        image = one["spec"]["template"]["spec"]["containers"][0]["image"]
        found[image] = notes["rollout.argoproj.io/revision"], notes.get("rollout.argoproj.io/revision-history")
    return found


async def kept(scene: Scene, wanted: dict[str, tuple[str, str | None]]) -> bool:
    """Exactly these ReplicaSets are left."""
    return await history(scene) == wanted


async def test_what_is_invalid_heals_by_itself_when_what_it_needs_appears(scene: Scene):
    await scene.apply(rollout({"blueGreen": {"activeService": "late"}}, replicas=1))
    await waits_for(scene, "InvalidSpec")
    assert await scene.sizes() == {}
    await scene.apply(service("late"))
    await waits_for(scene, "Healthy")
    assert await lacks(scene, "InvalidSpec")
    await scene.client.delete(SERVICE, Key(scene.namespace, "late"))
    await waits_for(scene, "InvalidSpec")
    assert await scene.sizes() == {"web:v1": 1}
