import msgspec
import pytest

from rollouts.api.kinds import INGRESS
from rollouts.api.meta import Key, OwnerReference, Ref
from rollouts.api.rollout import CanaryStatus, Rollout, RolloutSpec, RolloutStatus
from rollouts.controllers.apply import apply
from rollouts.kube.errors import AlreadyExists, Conflict, Forbidden
from rollouts.planner.actions import (
    AdoptReplicaSet,
    ChangeRoute,
    CreateAnalysisRun,
    CreateReplicaSet,
    DeleteAnalysisRun,
    DeleteReplicaSet,
    EditRollout,
    ReleaseReplicaSet,
    ScaleDeployment,
    SwitchService,
    Target,
    TerminateAnalysisRun,
    UpdateReplicaSet,
)
from rollouts.planner.draft import Plan
from rollouts.planner.snapshot import Snapshot
from rollouts.wire.decode import decode
from tests.controllers.apiserver import cluster
from tests.kube.server import status
from trafficrouters.base import CreateRoute, PatchRoute

APPS, CORE, NETWORK = "apps/v1", "v1", "networking.k8s.io/v1"
GROUPS = {"replicasets": APPS, "deployments": APPS, "services": CORE, "ingresses": NETWORK}
INGRESSES = Ref(INGRESS, "shop", "web-canary")


def body(name):
    return {"metadata": {"name": name, "namespace": "shop"}, "spec": {"replicas": 0}}


def seen(server, plural, name):
    meta = server.get(plural, name)["metadata"]
    return Target(Key("shop", name), meta["uid"], meta["resourceVersion"])


def put(server, plural, name, **more):
    server.put(plural, body(name) | more, group=GROUPS.get(plural, "argoproj.io/v1alpha1"))
    return seen(server, plural, name)


def snapshot_of(server):
    found = decode(Rollout, msgspec.json.encode(server.get("rollouts", "web")))
    return Snapshot(found, RolloutSpec(), {}, {}, "h", "s")


def planned(*actions, **changes):
    return Plan(actions, msgspec.structs.replace(RolloutStatus(), **changes), (), (), None)


OWNER = OwnerReference("argoproj.io/v1alpha1", "Rollout", "web", "uid-1", True, True)
OWNER_JSON = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Rollout",
    "name": "web",
    "uid": "uid-1",
    "controller": True,
    "blockOwnerDeletion": True,
}
# Name of the object and action on it, the requests it takes, and what is stored then.
ACTIONS = {
    "CreateReplicaSet": (
        lambda s: CreateReplicaSet(Key("shop", "rs"), body("rs"), "new"),
        "create replicasets rs",
        lambda s: s.get("replicasets", "rs")["spec"] == {"replicas": 0},
    ),
    "UpdateReplicaSet": (
        lambda s: UpdateReplicaSet(put(s, "replicasets", "rs"), "more", replicas=3, annotations={"a": "1", "b": None}),
        "patch replicasets rs",
        lambda s: (
            (s.get("replicasets", "rs")["spec"], s.get("replicasets", "rs")["metadata"]["annotations"])
            == ({"replicas": 3}, {"a": "1"})
        ),
    ),
    "DeleteReplicaSet": (
        lambda s: DeleteReplicaSet(put(s, "replicasets", "rs"), "old"),
        "delete replicasets rs",
        lambda s: s.get("replicasets", "rs") is None,
    ),
    "AdoptReplicaSet": (
        lambda s: AdoptReplicaSet(put(s, "replicasets", "rs"), (OWNER,), "an orphan"),
        "patch replicasets rs",
        lambda s: s.get("replicasets", "rs")["metadata"]["ownerReferences"] == [OWNER_JSON],
    ),
    "ReleaseReplicaSet": (
        lambda s: ReleaseReplicaSet(put(s, "replicasets", "rs"), (), "labels"),
        "patch replicasets rs",
        lambda s: s.get("replicasets", "rs")["metadata"]["ownerReferences"] == [],
    ),
    "EditRollout": (
        lambda s: EditRollout(seen(s, "rollouts", "web"), {"spec": {"abort": None, "replicas": 1}}, "command"),
        "patch rollouts web",
        lambda s: s.get("rollouts", "web")["spec"] == {"replicas": 1},
    ),
    "EditRollout that only checks": (
        lambda s: EditRollout(seen(s, "rollouts", "web"), {}, "still there"),
        "patch rollouts web",
        lambda s: s.get("rollouts", "web")["spec"] == {"abort": True},
    ),
    "SwitchService": (
        lambda s: SwitchService(put(s, "services", "svc", spec={"selector": {"app": "web"}}), "abc", "web", "promoted"),
        "patch services svc",
        lambda s: (
            (s.get("services", "svc")["spec"]["selector"], s.get("services", "svc")["metadata"]["annotations"])
            == (
                {"app": "web", "rollouts-pod-template-hash": "abc"},
                {"argo-rollouts.argoproj.io/managed-by-rollouts": "web"},
            )
        ),
    ),
    "CreateRoute": (
        lambda s: ChangeRoute(CreateRoute(INGRESSES, body("web-canary"), "weight 20"), "weight 20"),
        "create ingresses web-canary",
        lambda s: s.get("ingresses", "web-canary") is not None,
    ),
    "PatchRoute": (
        lambda s: ChangeRoute(
            PatchRoute(INGRESSES, {"spec": {"w": 20}}, put(s, "ingresses", "web-canary").resource_version, "w"), "w"
        ),
        "patch ingresses web-canary",
        lambda s: s.get("ingresses", "web-canary")["spec"]["w"] == 20,
    ),
    "CreateAnalysisRun": (
        lambda s: CreateAnalysisRun(Key("shop", "run"), body("run"), "step 1"),
        "create analysisruns run",
        lambda s: s.get("analysisruns", "run") is not None,
    ),
    "TerminateAnalysisRun": (
        lambda s: TerminateAnalysisRun(put(s, "analysisruns", "run"), "over"),
        "patch analysisruns run",
        lambda s: s.get("analysisruns", "run")["spec"]["terminate"] is True,
    ),
    "DeleteAnalysisRun": (
        lambda s: DeleteAnalysisRun(put(s, "analysisruns", "run"), "history"),
        "delete analysisruns run",
        lambda s: s.get("analysisruns", "run") is None,
    ),
    "ScaleDeployment": (
        lambda s: ScaleDeployment(put(s, "deployments", "web"), 0, "given up"),
        "patch deployments web",
        lambda s: s.get("deployments", "web")["spec"]["replicas"] == 0,
    ),
}
BOUND = [name for name in ACTIONS if not name.startswith("Create")]


@pytest.fixture
async def world(tmp_path):
    async with cluster(tmp_path, user_agent="rollouts-controller/0") as (server, client):
        server.put("rollouts", {"metadata": {"name": "web"}, "spec": {"abort": True}})
        yield server, client


@pytest.mark.parametrize("name", ACTIONS)
async def test_each_action_is_one_write(world, name):
    server, client = world
    make, write, holds = ACTIONS[name]
    action = make(server)
    receipt = await apply(planned(action), snapshot_of(server), client)
    assert (server.wrote(), receipt.done, receipt.refusal) == ([write], (action,), None)
    assert holds(server)


@pytest.mark.parametrize("name", ACTIONS)
async def test_a_replay_of_an_action_does_no_harm(world, name):
    server, client = world
    make, _, holds = ACTIONS[name]
    plan, snapshot = planned(make(server)), snapshot_of(server)
    await apply(plan, snapshot, client)
    receipt = await apply(plan, snapshot, client)
    assert receipt.refusal is None or receipt.refusal.is_stale
    assert holds(server)


@pytest.mark.parametrize("name", BOUND)
async def test_what_somebody_else_has_written_meanwhile_is_not_written_over(world, name):
    server, client = world
    action = ACTIONS[name][0](server)
    before = {
        path: found
        for path, found in server.objects.items()
        if "rollouts" not in path or name.startswith("EditRollout")
    }
    for path, found in before.items():
        server.objects[path] = found | {"metadata": found["metadata"] | {"resourceVersion": "9999"}}
    receipt = await apply(planned(action), snapshot_of(server), client)
    assert (type(receipt.refusal.error), receipt.refusal.action, server.wrote()) == (Conflict, action, [])


async def test_nothing_follows_a_refused_write(world):
    server, client = world
    first, second = (CreateReplicaSet(Key("shop", name), body(name), "new") for name in ("a", "b"))
    server.put("replicasets", body("b"), group=APPS)
    third = CreateAnalysisRun(Key("shop", "run"), body("run"), "step")
    receipt = await apply(planned(first, second, third, phase="Healthy"), snapshot_of(server), client)
    assert (receipt.done, receipt.refusal.action, receipt.status_written) == ((first,), second, False)
    assert isinstance(receipt.refusal.error, AlreadyExists)
    assert server.wrote() == ["create replicasets a"]


async def test_a_quota_is_a_verdict_and_not_a_race(world):
    server, client = world
    server.refuse = lambda write, _: status(403, "Forbidden", "exceeded quota")
    receipt = await apply(planned(CreateReplicaSet(Key("shop", "rs"), body("rs"), "new")), snapshot_of(server), client)
    assert isinstance(receipt.refusal.error, Forbidden)
    assert (receipt.refusal.is_verdict, receipt.refusal.is_stale) == (True, False)


async def test_a_namespace_that_goes_takes_the_plan_along(world):
    server, client = world
    going = {"causes": [{"reason": "NamespaceTerminating", "field": "metadata.namespace", "message": "gone"}]}
    server.refuse = lambda write, _: status(403, "Forbidden", "being terminated", details=going)
    receipt = await apply(planned(CreateReplicaSet(Key("shop", "rs"), body("rs"), "new")), snapshot_of(server), client)
    assert (receipt.refusal.is_verdict, receipt.refusal.is_stale) == (False, True)


@pytest.mark.parametrize(("code", "reason"), [(400, "BadRequest"), (413, "RequestEntityTooLarge"), (422, "Invalid")])
async def test_what_cannot_be_read_is_a_verdict_too(world, code, reason):
    server, client = world
    server.refuse = lambda write, _: status(code, reason, "cannot be handled")
    receipt = await apply(planned(CreateReplicaSet(Key("shop", "rs"), body("rs"), "new")), snapshot_of(server), client)
    assert (receipt.refusal.is_verdict, receipt.refusal.is_stale) == (True, False)


async def test_the_status_is_written_last_and_at_the_version_of_our_own_edit(world):
    server, client = world
    edit = EditRollout(seen(server, "rollouts", "web"), {"metadata": {"annotations": {"r": "1"}}}, "revision")
    receipt = await apply(planned(edit, phase="Healthy"), snapshot_of(server), client)
    assert server.wrote() == ["patch rollouts web", "patch rollouts/status web"]
    assert receipt.written[-1].version == server.get("rollouts", "web")["metadata"]["resourceVersion"]


async def test_a_first_status_has_both_strategies(world):
    server, client = world
    await apply(planned(phase="Progressing"), snapshot_of(server), client)
    assert server.get("rollouts", "web")["status"] == {"phase": "Progressing", "canary": {}, "blueGreen": {}}


async def test_what_we_do_not_know_of_a_status_stays_and_what_is_over_goes(world):
    server, client = world
    stored = {"phase": "Healthy", "message": "m", "future": {"a": 1}, "canary": {"currentExperiment": "e", "new": 2}}
    server.put("rollouts", server.get("rollouts", "web") | {"status": stored})
    await apply(planned(phase="Paused", canary=CanaryStatus()), snapshot_of(server), client)
    assert server.get("rollouts", "web")["status"] == {"phase": "Paused", "future": {"a": 1}, "canary": {"new": 2}}


async def test_a_status_that_does_not_change_is_not_written(world):
    server, client = world
    server.put("rollouts", server.get("rollouts", "web") | {"status": {"phase": "Healthy"}})
    receipt = await apply(planned(phase="Healthy"), snapshot_of(server), client)
    assert (receipt.status_written, server.wrote()) == (False, [])


async def test_a_status_written_meanwhile_is_not_written_over(world):
    server, client = world
    snapshot = snapshot_of(server)
    server.put("rollouts", server.get("rollouts", "web") | {"status": {"abort": True}})
    receipt = await apply(planned(phase="Healthy"), snapshot, client)
    assert (receipt.refusal.action, receipt.refusal.is_stale) == (None, True)
    assert server.get("rollouts", "web")["status"] == {"abort": True}
