"""What people and programs leave in annotations that are ours is survived; in the status: `badinput/statuses.yaml`."""

from rollouts.api.kinds import REPLICA_SET
from tests.e2e.audit import Audit
from tests.e2e.scene import Scene, pause, rollout, weight


async def test_nonsense_in_annotations_is_survived(scene: Scene):
    await scene.apply(rollout({"canary": {"steps": [weight(50), pause()]}}, replicas=2))
    await scene.phase("Healthy")
    await scene.image("web:v2")
    await scene.step(1)
    audit = Audit(scene.namespace)
    ours = {
        "rollout.argoproj.io/revision": "many",
        "rollout.argoproj.io/workload-generation": "x",
        "rollouts.argoproj.io/command": "explode@x",
    }
    await scene.patch({"metadata": {"annotations": ours}})
    theirs = {
        "rollout.argoproj.io/revision": "many",
        "rollout.argoproj.io/desired-replicas": "x",
        "scale-down-deadline": "soon",
        "rollout.argoproj.io/revision-history": ",,x",
    }
    for found in await scene.all(REPLICA_SET):
        await scene.patch({"metadata": {"annotations": theirs}}, name=found["metadata"]["name"], kind=REPLICA_SET)
    await audit.quiet()
    assert await scene.events("ReconciliationError") == []
    await scene.promote()
    await scene.phase("Healthy")
