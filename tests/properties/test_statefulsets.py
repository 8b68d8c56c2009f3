"""What holds for every release of a StatefulSet, whatever its steps, its cluster and the people around it."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.planner.conditions import get
from rollouts.planner.ordinals import PINNED
from rollouts.planner.places import exposed_by, share
from rollouts.planner.rollout import plan
from rollouts.simulator.script import act, begun
from tests.placed import draft
from tests.properties.crashes import Crashing
from tests.properties.releases import begun_to_live, lived
from tests.properties.sets import (
    COMMANDS,
    IMAGES,
    RESET,
    ROUTERS,
    SCALES,
    OneAtATime,
    judged,
    outcome_of_set,
    placed,
    set_releases,
    the_set,
)

anywhere = pytest.mark.parametrize("router", ROUTERS)
PEOPLE = (IMAGES, SCALES, COMMANDS, st.just(RESET))


def partition(simulation):
    return the_set(simulation.world)["spec"]["updateStrategy"]["rollingUpdate"]["partition"]


@anywhere
@given(data=st.data())
def test_no_ready_pod_is_taken_while_another_is_missing(router, data):
    judge = OneAtATime()
    release = data.draw(set_releases(router, verbs=PEOPLE, bad=True))
    lived(release, judged(release, judge))
    assert judge.charges == []


@anywhere
@given(data=st.data())
def test_plans_come_to_rest(router, data):
    simulation = lived(data.draw(set_releases(router, verbs=PEOPLE, bad=True)))
    assert not simulation.reconcile()
    assert plan(simulation.snapshot(), simulation.world.now) == plan(simulation.snapshot(), simulation.world.now)


def all_new(simulation):
    """Every place has a ready pod of the revision in force, which is promoted."""
    status, pods = simulation.status, set(placed(simulation.world).values())
    return status.stable_rs == status.current_pod_hash and pods == {(status.current_pod_hash, True)}


@anywhere
@given(data=st.data())
def test_every_good_release_ends_with_all_pods_new(router, data):
    simulation = lived(data.draw(set_releases(router, verbs=(SCALES,))))
    assert (simulation.status.phase, all_new(simulation)) == ("Healthy", True)


@anywhere
@given(data=st.data())
def test_a_full_promotion_at_any_instant_ends_with_all_pods_new(router, data):
    simulation = begun_to_live(data.draw(set_releases(router, verbs=(SCALES, st.just(RESET), st.just("abort")))))
    simulation.run(simulation.world.now + timedelta(seconds=data.draw(st.integers(0, 90))))
    act(simulation, "promote full")
    act(simulation, "rest")
    assert (simulation.status.phase, all_new(simulation)) == ("Healthy", True)


@anywhere
@given(data=st.data())
def test_an_abort_at_any_instant_ends_with_all_pods_old(router, data):
    simulation = begun_to_live(data.draw(set_releases(router, verbs=(SCALES, st.just(RESET)), bad=True)))
    simulation.run(simulation.world.now + timedelta(seconds=data.draw(st.integers(0, 90))))
    before = simulation.status
    act(simulation, data.draw(st.sampled_from(["abort", {"patch": {"spec": {"abort": True}}}])))
    act(simulation, "rest")
    status = simulation.status
    if before.stable_rs == before.current_pod_hash or status.stable_rs == status.current_pod_hash:
        return  # nothing was being released any more
    assert (status.phase, status.abort, partition(simulation)) == ("Degraded", True, PINNED)
    if get(status.conditions, "RevisionLost") is not None:
        # Every pod was asked to be new, and was: only then may Kubernetes forget the old revision.
        steps = simulation.snapshot().steps
        assert get(before.conditions, "RevisionLost") is not None or (before.current_step_index or 0) == len(steps)
        return
    pods = placed(simulation.world)
    assert set(pods.values()) == {(before.stable_rs, True)}
    assert len(pods) == the_set(simulation.world)["spec"]["replicas"]


@anywhere
@given(data=st.data())
def test_a_crash_changes_nothing_but_time(router, data):
    release = data.draw(set_releases(router))
    undisturbed = lived(release)
    crashes = data.draw(st.lists(st.integers(0, 40), min_size=1, max_size=4, unique=True))
    downtime = timedelta(seconds=data.draw(st.sampled_from([0, 1, 7, 30])))
    crashed = lived(release, Crashing(begun(release.script), frozenset(crashes), downtime))
    assert outcome_of_set(crashed) == outcome_of_set(undisturbed)


@anywhere
@given(data=st.data())
def test_a_crash_in_an_abort_changes_nothing_but_time(router, data):
    release = data.draw(set_releases(router, bad=True))
    outcomes = []
    for crashes in (frozenset(), frozenset({data.draw(st.integers(8, 45)), data.draw(st.integers(8, 45))})):
        simulation = Crashing(begun(release.script), crashes, timedelta(seconds=3))
        begun_to_live(release, simulation)
        act(simulation, "abort")
        act(simulation, "rest")
        outcomes.append(outcome_of_set(simulation))
    assert outcomes[0] == outcomes[1]


@anywhere
@given(data=st.data())
def test_between_releases_the_partition_is_pinned_and_every_pod_is_of_one_revision(router, data):
    simulation = lived(data.draw(set_releases(router, verbs=PEOPLE)))
    if simulation.status.phase != "Healthy":
        return
    pods = placed(simulation.world)
    assert partition(simulation) == PINNED
    assert {revision for revision, _ in pods.values()} <= {simulation.status.stable_rs}
    assert len(pods) == the_set(simulation.world)["spec"]["replicas"]


@anywhere
@given(data=st.data())
def test_a_pause_shows_exactly_the_pods_of_its_step(router, data):
    release = data.draw(set_releases(router, verbs=(SCALES, st.just(RESET))))
    weight = data.draw(st.sampled_from([0, 1, 20, 33, 50, 99]))
    steps = ({"setWeight": weight}, {"pause": {}})
    release = type(release)(router, release.replicas, steps, release.spec, release.cluster, release.edits)
    simulation = lived(release)
    replicas = the_set(simulation.world)["spec"]["replicas"]
    snapshot = simulation.snapshot()
    new = {name for name, (revision, _) in placed(simulation.world).items() if revision == snapshot.canary_hash}
    count = exposed_by(weight, replicas, 100)
    assert share(snapshot, draft(snapshot)).exposed == count
    assert new == {f"db-{index}" for index in range(replicas - count, replicas)}
