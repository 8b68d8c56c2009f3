"""What is refused of a Rollout of a StatefulSet, and which stages decide about one."""

import pytest

from rollouts.planner.rollout import CANARY, PARTITIONED, RELEASED, plan, stages_for
from rollouts.planner.stages.make_services import make_services
from rollouts.planner.stages.move_partition import move_partition
from rollouts.planner.stages.return_pods import return_pods
from rollouts.planner.stages.take_hold import take_hold
from rollouts.steps.base import BoundStep
from tests import placed
from tests.given import NOW, draft, release, set_weight
from tests.planner import lent
from tests.planner.lent import metric, template

SETS = placed.release(set_weight(40))
REF = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db"}


def text(situation):
    problems = situation.assembled.problems
    return str(problems[0]) if problems else ""


OWNED = {"ownerReferences": [{"apiVersion": "v1", "kind": "Cluster", "name": "pg", "uid": "u", "controller": True}]}


@pytest.mark.parametrize(
    ("situation", "said"),
    [
        (SETS, ""),
        (
            placed.replace(SETS, canary={"steps": []}),
            "spec.strategy.canary.trafficRouting.statefulSet: Required value: a StatefulSet is released by its partition",
        ),
        (
            SETS.wanting(strategy={"blueGreen": {"activeService": "a"}}),
            "spec.strategy.blueGreen: Forbidden: a StatefulSet has one set of pods",
        ),
        (
            SETS.of_set(updateStrategy={"type": "OnDelete"}),
            'spec.workloadRef.name: Invalid value: "db": its updateStrategy is OnDelete: pods must be replaced by a',
        ),
        (
            placed.replace(SETS, set_metadata=OWNED),
            'spec.workloadRef.name: Invalid value: "db": Cluster pg controls it',
        ),
        (
            placed.replace(SETS, set_metadata={"annotations": {"rollouts.argoproj.io/managed-by": "other"}}),
            'spec.workloadRef.name: Invalid value: "db": Rollout other moves its partition already',
        ),
        (
            SETS.having(partition={"original": 0, "workload": "db-before"}),
            'spec.workloadRef.name: Invalid value: "db": StatefulSet db-before is still in this Rollout\'s care',
        ),
        (SETS.wanting(restartAt="2026-01-01T00:00:00Z"), "spec.restartAt: Forbidden: change an annotation in the Stat"),
        (SETS.wanting(rollbackWindow={"revisions": 2}), "spec.rollbackWindow: Forbidden: nothing remembers which"),
        (
            placed.release(set_weight(40), dynamicStableScale=True),
            "spec.strategy.canary.dynamicStableScale: Forbidden: a StatefulSet has one place for each pod",
        ),
        (
            placed.release(set_weight(40), canaryMetadata={"labels": {"a": "b"}}),
            "spec.strategy.canary.canaryMetadata: Forbidden: the pods are the StatefulSet's own",
        ),
        (SETS.wanting(workloadRef={**REF, "name": "nope"}).having(partition=None), 'statefulsets.apps "shop/nope" not'),
        (
            placed.release({"setHeaderRoute": {"name": "r"}}),
            "spec.strategy.steps[0].setHeaderRoute: Invalid value: router statefulSet does not support header routes",
        ),
        (
            placed.routed(set_weight(40)).beside(lent.service("db-stable"), lent.ingress(backend="db-stable")),
            'spec.strategy.canary.stableService: Invalid value: "db-stable": it exists and is not this Rollout\'s',
        ),
        (
            placed.routed(set_weight(40)).of_set(
                template={**placed.TEMPLATE, "spec": {"containers": [{"name": "c", "image": "i"}]}}
            ),
            "spec.strategy.canary.stableService: Invalid value: a Service is to be made, and nothing says for which",
        ),
    ],
)
def test_what_is_refused_says_why(situation, said):
    found = text(situation)
    assert found.startswith(said) if said else found == ""


def test_the_router_needs_a_stateful_set():
    found = lent.said(lent.rollout({"trafficRouting": {"statefulSet": {}}}))
    assert found.startswith("spec.strategy.canary.trafficRouting.statefulSet: Forbidden: spec.workloadRef names no")


def test_each_kind_of_rollout_has_its_stages():
    assert stages_for(SETS.snapshot) is PARTITIONED
    assert stages_for(release().snapshot) is CANARY
    assert stages_for(placed.replace(SETS, metadata={"deletion_timestamp": NOW}).assembled) is RELEASED


def test_a_header_route_needs_a_router_beside_that_knows_it():
    beside = placed.routed(set_weight(20)).beside(lent.ingress(backend="db-stable"))
    assert beside.snapshot.problems == ()
    assert [bound.key for bound in beside.snapshot.routers] == ["nginx"]
    assert isinstance(beside.snapshot.steps[0], BoundStep)


def test_arguments_of_an_analysis_name_revisions_so_that_pods_of_one_name_are_told_apart():
    args = [
        {"name": "new", "valueFrom": {"podTemplateHashValue": "Latest"}},
        {"name": "old", "valueFrom": {"podTemplateHashValue": "Stable"}},
    ]
    step = {"analysis": {"templates": [{"templateName": "checks"}], "args": args}}
    checks = template(
        "checks",
        metric(provider={"prometheus": {"query": "up{revision='{{args.new}}'}"}}),
        args=[{"name": "new"}, {"name": "old"}],
    )
    snapshot = placed.release(step).beside(checks).snapshot
    (content,) = snapshot.analyses.values()
    assert {arg.name: arg.value for arg in content.args} == {"new": placed.NEW, "old": placed.OLD}


def test_replicas_are_the_stateful_sets_and_never_defaulted_or_written():
    found = plan(SETS.of_set(replicas=7).snapshot, NOW)
    assert SETS.of_set(replicas=7).snapshot.replicas == 7
    assert not [action for action in found.actions if "replicas" in str(getattr(action, "patch", ""))]


def test_promotion_waits_until_kubernetes_has_made_the_new_revision_current():
    done = SETS.step(1).new(*range(5)).partition(0)
    assert plan(done.snapshot, NOW).status.stable_rs == placed.OLD
    assert plan(done.counted(currentRevision=placed.NEW).snapshot, NOW).status.stable_rs == placed.NEW


@pytest.mark.parametrize("stage", [take_hold, make_services, move_partition, return_pods], ids=lambda one: one.__name__)
def test_stages_of_a_stateful_set_leave_a_release_of_replica_sets_alone(stage):
    there = release(set_weight(40)).pods(canary="2/2").snapshot
    assert stage(there, draft(there), NOW) == draft(there)
