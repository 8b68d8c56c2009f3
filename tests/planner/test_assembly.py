import pytest

from rollouts.api import keys, kinds
from rollouts.api.meta import Ref
from rollouts.wire.podhash import pod_template_hash, step_hash
from tests.planner.lent import NGINX, SPACE, TEMPLATE, ingress, metric, named, rollout, service, snapshot, template

HASH = pod_template_hash(TEMPLATE)


def replica_set(hash_, owner="uid-1", **labels):
    return named("ReplicaSet", f"web-{hash_}", owner=owner, labels={keys.HASH_LABEL: hash_, **labels})


def test_a_snapshot_has_what_the_rollout_controls_and_no_more():
    found = snapshot(
        rollout(),
        replica_set(HASH),
        replica_set("old"),
        replica_set("foreign", owner="uid-2"),
        named("AnalysisRun", "a", owner="uid-1"),
        named("AnalysisRun", "b", owner="uid-2"),
    )
    assert [rs.metadata.name for rs in found.replica_sets] == [f"web-{HASH}", "web-old"]
    assert [run.metadata.name for run in found.runs] == ["a"]
    assert found.canary is found.replica_sets[0]


@pytest.mark.parametrize(
    ("kind", "name", "uid", "is_taken"),
    [
        ("Rollout", "web", "uid-1", False),
        ("Rollout", "api", "uid-2", True),
        ("Deployment", "web", "uid-2", True),
        ("", "", "", True),
        # a Rollout of this name that is gone: so is its ReplicaSet, or it is free, and the create finds out which
        ("Rollout", "web", "uid-2", False),
    ],
)
def test_a_namesake_that_is_not_ours_is_told(kind, name, uid, is_taken):
    namesake = replica_set(HASH, owner=uid)
    for owner in namesake["metadata"].get("ownerReferences", ()):
        owner |= {"kind": kind, "name": name}
    found = snapshot(rollout(), namesake)
    assert (found.taken is not None) == is_taken


def labelled(name, owner="", labels=None, **more):
    return named("ReplicaSet", name, owner=owner, labels={keys.HASH_LABEL: name, "app": "web"} | (labels or {}), **more)


def test_orphans_are_what_the_selector_selects_and_nobody_controls():
    found = snapshot(
        rollout(),
        labelled("orphan"),
        labelled("ours", owner="uid-1"),
        labelled("theirs", owner="uid-2"),
        labelled("other", labels={"app": "api"}),
        labelled("going", deletionTimestamp="2026-01-01T00:00:00Z"),
        {**labelled("elsewhere"), "metadata": labelled("elsewhere")["metadata"] | {"namespace": "bar"}},
        named("ReplicaSet", "plain", labels={"app": "web"}),
    )
    assert [rs.metadata.name for rs in found.orphans] == ["orphan"]


def test_a_rollout_without_a_selector_adopts_nothing():
    assert snapshot(rollout(selector=None), labelled("orphan")).orphans == ()


def test_hashes_are_of_the_template_and_of_the_steps():
    steps = [{"setWeight": 20}]
    found = snapshot(rollout({"steps": steps}, status={"collisionCount": 2}))
    assert (found.hash, found.step_hash) == (pod_template_hash(TEMPLATE, 2), step_hash(steps))


def test_template_and_selector_come_from_the_workload():
    spec = {"selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE, "replicas": 3}
    workload = named("Deployment", "dep", spec=spec, generation=4)
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "dep"}
    found = snapshot(rollout(template=None, selector=None, workloadRef=ref), workload)
    assert (found.template, found.selector, found.hash) == (TEMPLATE, {"matchLabels": {"app": "web"}}, HASH)
    assert found.workload.metadata.generation == 4


def test_services_endpoints_and_routes_are_those_referred_to():
    world = (service("web-stable"), service("web-canary"), service("other"), ingress(), ingress("more"))
    found = snapshot(rollout(NGINX), *world, endpoints={"web-stable": ("a", "b")})
    assert set(found.services) == {"web-stable", "web-canary"}
    assert found.endpoints == {"web-stable": ("a", "b"), "web-canary": ()}
    assert set(found.routes) == {Ref(kinds.INGRESS, SPACE, "web")}


def test_what_routes_name_is_looked_up_too():
    canary = {**NGINX, "trafficRouting": {"gatewayAPI": {"httpRoute": "web"}}}
    backends = [{"name": "web-stable", "port": 80}, {"name": "web-canary", "port": 80}]
    route = named("HTTPRoute", "web", spec={"parentRefs": [{"name": "gw"}], "rules": [{"backendRefs": backends}]})
    found = snapshot(rollout(canary), service("web-stable"), service("web-canary"), route, named("Gateway", "gw"))
    assert found.problems == ()
    assert set(found.routes) == {Ref(kinds.HTTP_ROUTE, SPACE, "web"), Ref(kinds.GATEWAY, SPACE, "gw")}


def argument(name, **source):
    return {"name": name, "valueFrom": source}


def field(name, path):
    return argument(name, fieldRef={"fieldPath": path})


ARGUMENTS = [
    ({"name": "plain", "value": "x"}, "x"),
    (argument("latest", podTemplateHashValue="Latest"), HASH),
    (argument("stable", podTemplateHashValue="Stable"), "old"),
    (field("label", "metadata.labels['team']"), "blue"),
    (field("absent", "metadata.labels['none']"), ""),
    (field("name", "metadata.name"), "web"),
    (field("image", "spec.template.spec.containers[0].image"), "web:1"),
    (field("count", "spec.replicas"), "1"),
    (field("paused", "spec.paused"), "true"),
    (field("phase", "status.phase"), "Healthy"),
]


def test_arguments_are_given_values_from_the_rollout():
    asked = {"templates": [{"templateName": "t"}], "args": [arg for arg, _ in ARGUMENTS]}
    declared = template("t", metric(), args=[{"name": arg["name"]} for arg, _ in ARGUMENTS])
    status = {"stableRS": "old", "phase": "Healthy"}
    written = rollout({"steps": [{"analysis": asked}]}, status=status, labels={"team": "blue"}, paused=True)
    found = snapshot(written, declared)
    assert found.problems == ()
    content = found.analyses["spec.strategy.canary.steps[0].analysis"]
    assert [arg.value for arg in content.args] == [value for _, value in ARGUMENTS]


def test_analyses_are_found_under_their_paths_with_nested_templates():
    background = {"templates": [{"templateName": "all", "clusterScope": True}]}
    step = {"analysis": {"templates": [{"templateName": "one"}], "dryRun": [{"metricName": "a"}]}}
    found = snapshot(
        rollout({"steps": [{"setWeight": 5}, step], "analysis": background}),
        template("one", metric("a"), templates=[{"templateName": "two"}]),
        template("two", metric("b")),
        template("all", metric("c"), kind="ClusterAnalysisTemplate"),
    )
    assert found.problems == ()
    assert {path: [one.name for one in content.metrics] for path, content in found.analyses.items()} == {
        "spec.strategy.canary.steps[1].analysis": ["a", "b"],
        "spec.strategy.canary.analysis": ["c"],
    }
    assert [rule.metric_name for rule in found.analyses["spec.strategy.canary.steps[1].analysis"].dry_run] == ["a"]


def test_an_invalid_rollout_still_shows_its_replica_sets():
    found = snapshot(rollout({"steps": [{"setWeight": 101}]}), replica_set(HASH))
    assert (len(found.problems), len(found.replica_sets), found.services) == (1, 1, {})


def test_all_problems_are_listed_in_the_order_in_which_they_are_checked():
    steps = [{"setWeight": 101}, {}]
    found = snapshot(rollout({"maxSurge": 0, "maxUnavailable": 0, "steps": steps}, selector={}, minReadySeconds=-1))
    assert [problem.path for problem in found.problems] == [
        "spec.selector",
        "spec.minReadySeconds",
        "spec.strategy.maxSurge",
        "spec.strategy.steps[0].setWeight",
        "spec.strategy.steps[1]",
    ]
