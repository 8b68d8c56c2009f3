import asyncio
from collections import Counter

import msgspec
import pytest

from rollouts.api import keys, kinds
from rollouts.api.meta import Key, Ref
from rollouts.controllers.gather import gather
from rollouts.controllers.neighbours import CALM, concerned, labels_of_pods, neighbours
from rollouts.controllers.stores import BY_LABEL, Settings, installed
from rollouts.kube.store import Event
from rollouts.kube.watch import Change
from rollouts.planner.overlap import SETTLED
from rollouts.wire.durations import rfc3339
from tests.controllers.running import api, controller, edit, phase
from tests.controllers.running import rollout as manifest
from tests.controllers.shelves import decoded, stores_of
from tests.planner.lent import SPACE, named, rollout
from tests.runtime.virtualtime import LoopClock, eventually, virtual_time

WEB = Key(SPACE, "web")
SELECTOR = {"matchLabels": {"app": "web"}}


def labelled(name, *, selector=None, **labels):
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    return rollout(name=name, selector=selector or {"matchLabels": labels}, template=template)


def borrowing(name, kind="Deployment", of="lender", version="apps/v1", selector=None):
    ref = {"apiVersion": version, "kind": kind, "name": of}
    return rollout(name=name, template=None, selector=selector, workloadRef=ref)


def lender(kind="Deployment", name="lender", hashed=False, **labels):
    template = {"metadata": {"labels": labels or {"app": "web"}}, "spec": {}}
    marked = {keys.HASH_LABEL: "abc"} if hashed else {}
    found = named(kind, name, spec={"template": template, "selector": SELECTOR}, labels=marked)
    return {**found, "template": template} if kind == "PodTemplate" else found


def seen(*objects, key=WEB):
    """Names that the snapshot of *key* has."""
    settings = Settings()
    return [one.name for one in gather(key, stores_of(*objects), installed(settings), settings).overlaps]


def test_a_snapshot_has_whoever_it_selects_beside_itself():
    others = (labelled("api", app="web"), labelled("narrow", app="web", part="x"), labelled("other", app="other"))
    assert seen(rollout(), *others) == ["api", "narrow"]
    assert seen(rollout(), *others, key=Key(SPACE, "api")) == ["narrow", "web"]
    assert seen(rollout(), *others, key=Key(SPACE, "narrow")) == []
    assert seen(rollout(), *others, key=Key(SPACE, "other")) == []


def test_a_rollout_that_goes_is_none():
    going = labelled("api", app="web")
    going = msgspec.structs.replace(
        going, metadata=msgspec.structs.replace(going.metadata, deletion_timestamp="2026-01-01T00:00:00Z")
    )
    assert seen(rollout(), going) == []


def test_another_namespace_is_none():
    there = labelled("api", app="web")
    there = msgspec.structs.replace(there, metadata=msgspec.structs.replace(there.metadata, namespace="elsewhere"))
    assert seen(rollout(), there) == []


def test_expressions_select_too():
    selector = {"matchExpressions": [{"key": "app", "operator": "Exists"}]}
    web = labelled("web", selector=selector, app="web")
    assert seen(web, labelled("api", app="api"), labelled("other", part="x"), borrowing("lent"), lender()) == [
        "api",
        "lent",
    ]


@pytest.mark.parametrize(
    ("kind", "version"),
    [("Deployment", "apps/v1"), ("ReplicaSet", "apps/v1"), ("StatefulSet", "apps/v1"), ("PodTemplate", "v1")],
)
def test_labels_may_be_those_of_a_workload(kind, version):
    other = borrowing("lent", kind, version=version)
    assert seen(rollout(), other, lender(kind)) == ["lent"]
    assert seen(rollout(), other, lender(kind, app="api")) == []
    assert seen(rollout(), other) == []


def test_a_replica_set_that_lends_is_none_of_a_rollouts_own():
    stores = stores_of(lender("ReplicaSet"))
    stores.replica_sets.replace((), "11")
    assert labels_of_pods(borrowing("lent", "ReplicaSet"), stores) == {"app": "web"}
    stores.plain_replica_sets.replace((), "11")
    assert labels_of_pods(borrowing("lent", "ReplicaSet"), stores) == {}


def test_the_selector_may_be_that_of_a_workload():
    assert seen(borrowing("web"), lender(), labelled("api", app="web")) == ["api"]


@pytest.mark.parametrize("ref", [{"kind": "Unheard", "name": "x"}, {"kind": "Deployment"}, {"name": "x"}])
def test_a_workload_ref_to_nothing_lends_no_labels(ref):
    found = rollout(template=None, workloadRef=ref)
    assert labels_of_pods(found, stores_of(found, lender())) == {}


def test_few_are_looked_at_where_one_label_is_everybodys():
    crowd = [labelled(f"r{number}", part="shop", app=f"r{number}") for number in range(20)]
    found = neighbours(Key(SPACE, "r0"), {"part": "shop", "app": "r1"}, stores_of(*crowd))
    assert (found.heard_by, [one.name for one in found.neighbours]) == (Ref(kinds.ROLLOUT, SPACE, "app=r1"), ["r1"])


def test_what_was_found_holds_until_labels_change():
    stores = stores_of(rollout(), api := labelled("api", app="web"))

    def found():
        return [one.name for one in neighbours(WEB, {"app": "web"}, stores).neighbours]

    assert found() == ["api"]
    for old, new, names in ((api, labelled("api", app="other"), []), (None, labelled("new", app="web"), ["new"])):
        stores.rollouts.apply(
            Change.MODIFIED,
            msgspec.structs.replace(new, metadata=msgspec.structs.replace(new.metadata, resource_version="11")),
        )
        concerned(kinds.ROLLOUT, Event(Change.MODIFIED, old, new), stores)
        assert found() == names


def test_labels_of_any_shape_are_in_no_index():
    wrong = [rollout(name=f"r{number}", template=bad) for number, bad in enumerate(({"metadata": {"labels": [1]}}, {}))]
    stores = stores_of(*wrong, rollout())
    assert [one.metadata.name for one in stores.rollouts.by_index(BY_LABEL, f"{SPACE}/app=web")] == ["web"]


# Whom a change concerns.


def heard(kind, old, new, *objects):
    """Whom the change concerns where `web` looks for app=web and `any` for any label."""
    stores = stores_of(*objects)
    stores.memory.looked_at(WEB, frozenset({Ref(kinds.ROLLOUT, SPACE, "app=web")}))
    stores.memory.looked_at(Key(SPACE, "any"), frozenset({Ref(kinds.ROLLOUT, SPACE, "")}))
    change = Change.ADDED if old is None else Change.DELETED if new is None else Change.MODIFIED
    return sorted(key.name for key in concerned(kind, Event(change, old, new), stores))


API, OTHER = labelled("api", app="web"), labelled("api", app="other")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (None, API, ["any", "web"]),
        (API, None, ["any", "web"]),
        (API, OTHER, ["any", "web"]),
        (OTHER, API, ["any", "web"]),
        (None, OTHER, ["any"]),
        (API, API, []),
    ],
)
def test_those_who_look_for_its_labels_hear_of_a_rollout(old, new, told):
    assert heard(kinds.ROLLOUT, old, new) == told


def test_a_successor_of_the_same_name_is_heard_of():
    successor = msgspec.structs.replace(API, metadata=msgspec.structs.replace(API.metadata, uid="uid-2"))
    assert heard(kinds.ROLLOUT, API, successor) == ["any", "web"]


def test_nobody_hears_of_a_status():
    assert heard(kinds.ROLLOUT, API, rollout(name="api", status={"phase": "Paused"})) == []


def test_the_beginning_of_a_deletion_is_heard():
    going = msgspec.structs.replace(
        API, metadata=msgspec.structs.replace(API.metadata, deletion_timestamp="2026-01-01T00:00:00Z")
    )
    assert heard(kinds.ROLLOUT, API, going) == ["any", "web"]


def test_a_rollout_without_labels_of_its_own_comes_with_those_it_borrows():
    assert heard(kinds.ROLLOUT, None, borrowing("lent"), lender()) == ["any", "web"]
    assert heard(kinds.ROLLOUT, None, borrowing("lent")) == []


@pytest.mark.parametrize(("kind", "form"), [(kinds.DEPLOYMENT, "deployments"), (kinds.STATEFUL_SET, "stateful_sets")])
def test_a_workload_that_changes_its_labels_is_heard_of(kind, form):
    read = [next(iter(getattr(stores_of(raw), form).all())) for raw in (lender(kind.name), lender(kind.name, app="b"))]
    assert heard(kind, *read) == heard(kind, None, read[0]) == ["any", "web"]
    assert heard(kind, read[0], read[0]) == []


def test_of_replica_sets_only_those_that_people_wrote_are_heard_of():
    for hashed, told in ((False, ["any", "web"]), (True, [])):
        raw = lender("ReplicaSet", hashed=hashed)
        assert heard(kinds.REPLICA_SET, None, decoded(type(_replica_set()), raw)) == told


def _replica_set():
    return next(iter(stores_of(lender("ReplicaSet")).replica_sets.all()))


def test_they_are_looked_at_when_it_can_be_told():
    assert SETTLED.total_seconds() <= CALM


# The whole controller.

CLOCK = LoopClock()
CROWD = [f"r{number:02}" for number in range(30)]


def alike(name, **labels):
    """A Rollout made just now; it selects by labels that others may have as well."""
    labels = labels or {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "web:v1"}]}}
    found = manifest(name, steps=[], selector={"matchLabels": labels}, template=template)
    found["metadata"]["creationTimestamp"] = rfc3339(CLOCK.now())
    return found


def overlap(server, name="web"):
    conditions = (server.get("rollouts", name) or {}).get("status", {}).get("conditions", [])
    return next((one["message"] for one in conditions if one["type"] == "SelectorOverlap"), "")


def told(server):
    """How often each Rollout was told."""
    found = [one for one in server.all("events") if one["reason"] == "SelectorOverlap"]
    return sum((Counter({one["involvedObject"]["name"]: one["count"]}) for one in found), Counter())


def status_writes(server):
    return Counter(one.name for one in server.writes if one.resource == "rollouts/status")


async def crowd(server, names, between, **labels):
    """Rollouts that come *between* seconds apart, until nothing is written any more."""
    for name in names:
        server.put("rollouts", alike(name, **labels or {"app": name}))
        await asyncio.sleep(between)
    await eventually(lambda: all(phase(server, name) == "Healthy" for name in names))
    await asyncio.sleep(60)
    began = len(server.writes)
    await asyncio.sleep(60)
    assert server.writes[began:] == []
    return status_writes(server)


@pytest.mark.parametrize(("names", "between", "most"), [(CROWD, 0, 1), (CROWD[::-1], 0, 1), (CROWD, 5, 4)])
@virtual_time
async def test_a_crowd_with_one_selector_comes_to_rest(tmp_path, names, between, most):
    async with api() as server, controller(server, tmp_path, resync=0, leader_elect=False):
        usual = await crowd(server, names, between)
    async with api() as server, controller(server, tmp_path, resync=0, leader_elect=False):
        writes = await crowd(server, names, between, app="web")
        assert all(overlap(server, name) for name in CROWD)
        assert " pods of Rollouts r00, r01, r02 and others: " in overlap(server, "r29")
    assert max(writes[name] - usual[name] for name in CROWD) <= most
    assert sorted(told(server)) == CROWD
    assert max(told(server).values()) <= most


@virtual_time
async def test_the_other_ones_end_is_the_end_of_it(tmp_path):
    async with api() as server, controller(server, tmp_path, resync=0, leader_elect=False):
        await crowd(server, ["api", "web"], 0, app="web")
        assert " Rollout api: " in overlap(server)
        server.delete("rollouts", "api")
        await eventually(lambda: not overlap(server), within=10)
        assert phase(server) == "Healthy"


@virtual_time
async def test_other_labels_are_the_end_of_it_and_the_same_its_beginning(tmp_path):
    async with api() as server, controller(server, tmp_path, resync=0, leader_elect=False):
        other = alike("api", app="web", part="api")
        server.put("rollouts", other | {"spec": other["spec"] | {"selector": {"matchLabels": {"part": "api"}}}})
        await crowd(server, ["web"], 0, app="web")
        for app, is_told in (("other", False), ("web", True)):
            template = alike("api", app=app, part="api")["spec"]["template"]
            edit(server, "api", template=template)
            await eventually(lambda is_told=is_told: bool(overlap(server)) == is_told, within=10)
        assert overlap(server, "api") == ""
    assert told(server) == {"web": 2}


@virtual_time
async def test_a_workloads_labels_are_heard_of(tmp_path):
    async with api() as server, controller(server, tmp_path, resync=0, leader_elect=False):
        labels = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "web:v1"}]}}
        deployment = {"metadata": {"name": "lender"}, "spec": {"replicas": 0, "selector": SELECTOR, "template": labels}}
        lent = alike("api")
        del lent["spec"]["template"], lent["spec"]["selector"]
        lent["spec"]["workloadRef"] = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "lender"}
        server.put("rollouts", lent)
        await crowd(server, ["web"], 0, app="web")
        assert overlap(server) == ""
        server.put("deployments", deployment, group="apps/v1")
        await eventually(lambda: overlap(server) and overlap(server, "api"), within=10)
        assert overlap(server, "api").startswith("spec.workloadRef: selector of Deployment lender: app=web also")


@virtual_time
async def test_a_restart_of_the_controller_tells_nothing_twice(tmp_path):
    async with api() as server:
        async with controller(server, tmp_path, leader_elect=False):
            await crowd(server, CROWD[:5], 0, app="web")
        before = len(server.writes)
        async with controller(server, tmp_path, leader_elect=False):
            await asyncio.sleep(60)
        assert server.writes[before:] == []
