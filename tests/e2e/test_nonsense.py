"""What people and programs leave in places that are ours is survived."""

import pytest

from rollouts.api.kinds import REPLICA_SET
from tests.e2e.audit import Audit
from tests.e2e.scene import Scene, pause, rollout, weight

NONSENSE = {
    "a step beyond the last": {"currentStepIndex": 99},
    "a step before the first": {"currentStepIndex": -3},
    "a stable revision that never was": {"stableRS": "nope"},
    "hashes that never were": {"currentPodHash": "nope", "currentStepHash": "nope"},
    "aborted but not": {"abort": False, "abortedAt": "2020-01-01T00:00:00Z"},
    "a pause without reason": {"controllerPause": True, "pauseConditions": None},
    "a pause of another kind": {"pauseConditions": [{"reason": "BecauseISaySo", "startTime": "2020-01-01T00:00:00Z"}]},
    "runs that never were": {
        "canary": {"currentStepAnalysisRunStatus": {"name": "x", "status": "Running"}},
        "lastCommand": "explode@x",
    },
    "collisions": {"collisionCount": -1},
    "generations": {"observedGeneration": "many", "workloadObservedGeneration": "none"},
    "negative pods": {"replicas": -1, "updatedReplicas": -5, "availableReplicas": -1, "readyReplicas": -1},
    "weights": {"canary": {"weights": {"canary": {"weight": 900}, "stable": {"weight": -5}}}},
    "conditions": {"conditions": [{"type": "Progressing", "status": "?", "reason": "", "message": ""}]},
}


@pytest.mark.parametrize("case", NONSENSE)
async def test_nonsense_in_the_status_is_survived(scene: Scene, case: str):
    await scene.apply(rollout({"canary": {"steps": [weight(50), pause()]}}, replicas=2))
    await scene.phase("Healthy")
    await scene.image("web:v2")
    await scene.step(1)
    audit = Audit(scene.namespace)
    await scene.patch({"status": NONSENSE[case]}, sub="status")
    await audit.quiet()
    assert await scene.events("ReconciliationError") == []
    assert sum((await scene.pods()).values()) >= 2
    await scene.patch({"spec": {"promoteFull": True}})
    await scene.phase("Healthy")
    await scene.image("web:v3")
    await scene.step(1)


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
