"""What a reconcile does when writes are refused, seen from outside: a whole controller at work."""

import asyncio
from datetime import timedelta

from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from rollouts.api.keys import HASH_LABEL
from rollouts.api.rollout import Rollout
from rollouts.controllers.gather import Gone, Stale, gather
from rollouts.controllers.housekeeping import AGAIN
from rollouts.controllers.journal import Journal
from rollouts.controllers.metrics import RolloutMetrics
from rollouts.controllers.rollout import RolloutController
from rollouts.controllers.stores import Settings, installed
from rollouts.kube.recorder import Recorder
from rollouts.planner.reading import read_spec
from rollouts.runtime.metrics import RequestMetrics
from rollouts.wire.decode import decode
from tests.controllers import test_housekeeping as left
from tests.controllers.apiserver import cluster
from tests.controllers.running import api, controller, healthy, phase, rollout, set_image
from tests.controllers.shelves import stores_of
from tests.kube.server import status
from tests.planner import lent
from tests.runtime.virtualtime import LoopClock, eventually, virtual_time


def condition(server, kind):
    conditions = server.get("rollouts", "web").get("status", {}).get("conditions", [])
    return next((one for one in conditions if one["type"] == kind), {})


def told(server, reason):
    return [event for event in server.all("events") if event["reason"] == reason]


def refusing(resource, answer):
    return lambda write, _: answer() if write.resource == resource and write.verb == "create" else None


def over_quota():
    return status(403, "Forbidden", "exceeded quota: rs")


@virtual_time
async def test_a_replica_set_refused_by_a_quota_is_told_and_tried_again_ever_more_slowly(tmp_path):
    async with api() as server, controller(server, tmp_path, leader_elect=False):
        tries = []
        server.refuse = refusing("replicasets", lambda: tries.append(1) or over_quota())
        server.put("rollouts", rollout())
        await eventually(lambda: condition(server, "Progressing").get("reason") == "ReplicaSetCreateError")
        await asyncio.sleep(100)
        found = condition(server, "Progressing")
        assert (found["status"], found["message"].endswith("exceeded quota: rs")) == ("False", True)
        assert [event["type"] for event in told(server, "ReplicaSetCreateError")] == ["Warning"]
        assert len(tries) < 30
        assert server.wrote("patch rollouts/status") == ["patch rollouts/status web"]
        server.refuse = lambda *_: None
        await healthy(server)


@virtual_time
async def test_a_failing_reconcile_is_told_counted_and_tried_again(tmp_path):
    async with api() as server, controller(server, tmp_path, leader_elect=False):
        server.put("rollouts", rollout())
        await healthy(server)
        server.refuse = refusing("replicasets", lambda: status(500, "Down", "etcd is slow"))
        with capture_logs() as logs:
            set_image(server, "web:v2")
            await eventually(lambda: told(server, "ReconciliationError"))
        assert told(server, "ReconciliationError")[0]["message"] == "Down (500): etcd is slow"
        assert next(line["log_level"] for line in logs if line["event"] == "reconcile failed") == "error"
        server.refuse = lambda *_: None
        await healthy(server)


@virtual_time
async def test_being_overtaken_is_no_error(tmp_path):
    async with api() as server, controller(server, tmp_path, leader_elect=False):
        server.put("rollouts", rollout())
        await healthy(server)
        conflicts = []

        def conflict_once(write, _):
            if write.resource == "replicasets" and write.verb == "patch" and not conflicts:
                conflicts.append(write)
                return status(409, "Conflict", "modified")
            return None

        server.refuse = conflict_once
        with capture_logs() as logs:
            set_image(server, "web:v2")
            await healthy(server)
        assert len(conflicts) == 1
        assert {line["log_level"] for line in logs} <= {"debug", "info"}
        assert told(server, "ReconciliationError") == []


@virtual_time
async def test_a_healthy_rollout_costs_nothing(tmp_path):
    async with api() as server, controller(server, tmp_path, leader_elect=False, resync=60):
        server.put("rollouts", rollout())
        await healthy(server)
        await asyncio.sleep(10)
        written = len(server.writes)
        await asyncio.sleep(600)
        assert len(server.writes) == written


@virtual_time
async def test_one_broken_rollout_does_not_hold_up_the_others(tmp_path):
    async with api() as server, controller(server, tmp_path, leader_elect=False, rollout_workers=1):
        server.refuse = lambda write, _: status(500, "Down") if write.name.startswith("broken") else None
        server.put("rollouts", rollout("broken"))
        server.put("rollouts", rollout("web"))
        await healthy(server)
        assert phase(server, "broken") is None


@virtual_time
async def test_a_deleted_rollout_is_told_once_and_forgotten(tmp_path):
    async with api() as server, controller(server, tmp_path, leader_elect=False):
        server.put("rollouts", rollout())
        await healthy(server)
        found = server.get("rollouts", "web")
        server._delete(f"/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/{found['metadata']['name']}", {}, "")
        await eventually(lambda: told(server, "RolloutDeleted"))
        assert told(server, "RolloutDeleted")[0]["message"] == "Rollout web/shop is deleted."


@virtual_time
async def test_a_new_rollout_is_welcomed_once_and_not_again_after_a_restart(tmp_path):
    async with api() as server:
        for _ in range(2):
            async with controller(server, tmp_path, leader_elect=False):
                if not server.get("rollouts", "web"):
                    server.put("rollouts", rollout())
                await healthy(server)
                await asyncio.sleep(1)
        welcome = told(server, "RolloutAddedToInformer")
        assert [(one["message"], one["count"]) for one in welcome] == [
            ("Rollout resource added to informer: shop/web", 1)
        ]


@virtual_time
async def test_a_name_taken_by_what_cannot_be_seen_makes_another_hash(tmp_path):
    async with api() as server, controller(server, tmp_path, leader_elect=False):
        server.put("rollouts", rollout())
        await healthy(server)
        (found,) = server.all("replicasets")
        # without the label that all ReplicaSets of Rollouts have it is not watched
        labels = {"app": "debug"}
        server.put("replicasets", found | {"metadata": found["metadata"] | {"labels": labels}}, group="apps/v1")
        server._tell(*deletion_of(server, found))
        await asyncio.sleep(100)
        assert len(server.all("replicasets")) == 1
        other = {"metadata": {"name": "other", "labels": {HASH_LABEL: "x"}}, "spec": {}}
        server.put("replicasets", other, group="apps/v1")
        await eventually(lambda: len(server.all("replicasets")) == 3, within=60)
        await healthy(server)
        assert server.get("rollouts", "web")["status"]["collisionCount"] == 1


def deletion_of(server, found):
    """What a watch says of an object that its selector selects no longer."""
    path = next(path for path in server.objects if path.endswith(f"/replicasets/{found['metadata']['name']}"))
    return path, "DELETED", server._stamped(found)


class Shadow:
    """A controller of one Rollout that is fed its looks, and what it has counted."""

    def __init__(self, client, *looks, stores=None):
        self.registry, self.looks = CollectorRegistry(), iter(looks)
        metrics = RolloutMetrics(self.registry, RequestMetrics(self.registry))
        self.journal = Journal(Recorder(client, "test", clock=LoopClock()), metrics)
        self.controller = RolloutController(
            stores or stores_of(),
            lambda _: next(self.looks),
            client,
            clock=LoopClock(),
            journal=self.journal,
            metrics=metrics.reconciles,
        )

    def series(self):
        return [sample.labels for family in self.registry.collect() for sample in family.samples if sample.labels]


@virtual_time
async def test_a_rollout_deleted_while_in_hand_leaves_no_series(tmp_path):
    seen = lent.rollout()
    snapshot = gather(seen.metadata.key, stores_of(seen), installed(Settings()), Settings())
    async with cluster(tmp_path) as (_, client):
        made = Shadow(client, snapshot, Gone())
        made.journal.deleted(seen)
        await made.controller.reconcile(seen.metadata.key)
        assert made.series() != []
        await made.controller.reconcile(seen.metadata.key)
        assert made.series() == []


@virtual_time
async def test_of_a_rollout_that_left_its_pods_the_services_are_looked_at_again(tmp_path):
    key, stores = lent.rollout().metadata.key, stores_of(left.marked(), left.revision(2))
    async with cluster(tmp_path) as (_, client):
        assert await Shadow(client, Gone(), stores=stores).controller.reconcile(key) == LoopClock().now() + AGAIN
        assert await Shadow(client, Gone()).controller.reconcile(key) is None


@virtual_time
async def test_what_cannot_be_looked_at_for_long_is_told_once(tmp_path):
    seen = lent.rollout()
    why = "httproutes are not listed yet"
    async with cluster(tmp_path) as (_, client):
        made = Shadow(client, *[Stale(timedelta(seconds=1), why)] * 100, Gone(), stores=stores_of(seen))
        with capture_logs() as logs:
            for _ in range(100):
                await made.controller.reconcile(seen.metadata.key)
                await asyncio.sleep(1)
        assert [(line["event"], line["why"]) for line in logs] == [("rollout stands still", why)]
        events = [labels for labels in made.series() if "reason" in labels]
        assert {labels["reason"] for labels in events} == {"ReconciliationError"}


REF = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db"}
OWNED_BY_DB = [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "uid-db", "controller": True}]


def part(plural, name, of, **more):
    """A pod or a revision of StatefulSet db."""
    labels = {"controller.kubernetes.io/hash": of, "controller-revision-hash": of}
    marks = {"statefulset.kubernetes.io/pod-name": name} if plural == "pods" else {}
    return {"metadata": {"name": name, "labels": labels | marks, "ownerReferences": OWNED_BY_DB}} | more


def in_mid_abort(server):
    """An aborted canary of two pods: db-1 is new and ready."""
    canary = {"trafficRouting": {"statefulSet": {}}, "steps": [{"setWeight": 50}, {"pause": {}}]}
    found = rollout() | {"spec": {"workloadRef": REF, "strategy": {"canary": canary}}}
    found["metadata"]["finalizers"] = ["rollouts.argoproj.io/partition"]
    found["metadata"]["annotations"] = {"rollout.argoproj.io/revision": "2"}
    steps = read_spec(decode(Rollout, found), lent.all_plugins()).step_hash
    aborted = {"abort": True, "currentStepHash": steps, "currentStepIndex": 0, "partition": {"original": 0}}
    status_ = {"stableRS": "db-1", "currentPodHash": "db-2", **aborted}
    notes = {"rollouts.argoproj.io/managed-by": "web", "rollouts.argoproj.io/partition-written": "32767"}
    given = {name: rollout()["spec"][name] for name in ("selector", "template")}
    spec = {"replicas": 2, **given, "updateStrategy": {"rollingUpdate": {"partition": 32767}}}
    counted = {"currentRevision": "db-1", "updateRevision": "db-2", "observedGeneration": 1, "replicas": 2}
    ready = {"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}
    db = {"metadata": {"name": "db", "annotations": notes}, "spec": spec, "status": counted}
    server.put("statefulsets", db, group="apps/v1")
    for number, revision in enumerate(("db-1", "db-2")):
        server.put("controllerrevisions", part("", revision, revision, revision=number + 1), group="apps/v1")
        server.put("pods", part("pods", f"db-{number}", revision, status=ready), group="v1")
    server.put("rollouts", found | {"status": status_})


@virtual_time
async def test_an_eviction_refused_for_now_is_tried_again_ever_more_slowly_and_is_no_error(tmp_path):
    async with api() as server, controller(server, tmp_path, leader_elect=False):
        tries = []

        def forbid(write, _):
            if write.resource != "pods/eviction":
                return None
            tries.append(write.name)
            return status(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.")

        server.refuse = forbid
        with capture_logs() as logs:
            in_mid_abort(server)
            await eventually(lambda: len(tries) > 3)
            await asyncio.sleep(100)
        assert (set(tries), len(tries) < 30) == ({"db-1"}, True)
        assert told(server, "ReconciliationError") == []
        put_off = [line for line in logs if line["event"] == "put off"]
        assert put_off[0]["why"].startswith("Cannot evict pod")
        assert {line["log_level"] for line in logs} <= {"debug", "info"}
        server.refuse = lambda *_: None
        await eventually(lambda: server.get("pods", "db-1") is None)
