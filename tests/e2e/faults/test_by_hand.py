"""Hands in the works: whatever somebody edits at each step of a release, it ends as it would have without.

What an edit itself costs is lost only while it lasts: pods that somebody deletes or scales away answer nobody.
"""

import json

import pytest

from rollouts.api.keys import HASH_LABEL
from rollouts.api.kinds import HTTP_ROUTE, POD, REPLICA_SET, ROLLOUT
from rollouts.api.meta import Key
from rollouts.kube.client import Content
from tests.e2e.faults.hands import CANARY_INGRESS, REPLICAS, STOPS, Hands, play, release
from tests.e2e.scene import Scene, service

ROUTERS = ["nginx", "gateway"]
REVISION = "rollout.argoproj.io/revision"
ORIGINALS = "rollouts.argoproj.io/original-weights"


async def undisturbed(hands: Hands, stop: int) -> None:
    """What all the others are held against."""


async def all_to_the_canary(hands: Hands, stop: int) -> None:
    await hands.change_weight(100)


async def nothing_to_the_canary(hands: Hands, stop: int) -> None:
    await hands.change_weight(0)


async def stable_scaled_up(hands: Hands, stop: int) -> None:
    await hands.scale("web:v1", REPLICAS + 2)


async def canary_scaled_up(hands: Hands, stop: int) -> None:
    await hands.scale("web:v2", REPLICAS + 2)


async def stable_scaled_to_nothing(hands: Hands, stop: int) -> None:
    await hands.scale("web:v1", 0)


async def canary_scaled_to_nothing(hands: Hands, stop: int) -> None:
    await hands.scale("web:v2", 0)


async def canary_deleted(hands: Hands, stop: int) -> None:
    found = await hands.replica_set("web:v2")
    await hands.scene.kubectl("delete", "replicaset", found["metadata"]["name"])


async def one_pod_deleted(hands: Hands, stop: int) -> None:
    pods = [one["metadata"]["name"] for one in await hands.scene.all(POD)]
    await hands.scene.kubectl("delete", "pod", pods[0])


async def selectors_edited(hands: Hands, stop: int) -> None:
    patch = json.dumps({"spec": {"selector": {HASH_LABEL: None}}})
    for name in ("stable", "canary"):
        await hands.scene.kubectl("patch", "service", name, "--type", "merge", "-p", patch)


async def endpoint_slices_deleted(hands: Hands, stop: int) -> None:
    await hands.scene.kubectl("delete", "endpointslices", "--all")


async def revisions_forgotten(hands: Hands, stop: int) -> None:
    await hands.scene.kubectl("annotate", "rollout", "web", f"{REVISION}-")
    await hands.scene.kubectl("annotate", "replicaset", "--all", f"{REVISION}-")


async def weights_in_status(hands: Hands, stop: int) -> None:
    nonsense = {"canary": {"weights": {"canary": {"weight": 99}, "stable": {"weight": 1}}}, "replicas": 99}
    await hands.scene.patch({"status": {**nonsense, "phase": "Healthy", "message": "fine"}}, sub="status")


async def conditions_lost(hands: Hands, stop: int) -> None:
    await hands.scene.patch({"status": {"conditions": None, "phase": None, "selector": None}}, sub="status")


FREE = [
    undisturbed,
    all_to_the_canary,
    nothing_to_the_canary,
    stable_scaled_up,
    canary_scaled_up,
    selectors_edited,
    revisions_forgotten,
    weights_in_status,
    conditions_lost,
]
# Pods that are gone at once answer nobody, and a proxy that is told of no pods has none to ask.
COSTLY = [
    stable_scaled_to_nothing,
    canary_scaled_to_nothing,
    canary_deleted,
    one_pod_deleted,
    endpoint_slices_deleted,
]


@pytest.mark.parametrize("router", ROUTERS)
@pytest.mark.parametrize("edit", FREE, ids=lambda edit: edit.__name__)
async def test_an_edit_by_hand_is_made_good_and_costs_no_request(scene: Scene, router: str, edit):
    async with release(scene, router) as hands:
        await play(hands, edit)


@pytest.mark.parametrize("router", ROUTERS)
@pytest.mark.parametrize("edit", COSTLY, ids=lambda edit: edit.__name__)
async def test_what_somebody_takes_away_comes_back(scene: Scene, router: str, edit):
    async with release(scene, router) as hands:
        await play(hands, edit, costs=True)


async def test_a_canary_ingress_that_is_deleted_comes_back_with_its_weight(scene: Scene):
    async def deleted(hands: Hands, stop: int) -> None:
        await hands.scene.kubectl("delete", "ingress", CANARY_INGRESS)

    async with release(scene, "nginx") as hands:
        await play(hands, deleted)


async def test_a_canary_ingress_without_its_annotations_gets_them_back(scene: Scene):
    async def bared(hands: Hands, stop: int) -> None:
        patch = [{"op": "remove", "path": "/metadata/annotations"}]
        await hands.scene.kubectl("patch", "ingress", CANARY_INGRESS, "--type", "json", "-p", json.dumps(patch))

    async with release(scene, "nginx") as hands:
        await play(hands, bared)


async def test_a_route_that_forgets_how_it_was_is_given_back_all_the_same(scene: Scene):
    async def forgotten(hands: Hands, stop: int) -> None:
        await hands.scene.kubectl("annotate", "httproute", "web", f"{ORIGINALS}-")

    async with release(scene, "gateway") as hands:
        before = (await scene.get(HTTP_ROUTE, "web"))["spec"]["rules"]
        await play(hands, forgotten)
        after = (await scene.get(HTTP_ROUTE, "web"))["spec"]["rules"]
        assert [ref["weight"] for ref in after[0]["backendRefs"]] == [ref["weight"] for ref in before[0]["backendRefs"]]


async def without_moving(hands: Hands, stop: int, words: str) -> None:
    """InvalidSpec with these words, and no weight, step or pod moves."""
    weight, sizes = await hands.weight(), await hands.scene.sizes()

    async def told() -> bool:
        status = (await hands.scene.rollout())["status"]
        return words in status["message"] and status["phase"] == "Degraded"

    await hands.scene.until("told", told)
    status = (await hands.scene.rollout())["status"]
    assert (status["currentStepIndex"], await hands.scene.sizes()) == (stop, sizes)
    assert weight is None or await hands.weight() == weight


@pytest.mark.parametrize("router", ROUTERS)
@pytest.mark.parametrize("name", ["stable", "canary"])
async def test_a_deleted_service_is_asked_for_and_the_release_waits(scene: Scene, router: str, name: str):
    """Nobody can serve by a Service that is not there: until it is, its share of the requests fails."""

    async def deleted(hands: Hands, stop: int) -> None:
        await hands.scene.kubectl("delete", "service", name)
        await without_moving(hands, stop, f'service "{name}" not found')
        await hands.scene.apply(service(name))

    async with release(scene, router) as hands:
        await play(hands, deleted, costs=True)


async def test_a_route_without_the_canary_is_told_of_and_the_release_waits(scene: Scene):
    async def removed(hands: Hands, stop: int) -> None:
        found = await hands.scene.get(HTTP_ROUTE, "web")
        refs = found["spec"]["rules"][0]["backendRefs"]
        key, path = Key(scene.namespace, "web"), "/spec/rules/0/backendRefs"
        patch = [{"op": "replace", "path": path, "value": [{**refs[0], "weight": 100}]}]
        await scene.client.patch(HTTP_ROUTE, key, patch, content=Content.JSON)
        await without_moving(hands, stop, "has no backendRef for the canary Service canary")
        patch = [{"op": "replace", "path": path, "value": [{**refs[0], "weight": 100}, {**refs[1], "weight": 0}]}]
        await scene.client.patch(HTTP_ROUTE, key, patch, content=Content.JSON)

    async with release(scene, "gateway") as hands:
        await play(hands, removed)


@pytest.mark.parametrize("router", ROUTERS)
async def test_two_people_at_once_one_of_whom_looks_again(scene: Scene, router: str):
    """Both read, one writes, the other's write is refused as a conflict and made anew: nobody's is lost."""

    async def both(hands: Hands, stop: int) -> None:
        found = await scene.get(ROLLOUT, "web")
        await scene.patch({"metadata": {"annotations": {"first": str(stop)}}})
        found["metadata"]["annotations"]["second"] = str(stop)
        del found["status"]
        answer = await scene.kubectl("replace", "-f", "-", stdin=json.dumps(found), check=False)
        assert "Conflict" in answer
        await scene.patch({"metadata": {"annotations": {"second": str(stop)}}})
        notes = (await scene.get(ROLLOUT, "web"))["metadata"]["annotations"]
        assert (notes["first"], notes["second"]) == (str(stop), str(stop))

    async with release(scene, router) as hands:
        await play(hands, both)


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("router", ROUTERS)
async def test_an_older_manifest_applied_in_mid_release_goes_back(scene: Scene, router: str, stop: int):
    async with release(scene, router) as hands:
        await scene.apply(hands.manifest("web:v2"))
        for at in STOPS:
            await scene.until(f"stands at {at}", lambda at=at: hands.stands(at))
            if at == stop:
                break
            await scene.promote()
        await scene.apply(hands.manifest("web:v1"))

        async def is_back() -> bool:
            status = (await scene.rollout())["status"]
            sizes = await scene.sizes()
            return (
                status["phase"] == "Healthy"
                and sizes == {"web:v1": REPLICAS, "web:v2": 0}
                and await hands.weight() == 0
            )

        await scene.until("back", is_back)
        assert hands.load.report().failures == []


@pytest.mark.parametrize("router", ROUTERS)
@pytest.mark.parametrize("stop", STOPS)
async def test_a_status_emptied_in_mid_release_ends_with_the_new_version(scene: Scene, router: str, stop: int):
    """What cannot be observed is lost with it: which revision was stable, and the step."""
    async with release(scene, router) as hands:
        await scene.image("web:v2")
        for at in STOPS:
            await scene.until(f"stands at {at}", lambda at=at: hands.stands(at))
            if at == stop:
                break
            await scene.promote()
        await scene.kubectl(
            "patch", "rollout", "web", "--subresource", "status", "--type", "json",
            "-p", '[{"op":"replace","path":"/status","value":{}}]',
        )  # fmt: skip
        await scene.patch({"spec": {"promoteFull": True}})
        await scene.until("over", hands.is_over)
        assert hands.load.report().failures == []


@pytest.mark.parametrize("router", ROUTERS)
async def test_a_stable_revision_that_is_deleted_ends_with_the_new_version(scene: Scene, router: str):
    """Its template is nowhere else: there is nothing to go back to, and the way forward stays open."""
    async with release(scene, router) as hands:
        await scene.image("web:v2")
        await scene.until("stands", lambda: hands.stands(1))
        found = await hands.replica_set("web:v1")
        hands.load.mark("by hand")
        await scene.kubectl("delete", "replicaset", found["metadata"]["name"])
        await scene.patch({"spec": {"promoteFull": True}})

        async def is_over() -> bool:
            status = (await scene.rollout())["status"]
            return status["phase"] == "Healthy" and await scene.sizes() == {"web:v2": REPLICAS}

        await scene.until("over", is_over)
        assert len(await scene.all(REPLICA_SET)) == 1
