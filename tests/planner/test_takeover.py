from dataclasses import replace

import pytest

from rollouts.api.meta import Metadata
from rollouts.api.rollout import WorkloadRef
from rollouts.api.workloads import Deployment, DeploymentSpec, DeploymentStatus, PodTemplate
from rollouts.planner.stages.give_up_workload import give_up_workload
from rollouts.planner.stages.scale import scale
from rollouts.planner.takeover import giving_up
from tests import given
from tests.given import NOW, draft, said

FIRST = {"rollout.argoproj.io/revision": "1"}


def taking_over(pods, *, deployment=4, standing=None, mode="progressively", autoscaler="", revision="1", **canary):
    """The first revision of a Rollout with 4 replicas, beside a Deployment of so many pods."""
    there = given.release(replicas=4, **canary) if "activeService" not in canary else given.blue_green(**canary)
    there = replace(there, sizes={"canary": pods}).noted("canary", **{"rollout.argoproj.io/revision": revision})
    snapshot = there.having(stableRS=given.CANARY, phase="Progressing").snapshot
    ref = WorkloadRef(kind="Deployment", name="dep", scale_down=mode)
    spec = snapshot.spec.model_copy(update={"workload_ref": ref})
    counts = DeploymentStatus(replicas=deployment if standing is None else standing)
    workload = Deployment(Metadata(name="dep", namespace="default"), DeploymentSpec(replicas=deployment), counts)
    return replace(snapshot, spec=spec, workload=workload, autoscaler=autoscaler)


def sizes(snapshot):
    """What the ReplicaSet and the Deployment are told, None where nothing is."""
    decided = scale(snapshot, draft(snapshot), NOW)
    kept = give_up_workload(snapshot, draft(snapshot), NOW)
    ours = [action.replicas for action in decided.actions if action.replicas is not None]
    theirs = [action.replicas for action in kept.actions]
    return (ours or [None])[0], (theirs or [None])[0]


@pytest.mark.parametrize(
    ("pods", "deployment", "standing", "told"),
    [
        # one more than promised, by maxSurge 25% of 4
        ("0/0", 4, 4, (1, None)),
        ("0/1", 4, 4, (None, None)),
        ("1/1", 4, 4, (None, 3)),
        # the Deployment's own controller has not taken the pod away yet
        ("1/1", 3, 4, (None, None)),
        ("1/1", 3, 3, (2, None)),
        ("3/4", 1, 1, (None, None)),
        ("4/4", 1, 1, (None, 0)),
        ("4/4", 0, 0, (None, None)),
        # more pods than the Rollout promises: they may stand, and one more
        ("0/0", 10, 10, (1, None)),
        ("1/1", 10, 10, (None, 3)),
        ("1/1", 3, 10, (None, None)),
        # nothing of the Deployment is left: nothing is in the way
        ("0/0", 0, 0, (4, None)),
    ],
)
def test_both_together_never_have_more_pods_than_promised(pods, deployment, standing, told):
    assert sizes(taking_over(pods, deployment=deployment, standing=standing)) == told


def test_without_room_for_a_surge_the_deployment_goes_first():
    tight = {"maxSurge": 0, "maxUnavailable": 1}
    assert sizes(taking_over("0/0", **tight)) == (None, 3)
    assert sizes(taking_over("0/0", deployment=3, **tight)) == (1, None)
    assert sizes(taking_over("1/1", deployment=3, **tight)) == (None, 2)


@pytest.mark.parametrize("mode", ["onsuccess", "never", ""])
def test_other_modes_let_both_stand(mode):
    assert sizes(taking_over("0/0", mode=mode)) == (4, None)


def test_blue_green_needs_all_of_its_pods_before_it_switches():
    snapshot = taking_over("2/2", activeService="web-active")
    assert give_up_workload(snapshot, draft(snapshot), NOW).actions[0].replicas == 2
    assert sizes(taking_over("0/0", activeService="web-active"))[0] == 4


def test_an_autoscaled_deployment_is_not_scaled_against():
    snapshot = taking_over("1/1", autoscaler="web")
    assert sizes(snapshot) == (4, None)
    assert (
        "hold: Deployment dep keeps its pods: HorizontalPodAutoscaler web sets its size"
        in (said(give_up_workload(snapshot, draft(snapshot), NOW))[0])
    )


def test_only_a_deployment_gives_pods_up_and_only_to_the_first_revision():
    assert giving_up(taking_over("0/0")) is not None
    assert giving_up(taking_over("0/0", revision="2")) is None
    template = PodTemplate(Metadata(name="dep", namespace="default"))
    assert giving_up(replace(taking_over("0/0"), workload=template)) is None
