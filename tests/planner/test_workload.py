import pytest

from rollouts.api import keys
from rollouts.api.workloads import Deployment, PodTemplate, ReplicaSet
from tests.planner.lent import SPACE, TEMPLATE, named, rollout, service, snapshot

SELECTOR = {"matchLabels": {"app": "web"}}
SPEC = {"replicas": 2, "selector": SELECTOR, "template": TEMPLATE}
GROUPS = {"PodTemplate": "v1"}


def referring(kind, *, scale_down="", **spec):
    ref = {"apiVersion": GROUPS.get(kind, "apps/v1"), "kind": kind, "name": "app", "scaleDown": scale_down}
    return rollout(workloadRef=ref, template=None, **spec)


def workload(kind, **more):
    body = named(kind, "app", generation=4, **more)
    return body | ({"template": TEMPLATE} if kind == "PodTemplate" else {"spec": SPEC})


def autoscaler(kind="Deployment", name="app"):
    return named("HorizontalPodAutoscaler", "hpa", spec={"scaleTargetRef": {"kind": kind, "name": name}})


@pytest.mark.parametrize(
    ("kind", "form"), [("Deployment", Deployment), ("ReplicaSet", ReplicaSet), ("PodTemplate", PodTemplate)]
)
def test_the_template_is_that_of_the_object_that_is_named(kind, form):
    spec = {} if kind == "PodTemplate" else {"selector": None}
    found = snapshot(referring(kind, **spec), workload(kind))
    assert found.problems == ()
    assert isinstance(found.workload, form)
    assert (found.template, found.selector) == (TEMPLATE, SELECTOR)


def test_a_pod_template_brings_no_selector():
    found = snapshot(referring("PodTemplate", selector=None), workload("PodTemplate"))
    assert [problem.path for problem in found.problems][:1] == ["spec.selector"]


def test_the_selector_of_the_rollout_goes_before_that_of_the_workload():
    mine = {"matchLabels": {"app": "web"}, "matchExpressions": []}
    assert snapshot(referring("ReplicaSet", selector=mine), workload("ReplicaSet")).selector == mine


def test_a_replica_set_of_a_rollout_lends_no_template():
    made = workload("ReplicaSet", labels={keys.HASH_LABEL: "abc"})
    found = snapshot(referring("ReplicaSet", selector=None), made)
    assert str(found.problems[0]) == f'replicasets.apps "{SPACE}/app" not found'


@pytest.mark.parametrize("mode", ["onsuccess", "progressively"])
def test_who_sets_the_size_of_a_deployment_that_is_to_shrink_is_known(mode):
    given = referring("Deployment", selector=None, scale_down=mode)
    assert snapshot(given, workload("Deployment"), autoscaler()).autoscaler == "hpa"
    assert snapshot(given, workload("Deployment"), autoscaler(name="other")).autoscaler == ""
    assert snapshot(given, workload("Deployment"), autoscaler("Rollout")).autoscaler == ""


def test_nobody_asks_for_autoscalers_of_what_keeps_its_pods():
    found = snapshot(referring("Deployment", selector=None, scale_down="never"), workload("Deployment"), autoscaler())
    assert found.autoscaler == ""


def test_services_that_are_marked_and_not_named_are_abandoned():
    marked = {keys.MANAGED_BY: "web"}
    old = service("old", annotations=marked)
    old["spec"]["selector"][keys.HASH_LABEL] = "abc"
    whole = service("whole", annotations=marked)
    used = service("used", annotations=marked)
    used["spec"]["selector"][keys.HASH_LABEL] = "abc"
    theirs = service("theirs", annotations={keys.MANAGED_BY: "other"})
    theirs["spec"]["selector"][keys.HASH_LABEL] = "abc"
    found = snapshot(rollout({"stableService": "used"}), old, whole, used, theirs)
    assert [one.metadata.name for one in found.abandoned] == ["old"]
