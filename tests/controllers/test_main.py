import asyncio
import json
from datetime import timedelta

import aiohttp
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from rollouts import settings
from rollouts.controllers import main
from rollouts.kube.lease import LeaseLost
from rollouts.runtime.lifecycle import leaves
from tests.controllers.running import api, controller, edit, healthy, phase, rollout, set_image
from tests.kube.server import status
from tests.runtime.virtualtime import LoopClock, eventually, virtual_time

LEASE = "argo-rollouts-controller-lock"


def revisions(server):
    """Size of each revision."""
    annotated = {
        one["metadata"]["annotations"]["rollout.argoproj.io/revision"]: one for one in server.all("replicasets")
    }
    return {revision: one["spec"].get("replicas", 1) for revision, one in annotated.items()}


def reasons(server):
    said = sorted(server.all("events"), key=lambda one: int(one["metadata"]["resourceVersion"]))
    return [one["reason"] for one in said if one["involvedObject"]["kind"] == "Rollout"]


def outcome(server):
    """What is left of a release, without times and versions."""
    kept = json.loads(json.dumps(server.get("rollouts", "web")["status"]))
    for condition in kept["conditions"]:
        del condition["lastUpdateTime"], condition["lastTransitionTime"]
    kept["conditions"].sort(key=lambda one: one["type"])
    kept["duration"] = kept["duration"]["completionStatus"]
    names = sorted(one["metadata"]["name"] for one in server.all("replicasets"))
    return kept, names, revisions(server)


@virtual_time
async def test_a_release_runs_through_its_steps(tmp_path):
    async with api() as server, controller(server, tmp_path):
        server.put("rollouts", rollout())
        await healthy(server)
        set_image(server, "web:v2")
        await healthy(server)
        found = server.get("rollouts", "web")
        assert found["status"]["currentStepIndex"] == 3
        assert found["metadata"]["annotations"]["rollout.argoproj.io/revision"] == "2"
        assert revisions(server) == {"1": 0, "2": 2}


@virtual_time
async def test_events_are_told_in_the_order_of_what_happened(tmp_path):
    async with api() as server, controller(server, tmp_path):
        server.put("rollouts", rollout(steps=[{"setWeight": 50}, {"pause": {}}]))
        await healthy(server)
        before = len(reasons(server))
        set_image(server, "web:v2")
        await eventually(lambda: phase(server) == "Paused")
        edit(server, "web", promote=True)
        await healthy(server)
        await eventually(lambda: "RolloutCompleted" in reasons(server)[before:])
        told = [reason for reason in reasons(server)[before:] if reason != "ScalingReplicaSet"]
    assert told == [
        "RolloutUpdated",
        "NewReplicaSetCreated",
        "RolloutNotCompleted",
        "RolloutStepCompleted",
        "RolloutPaused",
        "RolloutStepCompleted",
        "RolloutResumed",
        "RolloutCompleted",
    ]


# Of a release with two steps, Events aside.
WRITES = 10


async def release(server, tmp_path, crash_at):
    """A release of v2 during which the controller dies right after its write number *crash_at* and comes back."""
    server.put("rollouts", rollout())
    async with controller(server, tmp_path, leader_elect=False):
        await healthy(server)
    set_image(server, "web:v2")
    made, began, dead = server.after, len(server.writes), asyncio.Event()

    def count(write):
        made(write)
        if len([one for one in server.writes[began:] if one.resource != "events"]) == crash_at:
            dead.set()
            server.refuse = lambda *_: status(503, "Down")

    server.after = count
    try:
        async with asyncio.TaskGroup() as group, controller(server, tmp_path, leader_elect=False):
            await dead.wait()
            group.create_task(_raise(), name="crash")
            await asyncio.Event().wait()
    except* ZeroDivisionError:
        pass
    server.after, server.refuse = made, lambda *_: None
    async with controller(server, tmp_path, leader_elect=False):
        await healthy(server)
        await eventually(lambda: server.get("rollouts", "web")["status"].get("duration", {}).get("finishedAt"))


async def _raise():
    raise ZeroDivisionError


@virtual_time
async def test_a_release_takes_as_many_writes_as_crashes_are_tried(tmp_path):
    async with api() as server:
        server.put("rollouts", rollout())
        async with controller(server, tmp_path, leader_elect=False):
            await healthy(server)
            began = len(server.writes)
            set_image(server, "web:v2")
            await healthy(server)
    assert len([one for one in server.writes[began:] if one.resource != "events"]) == WRITES


@pytest.mark.parametrize("crash_at", range(1, WRITES + 1))
@virtual_time
async def test_a_crash_after_any_write_changes_nothing_but_time(tmp_path, crash_at):
    async with api() as undisturbed:
        undisturbed.put("rollouts", rollout())
        async with controller(undisturbed, tmp_path, leader_elect=False):
            await healthy(undisturbed)
            set_image(undisturbed, "web:v2")
            await healthy(undisturbed)
    async with api() as server:
        await release(server, tmp_path, crash_at)
    assert outcome(server) == outcome(undisturbed)


@virtual_time
async def test_a_standby_that_is_stopped_ends_quietly_and_leaves_the_lease_alone(tmp_path):
    async with api() as server:
        async with controller(server, tmp_path):
            await eventually(lambda: server.get("leases", LEASE))
            holder = server.get("leases", LEASE)["spec"]["holderIdentity"]
            async with controller(server, tmp_path):
                await asyncio.sleep(5)
            assert server.get("leases", LEASE)["spec"]["holderIdentity"] == holder
        assert server.get("leases", LEASE)["spec"]["holderIdentity"] == ""


@virtual_time
async def test_a_controller_that_is_stopped_before_its_first_sync_ends_quietly(tmp_path):
    async with api() as server:
        server.put("rollouts", rollout())
        read = server._read

        async def down(request):
            return status(503, "Down") if "replicasets" in request.path else await read(request)

        server._read = down
        async with controller(server, tmp_path, leader_elect=False):
            await asyncio.sleep(5)
        assert server.wrote("create replicasets", "patch") == []


@virtual_time
async def test_the_key_in_hand_is_finished_when_the_controller_is_stopped(tmp_path):
    async with api() as server:
        async with controller(server, tmp_path, leader_elect=False) as stop:
            made = server.after

            def after(write):
                made(write)
                if str(write).startswith("create replicasets"):
                    stop.set()

            server.after = after
            server.put("rollouts", rollout())
            await stop.wait()
        assert server.wrote("create replicasets", "patch rollouts/status") == [
            f"create replicasets {server.all('replicasets')[0]['metadata']['name']}",
            "patch rollouts/status web",
        ]
        assert "NewReplicaSetCreated" in reasons(server)


async def _lose_the_lease(server, tmp_path):
    async with controller(server, tmp_path):
        await healthy(server)
        server.refuse = lambda write, _: status(500, "Down") if write.resource == "leases" else None
        await asyncio.sleep(60)


@virtual_time
async def test_nothing_is_written_without_the_lease(tmp_path):
    async with api() as server:
        server.put("rollouts", rollout())
        with pytest.raises(BaseExceptionGroup) as ended:
            await _lose_the_lease(server, tmp_path)
        assert [type(error) for error in leaves(ended.value)] == [LeaseLost]
        written = len(server.writes)
        set_image(server, "web:v2")
        assert len(server.writes) == written


async def _run_on(port, server, tmp_path):
    async with controller(server, tmp_path, metrics_port=port):
        await asyncio.sleep(60)


@virtual_time
async def test_a_part_that_dies_ends_the_process_loudly(tmp_path):
    async with api() as server:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(BaseExceptionGroup) as ended:
            await _run_on(port, server, tmp_path)
        assert [type(error) for error in leaves(ended.value)] == [OSError]


@virtual_time
async def test_a_namespace_that_is_missing_is_named(tmp_path):
    async with api() as server:
        server.refuse = lambda write, _: status(404, "NotFound", 'namespaces "argo-rollouts" not found')
        with capture_logs() as logs:
            async with controller(server, tmp_path):
                await eventually(lambda: any('namespaces "argo-rollouts" not found' in str(line) for line in logs))


@virtual_time
async def test_with_an_instance_id_the_lease_and_the_objects_are_others(tmp_path):
    async with api() as server:
        ours = rollout("ours")
        ours["metadata"]["labels"] = {"argo-rollouts.argoproj.io/controller-instance-id": "blue"}
        server.put("rollouts", ours)
        server.put("rollouts", rollout("theirs"))
        async with controller(server, tmp_path, instance_id="blue"):
            await healthy(server, "ours")
        assert server.get("leases", f"{LEASE}-blue") is not None
        assert "status" not in server.get("rollouts", "theirs")


@virtual_time
@pytest.mark.parametrize("minutes", [5, -5])
async def test_a_pause_lasts_as_long_when_a_replica_with_another_date_takes_over(tmp_path, minutes):
    wrong = LoopClock(timedelta(minutes=minutes))
    steps = [{"setWeight": 50}, {"pause": {"duration": "60s"}}, {"setWeight": 100}]
    time = asyncio.get_running_loop().time
    async with api() as server:
        server.put("rollouts", rollout(steps=steps))
        async with controller(server, tmp_path, clock=wrong):
            await healthy(server)
            set_image(server, "web:v2")
            await eventually(lambda: phase(server) == "Paused")
            began = time()
            await asyncio.sleep(20)
        async with controller(server, tmp_path):
            await asyncio.sleep(20)
        async with controller(server, tmp_path, clock=wrong):
            await eventually(lambda: server.get("rollouts", "web")["status"]["currentStepIndex"] == 3)
        assert 57 <= time() - began <= 66


@virtual_time
async def test_readyz_tells_the_role_and_the_trouble(tmp_path, unused_tcp_port):
    async with api() as server, controller(server, tmp_path, health_port=unused_tcp_port):
        await eventually(lambda: server.get("leases", LEASE))
        await asyncio.sleep(1)
        assert await readyz(unused_tcp_port) == (200, "ok: at work")
        server.refuse = lambda *_: status(500, "down")
        await asyncio.sleep(5)
        code, text = await readyz(unused_tcp_port)
        server.refuse = lambda *_: None
        await asyncio.sleep(5)
        assert (code, text.partition(" for ")[0]) == (503, "not ready: the API server has answered no writes")
        assert await readyz(unused_tcp_port) == (200, "ok: at work")


@virtual_time
async def test_queues_and_process_are_measured_under_the_names_that_dashboards_know(tmp_path, monkeypatch):
    registry = CollectorRegistry()
    monkeypatch.setattr(main, "CollectorRegistry", lambda: registry)
    async with api() as server, controller(server, tmp_path):
        server.put("rollouts", rollout())
        await healthy(server)
    assert registry.get_sample_value("workqueue_adds_total", {"name": "Rollouts"}) > 0
    assert registry.get_sample_value("workqueue_adds_total", {"name": "AnalysisRuns"}) == 0
    assert registry.get_sample_value("process_resident_memory_bytes") > 0
    assert registry.get_sample_value("process_cpu_seconds_total") > 0
    assert registry.get_sample_value("argo_rollouts_controller_info", {"version": settings.release()}) == 1


def refuse_to_show(server, plural, verb="list"):
    """As a role without that kind; returns the way back."""
    read = server._read

    async def forbidden(request):
        asked = "watch" if request.query.get("watch") else "list"
        if request.path.endswith(f"/{plural}") and asked == verb:
            return status(403, "Forbidden", f'{plural} is forbidden: User "me" cannot {verb} resource "{plural}"')
        return await read(request)

    server._read = forbidden
    return lambda: setattr(server, "_read", read)


REMEDY = "its account's role must allow get, list and watch: apply the ClusterRole of this release"


@virtual_time
async def test_a_kind_that_may_not_be_seen_stops_those_alone_that_need_it(tmp_path, unused_tcp_port):
    why = f"the controller may not list podtemplates; {REMEDY}"
    borrower = rollout("borrower", workloadRef={"apiVersion": "v1", "kind": "PodTemplate", "name": "theirs"})
    async with api() as server, controller(server, tmp_path, health_port=unused_tcp_port):
        grant = refuse_to_show(server, "podtemplates")
        template = borrower["spec"].pop("template")
        server.put("podtemplates", {"metadata": {"name": "theirs"}, "template": template}, group="v1")
        server.put("rollouts", rollout())
        server.put("rollouts", borrower)
        await healthy(server)
        assert await readyz(unused_tcp_port) == (200, f"ok: at work; {why}")
        await eventually(lambda: any(one["message"] == f"waiting: {why}" for one in server.all("events")), within=120)
        assert "status" not in server.get("rollouts", "borrower")
        grant()
        await healthy(server, "borrower")
        assert await readyz(unused_tcp_port) == (200, "ok: at work")


@pytest.mark.parametrize("verb", ["list", "watch"])
@virtual_time
async def test_nothing_is_decided_without_what_every_rollout_needs(tmp_path, unused_tcp_port, verb):
    async with api() as server, controller(server, tmp_path, health_port=unused_tcp_port):
        grant = refuse_to_show(server, "replicasets", verb)
        await eventually(lambda: server.get("leases", LEASE))
        await asyncio.sleep(1)
        server.put("rollouts", rollout())
        await asyncio.sleep(60)
        role = {"list": "reading what there is before work begins", "watch": "at work"}[verb]
        said = f"not ready: {role}; the controller may not {verb} replicasets.apps; {REMEDY}"
        assert (await readyz(unused_tcp_port), server.wrote("create replicasets", "patch")) == ((503, said), [])
        grant()
        await healthy(server)
        assert await readyz(unused_tcp_port) == (200, "ok: at work")


BY_GATEWAY = {"gatewayAPI": {"httpRoute": "web"}}
ROUTED = {"canary": {"stableService": "stable", "canaryService": "canary", "trafficRouting": BY_GATEWAY}}


def put_route(server):
    backends = [{"name": name, "port": 80, "weight": 1} for name in ("stable", "canary")]
    route = {"metadata": {"name": "web"}, "spec": {"rules": [{"backendRefs": backends}]}}
    server.put("httproutes", route, group="gateway.networking.k8s.io/v1")


def put_routed(server):
    for name in ("stable", "canary"):
        server.put("services", {"metadata": {"name": name}, "spec": {"selector": {"app": "web"}}}, group="v1")
    server.put("rollouts", rollout(strategy=ROUTED))


@virtual_time
async def test_a_route_is_not_missed_before_all_routes_are_known(tmp_path):
    async with api() as server:
        put_route(server)
        put_routed(server)
        read, known = server._read, asyncio.Event()

        async def late(request):
            if request.path.endswith("/httproutes"):
                await known.wait()
            return await read(request)

        server._read = late
        async with controller(server, tmp_path, leader_elect=False):
            await asyncio.sleep(20)
            assert "status" not in server.get("rollouts", "web")
            known.set()
            await eventually(lambda: "create replicasets" in str(server.wrote("create replicasets")))
            await asyncio.sleep(5)
        assert "InvalidSpec" not in json.dumps([server.get("rollouts", "web")["status"], reasons(server)])


@virtual_time
async def test_a_route_that_was_missing_is_noticed_when_it_comes(tmp_path):
    async with api() as server, controller(server, tmp_path, leader_elect=False, resync=0):
        put_routed(server)
        await eventually(lambda: phase(server) == "Degraded")
        assert '"web" not found' in server.get("rollouts", "web")["status"]["message"]
        await asyncio.sleep(20)
        put_route(server)
        await eventually(lambda: server.all("replicasets"), within=2)
        await eventually(lambda: phase(server) != "Degraded")


async def readyz(port):
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/readyz") as answer:
        return answer.status, await answer.text()
