"""What holds for every release, whatever its specification, its cluster and the people around it."""

from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rollouts.planner.rollout import plan
from rollouts.simulator.script import act, begun
from tests.properties.crashes import Crashing, outcome
from tests.properties.judges import Availability, Traffic, Weights, watched
from tests.properties.releases import IMAGES, ROUTERS, SCALES, Release, begun_to_live, lived, releases

anywhere = pytest.mark.parametrize("router", ROUTERS)
# Without a router no proxy is simulated.
routed = pytest.mark.parametrize("router", [router for router in ROUTERS if router != "basic"])
ANY_VERDICT = ("Successful", "Failed", "Error", "Inconclusive")


@anywhere
@given(data=st.data())
def test_weights_sum_to_the_total(router, data):
    judge = Weights()
    simulation = lived(release := data.draw(releases(router, verdicts=ANY_VERDICT, bad=True)), watched(release, judge))
    for moment in simulation.moments:
        weights = moment.plan.status.canary.weights if moment.plan else None
        if weights and weights.canary.weight + weights.stable.weight != 100:
            judge.charges.append(f"{moment.at}: {weights}")
    assert judge.charges == []


@routed
@given(data=st.data())
def test_no_traffic_without_pods(router, data):
    release = data.draw(releases(router, verdicts=ANY_VERDICT, bad=True))
    judge = Traffic()
    lived(release, watched(release, judge))
    assert judge.charges == []


# Proxies hear of no pods only once new ones stand: that nobody served was wanted.
QUICK_LAGS = {
    "ready": [1, 1],
    "counts": [0, 0],
    "endpoints": [0, 0],
    "proxy": [0, 1.5],
    "gateway": [0, 0],
    "runs": [1, 1],
}
TO_NOTHING_AND_BACK = ((0.0, {"image": "web:2"}), (0.0, {"scale": 0}), (0.0, {"scale": 1}))


@routed
@given(seed=st.integers(0, 1000))
@example(seed=0)
def test_no_traffic_without_pods_is_sent_on_the_way_back_from_none(router, seed):
    release = Release(router, 1, {"steps": []}, {}, {"lags": QUICK_LAGS, "seed": seed}, TO_NOTHING_AND_BACK)
    judge = Traffic()
    lived(release, watched(release, judge))
    assert judge.charges == []


@anywhere
@given(data=st.data())
def test_pods_that_are_needed_stay(router, data):
    release = data.draw(releases(router, verdicts=ANY_VERDICT, bad=True))
    judge = Availability(routed=router != "basic")
    lived(release, watched(release, judge))
    assert judge.charges == []


@anywhere
@given(data=st.data())
def test_the_same_snapshot_gives_the_same_plan(router, data):
    release = data.draw(releases(router, verdicts=ANY_VERDICT, bad=True, manual=True))
    simulation = lived(release)
    for later in (timedelta(), timedelta(seconds=data.draw(st.integers(0, 100)))):
        now = simulation.world.now + later
        assert plan(simulation.snapshot(), now) == plan(simulation.snapshot(), now)


@anywhere
@given(data=st.data())
def test_plans_come_to_rest(router, data):
    """`Simulation.rest` raises HotLoop at every instant at which plans do not converge."""
    release = data.draw(releases(router, verdicts=ANY_VERDICT, bad=True, manual=True))
    simulation = lived(release)
    assert not simulation.reconcile()
    assert simulation.moments[-1].plan.actions == ()


@anywhere
@given(data=st.data())
def test_an_abort_ends_with_everything_on_stable(router, data):
    release = data.draw(releases(router, bad=True, manual=True, verbs=(IMAGES, SCALES, "promote")))
    simulation = begun_to_live(release)
    simulation.run(simulation.world.now + timedelta(seconds=data.draw(st.integers(0, 120))))
    before = simulation.status
    act(simulation, data.draw(st.sampled_from(["abort", {"patch": {"spec": {"abort": True}}}])))
    act(simulation, "rest")
    status = simulation.status
    if before.stable_rs == before.current_pod_hash or status.stable_rs == status.current_pod_hash:
        # Without pods anything can be promoted; with pods again it may then prove to be bad.
        is_bad = set(release.cluster["neverReady"]) - {"web:1"}
        assert status.phase == "Healthy" or is_bad
        return
    assert (status.phase, status.abort, status.stable_rs) == ("Degraded", True, before.stable_rs)
    replicas = simulation.snapshot().replicas
    assert simulation.world.available().get(before.stable_rs, 0) == replicas
    if replicas:
        assert all(share == {before.stable_rs: 1} for share in simulation.world.traffic())


@anywhere
@given(data=st.data())
def test_every_release_ends(router, data):
    release = data.draw(releases(router, verdicts=("Successful", "Failed", "Error"), bad=True))
    assert lived(release).status.phase in {"Healthy", "Degraded"}


@anywhere
@given(data=st.data())
def test_a_crash_changes_nothing_but_time(router, data):
    release = data.draw(releases(router, verdicts=ANY_VERDICT, bad=True, verbs=()))
    undisturbed = lived(release)
    crashes = data.draw(st.lists(st.integers(0, 25), min_size=1, max_size=4, unique=True))
    downtime = timedelta(seconds=data.draw(st.sampled_from([0, 1, 7, 30, 90])))
    crashed = lived(release, Crashing(begun(release.script), frozenset(crashes), downtime))
    assert outcome(crashed) == outcome(undisturbed)
