import msgspec
import pytest

from rollouts.api import kinds
from rollouts.api.meta import Key, Ref
from rollouts.controllers.gather import PATIENCE, Gone, Stale, gather
from rollouts.controllers.stores import Settings, Stores, installed
from rollouts.controllers.writes import Written, expect
from rollouts.kube.store import Store
from rollouts.kube.watch import Change
from rollouts.planner.reading import Plugins
from rollouts.planner.snapshot import Snapshot
from tests.controllers.shelves import Clock, stores_of
from tests.planner.lent import NGINX, SPACE, ingress, metric, named, rollout, service, template

WEB = Key(SPACE, "web")
SETTINGS = Settings(instance_id="blue")


def gathered(stores, key=WEB):
    return gather(key, stores, installed(SETTINGS), SETTINGS)


def changed(found, **fields):
    return msgspec.structs.replace(found, metadata=msgspec.structs.replace(found.metadata, **fields))


def routed(*more):
    return stores_of(rollout(NGINX), service("web-stable"), service("web-canary"), ingress(), *more)


def test_a_rollout_with_all_it_refers_to_makes_a_snapshot():
    found = gathered(routed(named("ReplicaSet", "web-old", owner="uid-1")))
    assert isinstance(found, Snapshot)
    assert (found.problems, found.instance_id) == ((), "blue")
    assert [rs.metadata.name for rs in found.replica_sets] == ["web-old"]
    assert set(found.routes) == {Ref(kinds.INGRESS, SPACE, "web")}


@pytest.mark.parametrize("objects", [(), (changed(rollout(), deletion_timestamp="2026-01-01T00:00:00Z"),)])
def test_a_rollout_that_does_not_exist_or_is_being_deleted_is_gone(objects):
    assert gathered(stores_of(*objects)) == Gone()


def endpoint(pod, **conditions):
    return {"addresses": ["10.0.0.1"], "conditions": conditions, "targetRef": {"kind": "Pod", "name": pod}}


def slice_of(service_name, name, *endpoints):
    labels = {"kubernetes.io/service-name": service_name}
    return {**named("EndpointSlice", name, labels=labels), "endpoints": list(endpoints)}


def test_ready_pods_behind_a_service_are_counted_once_over_all_slices():
    node = {"addresses": ["10.0.0.9"], "targetRef": {"kind": "Node", "name": "n"}}
    stores = routed(
        slice_of(
            "web-stable", "one", endpoint("b", ready=True), endpoint("nil"), endpoint("unready", ready=False), node
        ),
        slice_of("web-stable", "two", endpoint("b", ready=True), endpoint("leaving", ready=True, terminating=True)),
        slice_of("other", "three", endpoint("foreign", ready=True)),
    )
    assert gathered(stores).endpoints == {"web-stable": ("b", "nil"), "web-canary": ()}


def test_orphans_are_looked_at_and_our_adoption_is_waited_for():
    labels = {"app": "web", "rollouts-pod-template-hash": "old"}
    stores = stores_of(rollout(), named("ReplicaSet", "web-old", labels=labels))
    assert [rs.metadata.name for rs in gathered(stores).orphans] == ["web-old"]
    assert stores.memory.readers(Ref(kinds.REPLICA_SET, SPACE, "")) == {WEB}
    expect([Written(kinds.REPLICA_SET, Key(SPACE, "web-old"), "11")], stores.holding)
    assert gathered(stores) == Stale(PATIENCE, "ReplicaSet shop/web-old is older than our last write to it")


OLD = named("ReplicaSet", "web-old", owner="uid-1")
FOREIGN = named("ReplicaSet", "web-api-old", owner="uid-2")


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (Written(kinds.ROLLOUT, WEB, "11"), "Rollout shop/web is older than our last write to it"),
        (Written(kinds.REPLICA_SET, Key(SPACE, "web-old"), "11"), "ReplicaSet shop/web-old is older than our last"),
        (Written(kinds.REPLICA_SET, Key(SPACE, "web-new"), "11"), "ReplicaSet shop/web-new is older than our last"),
        (
            Written(kinds.REPLICA_SET, Key(SPACE, "web-old"), uid="ReplicaSet-web-old"),
            "ReplicaSet shop/web-old is older",
        ),
        (
            Written(kinds.ANALYSIS_RUN, Key(SPACE, "web-abc-1"), "11"),
            "AnalysisRun shop/web-abc-1 is older than our last",
        ),
        (
            Written(kinds.SERVICE, Key(SPACE, "web-stable"), "11"),
            "Service shop/web-stable is older than our last write",
        ),
        (
            Written(kinds.INGRESS, Key(SPACE, "web-web-canary"), "11"),
            "Ingress shop/web-web-canary is older than our last",
        ),
        (Written(kinds.REPLICA_SET, Key(SPACE, "web-api-old"), "11"), ""),
        (Written(kinds.REPLICA_SET, Key("elsewhere", "web-old"), "11"), ""),
        (Written(kinds.SERVICE, Key(SPACE, "other"), "11"), ""),
        (Written(kinds.EVENT, Key(SPACE, "web"), "11"), ""),
        (Written(kinds.ROLLOUT, WEB, "10"), ""),
    ],
)
def test_nothing_is_decided_before_our_own_writes_are_seen(written, why):
    stores = routed(OLD, FOREIGN)
    expect([written], stores.holding)
    match gathered(stores):
        case Stale(patience, found):
            assert (patience, found[: len(why)], bool(why)) == (PATIENCE, why, True)
        case found:
            assert (isinstance(found, Snapshot), why) == (True, "")


def test_a_write_that_is_seen_is_waited_for_no_more():
    stores = routed(OLD)
    expect([Written(kinds.REPLICA_SET, Key(SPACE, "web-old"), "11")], stores.holding)
    assert isinstance(gathered(stores), Stale)
    seen = changed(stores.replica_sets.get(Key(SPACE, "web-old")), resource_version="11")
    stores.replica_sets.apply(Change.MODIFIED, seen)
    assert isinstance(gathered(stores), Snapshot)


def unlisted():
    return Store({}, clock=Clock())


def test_nothing_is_decided_before_everything_is_listed():
    stores = stores_of(rollout(), replica_sets=unlisted())
    assert gathered(stores) == Stale(PATIENCE, "replicasets are not listed yet")


def test_routes_that_are_not_listed_hold_up_only_those_who_need_them():
    plain = stores_of(rollout(), routes={kinds.INGRESS: unlisted()})
    assert isinstance(gathered(plain), Snapshot)
    needed = stores_of(rollout(NGINX), service("web-stable"), service("web-canary"), routes={kinds.INGRESS: unlisted()})
    assert gathered(needed) == Stale(PATIENCE, "ingresses are not listed yet")


def test_a_kind_that_is_not_served_is_a_problem_and_not_waited_for():
    store = unlisted()
    store.unserved()
    canary = {**NGINX, "trafficRouting": {"gatewayAPI": {"httpRoute": "web"}}}
    stores = stores_of(rollout(canary), service("web-stable"), service("web-canary"), routes={kinds.HTTP_ROUTE: store})
    assert "does not serve kind HTTPRoute" in str(gathered(stores).problems[0])


def test_what_a_snapshot_depends_on_is_remembered_even_where_it_does_not_exist():
    asked = {"analysis": {"templates": [{"templateName": "t"}, {"templateName": "u", "clusterScope": True}]}}
    stores = stores_of(
        rollout({**NGINX, "steps": [asked]}), template("t", metric(), templates=[{"templateName": "deep"}])
    )
    gathered(stores)
    depends = [
        Ref(kinds.SERVICE, SPACE, "web-stable"),
        Ref(kinds.SERVICE, SPACE, "web-canary"),
        Ref(kinds.ANALYSIS_TEMPLATE, SPACE, "t"),
        Ref(kinds.ANALYSIS_TEMPLATE, SPACE, "deep"),
        Ref(kinds.CLUSTER_ANALYSIS_TEMPLATE, "", "u"),
        Ref(kinds.INGRESS, SPACE, "web"),
        Ref(kinds.INGRESS, SPACE, "web-web-canary"),
    ]
    assert [stores.memory.readers(ref) for ref in depends] == [{WEB}] * len(depends)
    assert stores.memory.readers(Ref(kinds.SERVICE, SPACE, "other")) == frozenset()


def test_nothing_is_remembered_of_a_rollout_that_is_gone():
    stores = routed()
    gathered(stores)
    stores.rollouts.apply(Change.DELETED, stores.rollouts.get(WEB))
    assert (gathered(stores), len(stores.memory)) == (Gone(), 0)
    assert stores.memory.readers(Ref(kinds.SERVICE, SPACE, "web-stable")) == frozenset()


def test_a_specification_is_read_once_per_generation():
    stores = stores_of(rollout({"steps": [{"setWeight": 20}]}))
    first, second = gathered(stores), gathered(stores)
    assert first.spec is second.spec
    edited = changed(rollout({"steps": [{"setWeight": 30}]}), generation=2, resource_version="11")
    stores.rollouts.apply(Change.MODIFIED, edited)
    third = gathered(stores)
    assert [step.describe() for step in (*first.steps, *third.steps)] == ["setWeight: 20", "setWeight: 30"]


def test_the_hash_follows_the_workload_and_the_collision_count():
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "dep"}
    pods = {"selector": {"matchLabels": {"app": "web"}}, "template": rollout().spec["template"]}
    stores = stores_of(rollout(workloadRef=ref, template=None, selector=None), named("Deployment", "dep", spec=pods))
    first = gathered(stores)
    old = stores.deployments.get(Key(SPACE, "dep"))
    container = {"name": "c", "image": "web:2"}
    newer = msgspec.structs.replace(
        changed(old, generation=9, resource_version="11"),
        spec=msgspec.structs.replace(old.spec, template={**old.spec.template, "spec": {"containers": [container]}}),
    )
    stores.deployments.apply(Change.MODIFIED, newer)
    second = gathered(stores)
    counted = rollout(workloadRef=ref, template=None, selector=None, status={"collisionCount": 1})
    stores.rollouts.apply(Change.MODIFIED, changed(counted, resource_version="12"))
    assert len({first.hash, second.hash, gathered(stores).hash}) == 3


def test_the_content_of_an_analysis_follows_its_template():
    asked = {"analysis": {"templates": [{"templateName": "t"}]}}
    stores = stores_of(rollout({"steps": [asked]}), template("t", metric("before")))
    path = "spec.strategy.canary.steps[0].analysis"
    first, same = gathered(stores).analyses[path], gathered(stores).analyses[path]
    old = stores.templates.get(Key(SPACE, "t"))
    edited = msgspec.structs.replace(changed(old, resource_version="11"), spec={"metrics": [metric("after")]})
    stores.templates.apply(Change.MODIFIED, edited)
    assert first is same
    assert [one.name for one in (*first.metrics, *gathered(stores).analyses[path].metrics)] == ["before", "after"]


def test_the_same_stores_serve_plugins_of_ones_own():
    found = gather(WEB, stores_of(rollout({"steps": [{"setWeight": 5}]})), Plugins({}, {}), Settings())
    assert "this version does not carry out setWeight steps" in str(found.problems[0])


def test_a_store_is_found_by_its_kind():
    stores: Stores = stores_of()
    assert stores.of(kinds.SERVICE) is stores.services
    assert stores.of(kinds.INGRESS) is stores.routes[kinds.INGRESS]
    assert stores.of(kinds.NODE) is None


STATEFUL_SET = named("StatefulSet", "db", spec={"replicas": 1, "template": {}, "selector": {}})
REF = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db"}


def place(name="db-0", owner="StatefulSet-db"):
    labels = {"controller-revision-hash": "db-1", "statefulset.kubernetes.io/pod-name": name}
    found = named("Pod", name, owner=owner, labels=labels)
    found["metadata"]["ownerReferences"][0] |= {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db"}
    return found


def referring():
    canary = {"trafficRouting": {"statefulSet": {}}}
    return rollout(canary, workloadRef=REF, template=None, selector=None, replicas=None)


def partitioned(*more):
    revision = named("ControllerRevision", "db-1", owner="StatefulSet-db")
    budget = named("PodDisruptionBudget", "keep", spec={"selector": {}})
    foreign = named("ControllerRevision", "other-1", owner="another")
    return stores_of(referring(), STATEFUL_SET, place(), place("other-0", "another"), revision, foreign, budget, *more)


def test_a_statefulset_is_seen_with_its_own_pods_revisions_and_the_budgets_of_its_namespace():
    stores = partitioned()
    ordinals = gathered(stores).ordinals
    assert ordinals.stateful_set.metadata.name == "db"
    assert [pod.metadata.name for pod in ordinals.pods] == ["db-0"]
    assert [one.metadata.name for one in ordinals.revisions] == ["db-1"]
    assert [one.metadata.name for one in ordinals.budgets] == ["keep"]
    for ref in (Ref(kinds.STATEFUL_SET, SPACE, "db"), Ref(kinds.POD_DISRUPTION_BUDGET, SPACE, "")):
        assert stores.memory.readers(ref) == {WEB}


def test_a_pod_that_we_ended_is_waited_for_by_its_statefulsets_rollout_alone():
    stores = partitioned()
    expect([Written(kinds.POD, Key(SPACE, "other-0"), uid="Pod-other-0")], stores.holding)
    assert isinstance(gathered(stores), Snapshot)
    expect([Written(kinds.POD, Key(SPACE, "db-0"), uid="Pod-db-0")], stores.holding)
    assert gathered(stores) == Stale(PATIENCE, "Pod shop/db-0 is older than our last write to it")


def test_a_partition_that_we_wrote_is_waited_for():
    stores = partitioned()
    expect([Written(kinds.STATEFUL_SET, Key(SPACE, "db"), "11")], stores.holding)
    assert gathered(stores) == Stale(PATIENCE, "StatefulSet shop/db is older than our last write to it")


def revised(before, update, numbers, generation=2):
    """A Rollout that knows *before* as the newest; its StatefulSet names *update*; ControllerRevisions by number."""
    status = {"observedGeneration": 2, "updateRevision": update}
    workload = {**STATEFUL_SET, "metadata": {**STATEFUL_SET["metadata"], "generation": generation}, "status": status}
    revisions = [
        {**named("ControllerRevision", name, owner="StatefulSet-db"), "revision": number}
        for name, number in numbers.items()
    ]
    found = referring()
    found = msgspec.structs.replace(found, status=msgspec.structs.replace(found.status, current_pod_hash=before))
    return stores_of(found, workload, *revisions)


@pytest.mark.parametrize(
    ("numbers", "highest"), [({}, 0), ({"db-1": 1}, 1), ({"db-1": 1, "db-2": 1, "db-3": 2}, 2)], ids=str
)
def test_a_changed_template_is_waited_for_until_its_revision_is_known_as_the_newest(numbers, highest):
    why = f"ControllerRevision db-2 has no number above {highest}: its newest is not known yet"
    assert gathered(revised("db-1", "db-2", numbers)) == Stale(PATIENCE, why)
    assert isinstance(gathered(revised("db-1", "db-2", {**numbers, "db-2": 3})), Snapshot)


def test_numbers_of_revisions_hold_up_no_release_that_has_begun():
    older = {"db-1": 1, "db-2": 2, "db-3": 3}
    assert isinstance(gathered(revised("db-2", "db-2", older)), Snapshot)
    unseen = revised("db-1", "db-2", older, generation=3)
    assert isinstance(gathered(unseen), Snapshot)


def test_a_rollout_being_deleted_is_looked_at_while_it_waits_for_us():
    going = {"deletion_timestamp": "2026-01-01T00:00:00Z"}
    waits = changed(rollout(), finalizers=("rollouts.argoproj.io/partition", "else"), **going)
    assert isinstance(gathered(stores_of(waits)), Snapshot)
    assert gathered(stores_of(changed(rollout(), finalizers=("else",), **going))) == Gone()


def test_what_a_runs_own_controller_writes_is_not_waited_for():
    stores = routed(named("AnalysisRun", "web-abc-1", owner="uid-1"))
    key = Key(SPACE, "web-abc-1")
    stores.runs.expect(key, "900")
    assert isinstance(gathered(stores), Snapshot)


def test_what_a_plan_wrote_to_a_run_is_waited_for():
    stores = routed(named("AnalysisRun", "web-abc-1", owner="uid-1"))
    written = [Written(kinds.ANALYSIS_RUN, Key(SPACE, "web-abc-1"), "900")]
    expect(written, stores.holding)
    stores.note_runs(written)
    assert isinstance(gathered(stores), Stale)
