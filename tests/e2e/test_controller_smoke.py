"""The shell on a real API server, with exactly the rights of its ClusterRole."""

from rollouts.api import kinds
from rollouts.sandbox.cluster import Sandbox
from tests.e2e.scene import Scene, pause, rollout, weight

POLICY = kinds.Kind("", "v1", "ResourceQuota", "resourcequotas")
STEPS = {"canary": {"steps": [weight(50), pause(), weight(100)]}}


async def test_first_deploy_then_a_release_that_a_person_promotes(scene: Scene) -> None:
    await scene.apply(rollout(STEPS, replicas=2))
    await scene.phase("Healthy")
    await scene.image("web:v2")
    await scene.step(1)
    assert await scene.sizes() == {"web:v1": 1, "web:v2": 1}
    await scene.promote()
    found = await scene.phase("Healthy")
    assert await scene.sizes() == {"web:v1": 0, "web:v2": 2}
    assert found["metadata"]["annotations"]["rollout.argoproj.io/revision"] == "2"


async def test_everything_we_write_is_ours_by_its_field_manager(scene: Scene) -> None:
    await scene.apply(rollout(STEPS, replicas=1))
    found = await scene.phase("Healthy")
    (replica_set,) = await scene.all(kinds.REPLICA_SET)
    ours = {("Apply", "kubectl"), ("Update", "kubectl-client-side-apply"), ("Update", "rollouts-controller")}
    for one in (found, replica_set):
        writers = {(entry["operation"], entry["manager"]) for entry in one["metadata"]["managedFields"]}
        assert ("Update", "rollouts-controller") in writers
        assert writers - ours <= {("Update", "kube-controller-manager")}


async def test_a_quota_is_told_in_the_status_and_the_release_goes_on_when_it_is_gone(scene: Scene) -> None:
    hard = {"count/replicasets.apps": "0"}
    await scene.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "rs"}, "spec": {"hard": hard}})
    # nobody in the sandbox fills in the status that admission goes by
    await scene.patch({"status": {"hard": hard, "used": hard}}, name="rs", kind=POLICY, sub="status")
    await scene.apply(rollout(STEPS, replicas=1))

    async def told() -> bool:
        conditions = (await scene.rollout()).get("status", {}).get("conditions", [])
        return any(
            one["reason"] == "ReplicaSetCreateError" and "exceeded quota" in one["message"] for one in conditions
        )

    await scene.until("told of the quota", told)
    assert {event["type"] for event in await scene.said("ReplicaSetCreateError")} == {"Warning"}
    await scene.kubectl("delete", "resourcequota", "rs")
    await scene.phase("Healthy")


async def test_nothing_is_forbidden_to_the_controller(scene: Scene) -> None:
    await scene.apply(rollout(STEPS, replicas=1))
    await scene.phase("Healthy")
    log = Sandbox.load().directory / "controller-under-test.log"
    refused = [line for line in log.read_text().splitlines() if "cannot be listed" in line or "Forbidden (403)" in line]
    # Not refused for want of rights: by a quota, counted or not yet, or because the namespace is going.
    expected = ("exceeded quota", "status unknown for quota", "is being terminated")
    assert [line for line in refused if not any(cause in line for cause in expected)] == []
