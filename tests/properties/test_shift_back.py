"""Weight never moves to a side faster than its available pods allow: neither in a release nor in its abort."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.api import keys
from rollouts.api.kinds import HTTP_ROUTE, INGRESS, REPLICA_SET
from rollouts.planner.actions import ChangeRoute
from rollouts.simulator.world import World
from tests.properties.judges import Judge, WatchedWorld, hero, watched
from tests.properties.releases import COMMANDS, IMAGES, SCALES, Release, lived, releases

TOTAL = 100
KILLS = st.tuples(st.sampled_from(["stable", "canary"]), st.integers(1, 12)).map(lambda one: {"kill": dict([one])})
BACK = st.sampled_from(["abort", {"image": "web:1"}, {"image": "web:3"}, {"patch": {"spec": {"abort": True}}}])
AFTERWARDS = st.tuples(st.integers(10, 100), st.integers(1, 12), st.sampled_from([0.0, 0.5, 3.0]), BACK)
VERBS = (KILLS, KILLS, "abort", "retry", "promote", COMMANDS, IMAGES, SCALES)


def canary_weight(world: World) -> int:
    """What the routes say now."""
    for raw in world.objects.of(INGRESS):
        weight = (raw["metadata"].get("annotations") or {}).get("nginx.ingress.kubernetes.io/canary-weight")
        if weight is not None:
            return int(weight)
    refs = [ref for raw in world.objects.of(HTTP_ROUTE) for rule in raw["spec"]["rules"] for ref in rule["backendRefs"]]
    return next((ref.get("weight", 1) for ref in refs if ref["name"] == "web-canary"), 0)


def reported(world: World) -> dict[str, int]:
    """Available pods of each revision, as the controller can know them."""
    found = {}
    for raw in world.objects.of(REPLICA_SET):
        have = (raw.get("status") or {}).get("availableReplicas", 0)
        found[raw["metadata"]["labels"][keys.HASH_LABEL]] = min(have, raw["spec"].get("replicas", 0))
    return found


class Capacity(Judge):
    """Whoever gets more weight by a write has the pods for all it then has."""

    def __init__(self, *, sized_apart: bool) -> None:
        super().__init__()
        self.sized_apart = sized_apart
        self.weight = 0
        self.moves = {"back": 0, "forth": 0}

    def before(self, world: World) -> None:
        self.weight = canary_weight(world)

    def look(self, world: World, what: str) -> None:
        weight = canary_weight(world)
        if weight == self.weight or what == "time passes":
            return
        status, wanted = hero(world)["status"], hero(world)["spec"]["replicas"]
        stable, canary = status.get("stableRS", ""), status.get("currentPodHash", "")
        if weight < self.weight:
            self.moves["back"] += 1
            self.hold(world, stable, (TOTAL - weight) * wanted // TOTAL, f"{self.weight} → {weight}")
        elif not self.sized_apart:
            self.moves["forth"] += 1
            self.hold(world, canary, weight * wanted // TOTAL, f"{self.weight} → {weight}")

    def hold(self, world: World, side: str, needed: int, move: str) -> None:
        have = reported(world).get(side, 0)
        if have < needed:
            self.charges.append(f"{world.now}: {move}, and {side} has {have} of {needed} pods")


@pytest.mark.parametrize("is_dynamic", [False, True])
@pytest.mark.parametrize("router", ["nginx", "gatewayAPI"])
@given(data=st.data())
def test_weight_moves_no_faster_than_pods_allow(router, is_dynamic, data):
    release = weakened(data.draw(releases(router, manual=True, verbs=VERBS)), data.draw(AFTERWARDS))
    if is_dynamic:
        release = dynamic(release)
    judge = Capacity(sized_apart=any("setCanaryScale" in step for step in release.canary["steps"]))
    lived(release, watched(release, judge))
    assert judge.charges == []


def weakened(release: Release, afterwards: tuple[int, int, float, object]) -> Release:
    """The release with weight on the canary when stable pods die and it is to be taken back."""
    weight, pods, seconds, verb = afterwards
    steps = [{"setWeight": weight}, {"pause": {}}, *release.canary["steps"]]
    dying = ((100.0, {"kill": {"stable": pods}}), (seconds, verb))
    return replace(
        release, canary={**release.canary, "steps": steps}, edits=(release.edits[0], *dying, *release.edits[1:])
    )


def dynamic(release: Release) -> Release:
    canary = {key: value for key, value in release.canary.items() if key != "scaleDownDelaySeconds"}
    return replace(release, canary={**canary, "dynamicStableScale": True})


def test_the_judge_sees_both_directions():
    """A release that is aborted while stable is weak: without such moves the law above would hold of nothing."""
    steps = [{"setWeight": 50}, {"pause": {}}]
    edits = ((0.0, {"image": "web:2"}), (100.0, {"kill": {"stable": 3}}), (0.0, "abort"))
    cluster = {"lags": {"ready": [5, 5], "proxy": [1, 1]}}
    judge = Capacity(sized_apart=False)
    release = Release("nginx", 4, {"steps": steps}, {}, cluster, edits)
    simulation = watched(release, judge)
    assert isinstance(simulation.world, WatchedWorld)
    lived(release, simulation)
    assert (judge.charges, judge.moves["forth"] > 0, judge.moves["back"] > 0) == ([], True, True)


def test_the_judge_charges_who_moves_too_fast():
    world = _Weak()
    judge = Capacity(sized_apart=False)
    judge.weight = 100
    judge.look(world, str(ChangeRoute))
    assert judge.charges == ["now: 100 → 0, and s has 1 of 4 pods"]


class _Weak:
    """A world in which weight 0 was just written and stable has one pod of four."""

    now = "now"

    @property
    def objects(self) -> "_Weak":
        return self

    def of(self, kind: object) -> list[dict[str, object]]:
        if kind == REPLICA_SET:
            labels = {keys.HASH_LABEL: "s"}
            return [{"metadata": {"labels": labels}, "spec": {"replicas": 4}, "status": {"availableReplicas": 1}}]
        if kind in {INGRESS, HTTP_ROUTE}:
            return []
        return [{"spec": {"replicas": 4}, "status": {"stableRS": "s", "currentPodHash": "c"}}]
