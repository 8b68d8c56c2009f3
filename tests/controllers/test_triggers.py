import msgspec
import pytest

from rollouts.api import keys, kinds
from rollouts.api.analysis import AnalysisRun, AnalysisTemplate
from rollouts.api.autoscaling import Autoscaler
from rollouts.api.meta import Key, Metadata, Object, Ref
from rollouts.api.workloads import (
    ControllerRevision,
    Deployment,
    EndpointSlice,
    Pod,
    PodDisruptionBudget,
    ReplicaSet,
    Service,
    StatefulSet,
)
from rollouts.controllers.memory import Memory
from rollouts.controllers.triggers import BURST, UNANSWERED, delay, wakes
from rollouts.kube.store import Event
from rollouts.kube.watch import Change
from rollouts.wire.decode import decode
from tests.planner.lent import SPACE, named, rollout, service

WEB, API = Key(SPACE, "web"), Key(SPACE, "api")


def memory(*refs, reader=API):
    made = Memory()
    made.looked_at(reader, frozenset(refs))
    return made.readers


def added(found):
    return Event(Change.ADDED, None, found)


def deleted(found):
    return Event(Change.DELETED, found, None)


def modified(form, old, new):
    return Event(Change.MODIFIED, decode(form, old), decode(form, new))


def test_a_rollouts_own_change_wakes_it():
    assert wakes(kinds.ROLLOUT, deleted(rollout()), memory()) == {WEB}
    assert wakes(kinds.ROLLOUT, Event(Change.MODIFIED, rollout(), rollout(status={"abort": True})), memory()) == {WEB}


@pytest.mark.parametrize(("kind", "form"), [(kinds.REPLICA_SET, ReplicaSet), (kinds.ANALYSIS_RUN, AnalysisRun)])
def test_what_a_rollout_owns_wakes_it(kind, form):
    assert wakes(kind, added(decode(form, named(kind.name, "x", owner="uid-1"))), memory()) == {WEB}
    assert wakes(kind, added(decode(form, named(kind.name, "x"))), memory()) == frozenset()


def test_only_owners_that_are_rollouts_count():
    raw = named("ReplicaSet", "x", owner="uid-1")
    raw["metadata"]["ownerReferences"][0] |= {"apiVersion": "apps/v1", "kind": "Deployment"}
    assert wakes(kinds.REPLICA_SET, added(decode(ReplicaSet, raw)), memory()) == frozenset()


def test_a_replica_set_that_changes_hands_wakes_both():
    old = decode(ReplicaSet, named("ReplicaSet", "x", owner="uid-1"))
    owner = msgspec.structs.replace(old.metadata.owner_references[0], name="api", uid="uid-2")
    new = msgspec.structs.replace(old, metadata=msgspec.structs.replace(old.metadata, owner_references=(owner,)))
    assert wakes(kinds.REPLICA_SET, Event(Change.MODIFIED, old, new), memory()) == {WEB, API}


def test_an_orphan_wakes_whoever_might_adopt_it():
    ours = {keys.HASH_LABEL: "x"}
    orphan = decode(ReplicaSet, named("ReplicaSet", "x", labels=ours))
    looks_at_orphans = memory(Ref(kinds.REPLICA_SET, SPACE, ""))
    assert wakes(kinds.REPLICA_SET, added(orphan), looks_at_orphans) == {API}
    owned = decode(ReplicaSet, named("ReplicaSet", "x", owner="uid-1"))
    assert wakes(kinds.REPLICA_SET, Event(Change.MODIFIED, owned, orphan), looks_at_orphans) == {API, WEB}
    assert wakes(kinds.REPLICA_SET, added(owned), looks_at_orphans) == {WEB}
    plain_one = decode(ReplicaSet, named("ReplicaSet", "x"))
    assert wakes(kinds.REPLICA_SET, added(plain_one), looks_at_orphans) == frozenset()
    assert wakes(kinds.REPLICA_SET, added(plain_one), memory(Ref(kinds.REPLICA_SET, SPACE, "x"))) == {API}


def test_a_marked_service_wakes_the_rollout_that_may_no_longer_name_it():
    marked = decode(Service, service("old", annotations={keys.MANAGED_BY: "web"}))
    assert wakes(kinds.SERVICE, added(marked), memory()) == {WEB}
    assert wakes(kinds.SERVICE, added(decode(Service, service("old"))), memory()) == frozenset()


def test_autoscalers_wake_whoever_looks_at_those_of_the_namespace():
    found = decode(Autoscaler, named("HorizontalPodAutoscaler", "a"))
    assert wakes(kinds.AUTOSCALER, added(found), memory(Ref(kinds.AUTOSCALER, SPACE, ""))) == {API}


def plain(kind, name, namespace=SPACE):
    return Object(Metadata(name=name, namespace=namespace), {})


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        (kinds.SERVICE, decode(Service, named("Service", "x"))),
        (kinds.DEPLOYMENT, decode(Deployment, named("Deployment", "x"))),
        (kinds.ANALYSIS_TEMPLATE, decode(AnalysisTemplate, named("AnalysisTemplate", "x"))),
        (kinds.INGRESS, plain(kinds.INGRESS, "x")),
        (kinds.HTTP_ROUTE, plain(kinds.HTTP_ROUTE, "x")),
        (kinds.GATEWAY, plain(kinds.GATEWAY, "x")),
    ],
)
def test_what_a_snapshot_depends_on_wakes_its_rollout_when_it_comes_and_goes(kind, found):
    readers = memory(Ref(kind, SPACE, "x"))
    assert wakes(kind, added(found), readers) == wakes(kind, deleted(found), readers) == {API}
    assert wakes(kind, added(found), memory(Ref(kind, "elsewhere", "x"), Ref(kind, SPACE, "y"))) == frozenset()


def test_cluster_templates_have_no_namespace():
    found = decode(AnalysisTemplate, named("ClusterAnalysisTemplate", "x"))
    kind = kinds.CLUSTER_ANALYSIS_TEMPLATE
    assert wakes(kind, added(found), memory(Ref(kind, "", "x"))) == {API}


def slice_of(*pods):
    labels = {"kubernetes.io/service-name": "svc"}
    endpoints = [{"addresses": ["10.0.0.1"], "targetRef": {"kind": "Pod", "name": pod}} for pod in pods]
    return {**named("EndpointSlice", "svc-abc", labels=labels), "endpoints": endpoints}


def test_endpoints_wake_those_who_depend_on_their_service():
    readers = memory(Ref(kinds.SERVICE, SPACE, "svc"))
    assert wakes(kinds.ENDPOINT_SLICE, added(decode(EndpointSlice, slice_of("a"))), readers) == {API}


def part(kind, of="db", **more):
    found = named(kind, "x", owner="uid-db", **more)
    found["metadata"]["ownerReferences"][0] |= {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": of}
    return found


@pytest.mark.parametrize(("kind", "form"), [(kinds.POD, Pod), (kinds.CONTROLLER_REVISION, ControllerRevision)])
def test_parts_of_a_statefulset_wake_whoever_looks_at_it(kind, form):
    readers = memory(Ref(kinds.STATEFUL_SET, SPACE, "db"))
    found = decode(form, part(kind.name))
    assert wakes(kind, added(found), readers) == wakes(kind, deleted(found), readers) == {API}
    assert wakes(kind, added(decode(form, part(kind.name, of="other"))), readers) == frozenset()
    assert wakes(kind, added(decode(form, named(kind.name, "x"))), readers) == frozenset()


def test_a_budget_wakes_whoever_looks_at_those_of_its_namespace():
    found = decode(PodDisruptionBudget, named("PodDisruptionBudget", "x"))
    kind = kinds.POD_DISRUPTION_BUDGET
    assert wakes(kind, added(found), memory(Ref(kind, SPACE, ""))) == {API}
    assert wakes(kind, added(found), memory(Ref(kind, "elsewhere", ""))) == frozenset()


READY = {"conditions": [{"type": "Ready", "status": "True"}]}
NEWS_OF_A_STATEFULSET = [
    (kinds.POD, Pod, {"status": READY}, True),
    (kinds.POD, Pod, {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}, True),
    (kinds.POD, Pod, {"status": {"containerStatuses": [{"name": "c", "restartCount": 3}]}}, False),
    (kinds.POD, Pod, {"metadata": {"annotations": {"a": "b"}}}, False),
    (kinds.CONTROLLER_REVISION, ControllerRevision, {"revision": 2}, True),
    (kinds.CONTROLLER_REVISION, ControllerRevision, {"metadata": {"annotations": {"a": "b"}}}, False),
    (kinds.STATEFUL_SET, StatefulSet, {"status": {"availableReplicas": 1}}, True),
    (kinds.STATEFUL_SET, StatefulSet, {"spec": {"updateStrategy": {"rollingUpdate": {"partition": 1}}}}, True),
    (kinds.STATEFUL_SET, StatefulSet, {"status": {"terminatingReplicas": 1}}, False),
    (kinds.POD_DISRUPTION_BUDGET, PodDisruptionBudget, {"status": {"disruptionsAllowed": 1}}, True),
    (kinds.POD_DISRUPTION_BUDGET, PodDisruptionBudget, {"metadata": {"labels": {"a": "b"}}}, False),
]


@pytest.mark.parametrize(("kind", "form", "change", "is_news"), NEWS_OF_A_STATEFULSET)
def test_changes_of_a_statefulset_that_no_snapshot_shows_wake_nobody(kind, form, change, is_news):
    old = part(kind.name, of="x", resourceVersion="1")
    meta = {**old["metadata"], **change.get("metadata", {}), "resourceVersion": "2"}
    readers = memory(Ref(kinds.STATEFUL_SET, SPACE, "x"), Ref(kind, SPACE, ""))
    found = modified(form, old, {**old, **change, "metadata": meta})
    assert wakes(kind, found, readers) == ({API} if is_news else frozenset())


def test_a_partition_that_somebody_wrote_is_looked_at_at_once_and_counts_once_they_calm_down():
    def change(**more):
        old, new = named("StatefulSet", "x", generation=1), {**named("StatefulSet", "x", generation=1), **more}
        return modified(StatefulSet, old, new)

    assert delay(kinds.STATEFUL_SET, change(status={"availableReplicas": 1})) == BURST
    assert delay(kinds.STATEFUL_SET, change(metadata=named("StatefulSet", "x", generation=2)["metadata"])) == 0
    assert delay(kinds.STATEFUL_SET, added(decode(StatefulSet, named("StatefulSet", "x")))) == 0
    assert delay(kinds.POD, deleted(decode(Pod, named("Pod", "x")))) == BURST


NEWS = [
    (kinds.DEPLOYMENT, Deployment, {"metadata": {"generation": 2}}, True),
    (kinds.DEPLOYMENT, Deployment, {"status": {"readyReplicas": 3}}, False),
    (kinds.SERVICE, Service, {"spec": {"selector": {"app": "b"}}}, True),
    (kinds.SERVICE, Service, {"metadata": {"annotations": {"a": "b"}}}, True),
    (kinds.SERVICE, Service, {"metadata": {"labels": {"a": "b"}}}, False),
    (kinds.ANALYSIS_TEMPLATE, AnalysisTemplate, {"spec": {"metrics": [1]}}, True),
    (kinds.ANALYSIS_TEMPLATE, AnalysisTemplate, {"metadata": {"annotations": {"a": "b"}}}, False),
    (kinds.ANALYSIS_RUN, AnalysisRun, {"status": {"phase": "Running"}}, True),
    (kinds.ANALYSIS_RUN, AnalysisRun, {"status": {"message": "why"}}, True),
    (kinds.ANALYSIS_RUN, AnalysisRun, {"spec": {"terminate": True}}, True),
    (kinds.ANALYSIS_RUN, AnalysisRun, {"status": {"metricResults": [{"name": "m", "count": 1}]}}, False),
    (kinds.ENDPOINT_SLICE, EndpointSlice, {"endpoints": slice_of("b")["endpoints"]}, True),
    (kinds.ENDPOINT_SLICE, EndpointSlice, {"ports": [{"port": 80}]}, False),
    (kinds.REPLICA_SET, ReplicaSet, {"status": {"availableReplicas": 1}}, True),
    (kinds.REPLICA_SET, ReplicaSet, {"status": {"terminatingReplicas": 1}}, False),
]


@pytest.mark.parametrize(("kind", "form", "change", "is_news"), NEWS)
def test_changes_that_no_snapshot_shows_wake_nobody(kind, form, change, is_news):
    old = named(kind.name, "x", labels={"kubernetes.io/service-name": "svc"}, resourceVersion="1")
    new = {**old, **change, "metadata": {**old["metadata"], **change.get("metadata", {}), "resourceVersion": "2"}}
    if "labels" in change.get("metadata", {}):
        new["metadata"]["labels"] = old["metadata"]["labels"] | change["metadata"]["labels"]
    readers = memory(Ref(kind, SPACE, "x"), Ref(kinds.SERVICE, SPACE, "svc"))
    assert wakes(kind, modified(form, old, new), readers) == ({API} if is_news else frozenset())


def test_what_people_and_routers_change_is_looked_at_at_once():
    assert delay(kinds.ROLLOUT, added(rollout())) == 0
    assert delay(kinds.SERVICE, deleted(decode(Service, named("Service", "svc")))) == 0


def replica_set(generation, observed, replicas=1):
    status = {"observedGeneration": observed, "replicas": replicas}
    return decode(ReplicaSet, named("ReplicaSet", "x", generation=generation) | {"status": status})


def test_replica_sets_are_looked_at_once_their_controller_has_answered():
    assert delay(kinds.REPLICA_SET, added(replica_set(2, 1))) == UNANSWERED
    assert delay(kinds.REPLICA_SET, added(replica_set(2, 2, replicas=0))) == UNANSWERED
    assert delay(kinds.REPLICA_SET, added(replica_set(2, 2))) == BURST
    assert delay(kinds.REPLICA_SET, deleted(replica_set(2, 1))) == BURST
