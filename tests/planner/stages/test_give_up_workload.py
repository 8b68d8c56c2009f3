from dataclasses import replace

import pytest

from rollouts.api.meta import Metadata
from rollouts.api.rollout import WorkloadRef
from rollouts.api.workloads import Deployment, DeploymentSpec
from rollouts.planner.stages.give_up_workload import give_up_workload
from tests import given
from tests.given import NOW, draft

WORKLOAD = Deployment(Metadata(name="dep", namespace="default"), DeploymentSpec(replicas=4))


def left(mode, *, ready=0, revision="1", **status):
    release = given.release().pods(canary=f"{ready}/4")
    release = release.noted("canary", **{"rollout.argoproj.io/revision": revision}).having(**status)
    snapshot = release.snapshot
    spec = snapshot.spec.model_copy(
        update={"workload_ref": WorkloadRef(kind="Deployment", name="dep", scale_down=mode)}
    )
    decided = give_up_workload(replace(snapshot, spec=spec, workload=WORKLOAD), draft(snapshot), NOW)
    return [action.replicas for action in decided.actions]


@pytest.mark.parametrize(
    ("mode", "ready", "phase", "sizes"),
    [
        ("never", 4, "Healthy", []),
        ("onsuccess", 3, "Progressing", []),
        ("onsuccess", 4, "Healthy", [0]),
        ("progressively", 0, "Progressing", []),
        ("progressively", 3, "Progressing", [1]),
        ("progressively", 4, "Healthy", [0]),
    ],
)
def test_the_deployment_keeps(mode, ready, phase, sizes):
    assert left(mode, ready=ready, phase=phase) == sizes


def test_later_revisions_leave_the_deployment_alone():
    assert left("onsuccess", revision="2", ready=4, phase="Healthy") == []
