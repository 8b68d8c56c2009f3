"""What holds for every blue-green release, whatever its specification, its cluster and the people around it."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from rollouts.planner.rollout import plan
from rollouts.simulator.script import act, begun
from tests.properties.crashes import Crashing, outcome
from tests.properties.judges import Traffic
from tests.properties.releases import IMAGES, SCALES, begun_to_live, lived
from tests.properties.sides import VERDICTS, Switches, selected, side_releases, watched_sides


@given(data=st.data())
def test_users_are_never_led_to_a_revision_without_pods(data):
    release = data.draw(side_releases(manual=True, bad=True, verdicts=VERDICTS))
    judge = Traffic()
    lived(release, watched_sides(release, judge))
    assert judge.charges == []


@given(data=st.data())
def test_no_switch_to_a_revision_that_cannot_carry_the_users(data):
    release = data.draw(side_releases(manual=True, bad=True, verdicts=VERDICTS))
    judge = Switches()
    lived(release, watched_sides(release, judge))
    assert judge.charges == []
    assert judge.switched or not release.replicas


@given(data=st.data())
def test_an_abort_at_any_instant_ends_with_the_stable_revision_active(data):
    release = data.draw(side_releases(manual=True, bad=True, verbs=(IMAGES, SCALES, "promote")))
    simulation = begun_to_live(release)
    simulation.run(simulation.world.now + timedelta(seconds=data.draw(st.integers(0, 60))))
    before = simulation.status
    act(simulation, data.draw(st.sampled_from(["abort", {"patch": {"spec": {"abort": True}}}])))
    act(simulation, "rest")
    status = simulation.status
    active = selected(simulation.world, "active")
    assert active == status.stable_rs
    if before.stable_rs == before.current_pod_hash or status.stable_rs == status.current_pod_hash:
        return
    assert (status.phase, status.abort, status.stable_rs) == ("Degraded", True, before.stable_rs)
    assert simulation.world.available().get(active, 0) == simulation.snapshot().replicas


@given(data=st.data())
def test_a_crash_changes_nothing_but_time(data):
    release = data.draw(side_releases(bad=True, verdicts=VERDICTS, verbs=()))
    undisturbed = lived(release)
    crashes = data.draw(st.lists(st.integers(0, 25), min_size=1, max_size=4, unique=True))
    downtime = timedelta(seconds=data.draw(st.sampled_from([0, 1, 7, 30, 90])))
    crashed = lived(release, Crashing(begun(release.script), frozenset(crashes), downtime))
    assert outcome(crashed) == outcome(undisturbed)
    assert selected(crashed.world, "active") == selected(undisturbed.world, "active")


@given(data=st.data())
def test_plans_come_to_rest(data):
    """`Simulation.rest` raises HotLoop at every instant at which plans do not converge."""
    simulation = lived(data.draw(side_releases(manual=True, bad=True, verdicts=VERDICTS)))
    assert not simulation.reconcile()
    assert plan(simulation.snapshot(), simulation.world.now) == plan(simulation.snapshot(), simulation.world.now)


@given(data=st.data())
def test_every_release_ends(data):
    release = data.draw(side_releases(bad=True, verdicts=("Successful", "Failed", "Error"), verbs=(IMAGES, SCALES)))
    assert lived(release).status.phase in {"Healthy", "Degraded"}


@given(data=st.data())
def test_every_good_release_ends_well(data):
    assert lived(data.draw(side_releases(verbs=(IMAGES, SCALES)))).status.phase == "Healthy"
