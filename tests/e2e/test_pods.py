"""What is done to live pods: restarts by eviction, metadata by role, anti-affinity; and no pod ends but for a restart."""

import json
import time
from typing import Any

from rollouts.api.kinds import POD, POD_DISRUPTION_BUDGET, REPLICA_SET
from rollouts.api.meta import Key
from tests.e2e.scene import HASH_LABEL, Scene, pause, rollout, service, weight

NOTE = "rollout.argoproj.io/ephemeral-metadata"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
FRESH = {"labels": {"role": "canary"}, "annotations": {"why": "tried"}}
SETTLED = {"labels": {"role": "stable"}}
CANARY = {"canaryMetadata": FRESH, "stableMetadata": SETTLED}
STEPS = [weight(50), pause()]


def budget(**spec: Any) -> dict[str, Any]:
    selector = {"matchLabels": {"app": "web"}}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web"},
        "spec": {"selector": selector, **spec},
    }


async def alive(scene: Scene, image: str = "") -> list[dict[str, Any]]:
    """Pods that nobody ended."""
    found = [pod for pod in await scene.all(POD) if "deletionTimestamp" not in pod["metadata"]]
    return [pod for pod in found if not image or pod["spec"]["containers"][0]["image"] == image]


async def uids(scene: Scene, image: str = "") -> set[str]:
    return {pod["metadata"]["uid"] for pod in await alive(scene, image)}


async def restart(scene: Scene) -> str:
    """Ask for it now; every pod of before is older than that by more than a second."""
    await scene.until("older", lambda: older(scene))
    at = stamp()
    await scene.patch({"spec": {"restartAt": at}})
    return at


async def older(scene: Scene) -> bool:
    made = [pod["metadata"]["creationTimestamp"] for pod in await alive(scene)]
    return max(made) < stamp()


def stamp() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


async def restarted(scene: Scene, at: str) -> None:
    async def done() -> bool:
        return (await scene.rollout())["status"].get("restartedAt") == at

    await scene.until("restarted", done)


async def test_a_restart_goes_one_by_one_and_keeps_the_template(scene: Scene):
    await scene.apply(rollout({"canary": {"steps": []}}))
    before = await scene.phase("Healthy")
    old = await uids(scene)
    await restarted(scene, await restart(scene))
    after = await scene.phase("Healthy")
    assert not old & await uids(scene)
    assert [rs["spec"]["replicas"] for rs in await scene.all(REPLICA_SET)] == [4]
    assert after["status"]["currentPodHash"] == before["status"]["currentPodHash"]
    # of four, one may be missing at a time
    least = [event["message"] for event in await scene.events("ReconciliationError")]
    assert least == []


async def test_a_budget_keeps_pods_until_it_allows(scene: Scene):
    await scene.apply(rollout({"canary": {"steps": []}}), budget(maxUnavailable=0))
    await scene.phase("Healthy")

    async def counted() -> bool:
        status = (await scene.get(POD_DISRUPTION_BUDGET, "web")).get("status", {})
        return status.get("expectedPods") == status.get("currentHealthy") == 4

    await scene.until("counted", counted)
    old = await uids(scene)
    at = await restart(scene)
    await scene.phase("Progressing")

    async def waits() -> bool:
        status = (await scene.rollout())["status"]
        return status.get("message") == "rollout is restarting"

    await scene.until("waits", waits)
    assert await uids(scene) == old
    assert await scene.events("ReconciliationError") == []
    await scene.client.delete(POD_DISRUPTION_BUDGET, Key(scene.namespace, "web"))
    await restarted(scene, at)
    await scene.phase("Healthy")
    assert not old & await uids(scene)


async def test_a_restart_in_mid_canary_ends_old_pods_of_both_sides_and_the_pause_stays(scene: Scene):
    await scene.apply(rollout({"canary": {"steps": STEPS}}))
    await scene.phase("Healthy")
    await scene.image("web:v2")
    await scene.step(1)
    old = await uids(scene)
    await restarted(scene, await restart(scene))
    await scene.step(1)
    assert not old & await uids(scene)
    await scene.promote()
    await scene.phase("Healthy")
    assert await scene.sizes() == {"web:v1": 0, "web:v2": 4}


async def test_a_blue_green_restarts_its_preview_too(scene: Scene):
    strategy = {"activeService": "active", "previewService": "preview", "autoPromotionEnabled": False}
    await scene.apply(service("active"), service("preview"), rollout({"blueGreen": strategy}, replicas=2))
    await scene.phase("Healthy")
    await scene.image("web:v2")
    await scene.phase("Paused")
    old = await uids(scene)
    assert len(old) == 4
    await restarted(scene, await restart(scene))
    await scene.phase("Paused")
    assert not old & await uids(scene)


async def carries(scene: Scene, image: str, labels: dict[str, str], annotations: dict[str, str]) -> None:
    """Wait until all pods of the image carry exactly these of the keys that any role has."""

    def own(found: dict[str, str] | None, known: tuple[str, ...]) -> dict[str, str]:
        return {key: value for key, value in (found or {}).items() if key in known}

    async def so() -> bool:
        metadata = [pod["metadata"] for pod in await alive(scene, image)]
        return bool(metadata) and all(
            own(one["labels"], ("role", "part")) == labels and own(one.get("annotations"), ("why",)) == annotations
            for one in metadata
        )

    await scene.until(f"{image} carries {labels} {annotations}", so)


async def hashes(scene: Scene) -> set[str]:
    return {rs["metadata"]["labels"][HASH_LABEL] for rs in await scene.all(REPLICA_SET)}


async def test_metadata_follows_a_canary_through_promotion_and_no_pod_ends_for_it(scene: Scene):
    await scene.apply(rollout({"canary": {"steps": STEPS, **CANARY}}))
    await scene.phase("Healthy")
    await carries(scene, "web:v1", {"role": "stable"}, {})
    await scene.image("web:v2")
    await scene.step(1)
    await carries(scene, "web:v2", {"role": "canary"}, {"why": "tried"})
    await carries(scene, "web:v1", {"role": "stable"}, {})
    fresh, known = await uids(scene, "web:v2"), await hashes(scene)
    await scene.promote()
    await scene.phase("Healthy")
    await carries(scene, "web:v2", {"role": "stable"}, {})
    assert fresh <= await uids(scene)
    assert await hashes(scene) == known

    async def cleaned() -> bool:
        notes = {
            rs["spec"]["template"]["spec"]["containers"][0]["image"]: rs["metadata"]["annotations"].get(NOTE)
            for rs in await scene.all(REPLICA_SET)
        }
        return notes == {"web:v1": None, "web:v2": '{"labels":{"role":"stable"}}'}

    await scene.until("the old revision carries nothing", cleaned)
    assert await scene.events("ReconciliationError") == []


async def test_an_abort_and_another_image_leave_nothing_behind(scene: Scene):
    await scene.apply(rollout({"canary": {"steps": STEPS, **CANARY}}, replicas=2))
    await scene.phase("Healthy")
    first = await uids(scene)
    await scene.image("web:v2")
    await scene.step(1)
    # of pods about as old their ReplicaSet's controller ends any: which one stays is not ours to say
    stayed = await uids(scene, "web:v1")
    assert len(stayed) == 1
    assert stayed <= first
    await scene.patch({"status": {"abort": True}}, sub="status")
    await scene.phase("Degraded")
    await scene.until("stable whole", lambda: whole(scene))
    await carries(scene, "web:v1", {"role": "stable"}, {})
    second = await uids(scene, "web:v1")
    assert stayed <= second
    await scene.image("web:v3")
    await scene.step(1)
    await carries(scene, "web:v3", {"role": "canary"}, {"why": "tried"})
    await carries(scene, "web:v1", {"role": "stable"}, {})
    assert await uids(scene, "web:v1") < second


async def whole(scene: Scene) -> bool:
    return (await scene.pods()).get("web:v1") == 2


async def test_stale_metadata_goes_when_keys_are_renamed_in_mid_life(scene: Scene):
    await scene.apply(rollout({"canary": {"steps": STEPS, **CANARY}}, replicas=2))
    await scene.phase("Healthy")
    await scene.image("web:v2")
    await scene.step(1)
    await carries(scene, "web:v2", {"role": "canary"}, {"why": "tried"})
    everyone = await uids(scene)
    renamed = {"labels": {"role": None, "part": "canary"}, "annotations": None}
    await scene.patch({"spec": {"strategy": {"canary": {"canaryMetadata": renamed}}}})
    await carries(scene, "web:v2", {"part": "canary"}, {})
    await scene.patch({"spec": {"strategy": {"canary": {"canaryMetadata": None, "stableMetadata": None}}}})
    await carries(scene, "web:v2", {}, {})
    await carries(scene, "web:v1", {}, {})
    assert await uids(scene) == everyone
    found = await scene.step(1)
    assert found["status"]["currentStepIndex"] == 1


async def test_a_blue_green_calls_its_sides_preview_and_active(scene: Scene):
    roles = {"previewMetadata": FRESH, "activeMetadata": SETTLED}
    strategy = {"activeService": "active", "previewService": "preview", "autoPromotionEnabled": False, **roles}
    await scene.apply(service("active"), service("preview"), rollout({"blueGreen": strategy}, replicas=2))
    await scene.phase("Healthy")
    await scene.image("web:v2")
    await scene.phase("Paused")
    await carries(scene, "web:v2", {"role": "canary"}, {"why": "tried"})
    await carries(scene, "web:v1", {"role": "stable"}, {})
    preview = await uids(scene, "web:v2")
    await scene.promote()
    await scene.phase("Healthy")
    await carries(scene, "web:v2", {"role": "stable"}, {})
    assert preview == await uids(scene, "web:v2")


async def terms(scene: Scene) -> dict[str, list[Any]]:
    """The hashes that each revision's template keeps away from, by image."""
    found = {}
    for rs in await scene.all(REPLICA_SET):
        spec = rs["spec"]["template"]["spec"]
        rules = spec.get("affinity", {}).get("podAntiAffinity", {}).get(REQUIRED, [])
        values = [one["labelSelector"]["matchExpressions"][0]["values"] for one in rules]
        found[spec["containers"][0]["image"]] = values
    return found


async def test_only_the_newest_revision_keeps_away_and_no_longer_than_needed(scene: Scene):
    strategy = {"steps": STEPS, "antiAffinity": {REQUIRED: {}}}
    await scene.apply(rollout({"canary": strategy}, replicas=2))
    first = await scene.phase("Healthy")
    stable = first["status"]["stableRS"]
    assert await terms(scene) == {"web:v1": []}
    await scene.image("web:v2")
    await scene.until("a canary", lambda: scene.events("NewReplicaSetCreated"))

    async def apart() -> bool:
        return (await terms(scene)).get("web:v2") == [[stable]]

    await scene.until("apart", apart)
    assert (await terms(scene))["web:v1"] == []
    # a ReplicaSet is there before the status tells of its release, which would forget a command given earlier
    found = await scene.step(1)
    known = await hashes(scene)
    await scene.patch({"status": {"promoteFull": True}}, sub="status")

    async def together() -> bool:
        return await terms(scene) == {"web:v1": [], "web:v2": []}

    await scene.phase("Healthy")
    await scene.until("together", together)
    assert await hashes(scene) == known
    assert found["status"]["stableRS"] == stable


GATE = "example.com/registered"


async def opened(scene: Scene, image: str, number: int) -> None:
    """Once so many pods stand, open their gates, as a load balancer's controller does when it knows a pod."""

    async def stand() -> list[dict[str, Any]]:
        found = await alive(scene, image)
        return found if len(found) == number else []

    for pod in await scene.until(f"{number} pods of {image}", stand):
        state = json.dumps({"status": {"conditions": [{"type": GATE, "status": "True"}]}})
        await scene.kubectl("patch", "pod", pod["metadata"]["name"], "--subresource", "status", "--patch", state)


async def contained(scene: Scene, image: str) -> bool:
    """Whether the containers of its pods are ready, all but the gates."""
    types = [
        {one["type"]: one["status"] for one in pod["status"].get("conditions", ())} for pod in await alive(scene, image)
    ]
    return bool(types) and all(one.get("ContainersReady") == "True" for one in types)


async def test_a_closed_readiness_gate_holds_the_step_and_the_old_pods(scene: Scene):
    """Ready containers are not enough: what the pod's gates wait for has not happened yet."""
    manifest = rollout({"canary": {"steps": STEPS, "maxSurge": 1, "maxUnavailable": 0}}, replicas=2)
    manifest["spec"]["template"]["spec"]["readinessGates"] = [{"conditionType": GATE}]
    await scene.apply(manifest)
    await opened(scene, "web:v1", 2)
    await scene.phase("Healthy")
    await scene.image("web:v2")
    await scene.until("containers ready", lambda: contained(scene, "web:v2"))
    assert (await scene.rollout())["status"]["currentStepIndex"] == 0
    assert len(await alive(scene, "web:v1")) == 2
    await opened(scene, "web:v2", 1)
    await scene.step(1)
    assert (await scene.sizes()) == {"web:v1": 1, "web:v2": 1}
