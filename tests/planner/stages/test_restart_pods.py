from dataclasses import replace
from datetime import timedelta

from rollouts.planner.draft import Extent
from rollouts.planner.stages.restart_pods import AGAIN, restart_pods
from tests import given
from tests.given import LONG_AGO, NOW, OLDER, STABLE, draft, said, set_weight, written
from tests.planner.pods import budget, going, of, pod

AT = NOW - timedelta(minutes=1)
DUE = given.at(AT)
WAIT = "wait: 4 pods are to restart once all others are available"
FOUR = tuple(pod(f"s{number}", app="web") for number in range(4))


def decided(snapshot):
    return restart_pods(snapshot, draft(snapshot), NOW)


def healthy(**canary):
    return given.release(set_weight(25), **canary).wanting(restartAt=DUE)


def test_nothing_restarts_where_nobody_asked_or_where_it_was_done():
    for done in (given.release(), healthy().having(restartedAt=DUE)):
        snapshot = of(done, stable=FOUR)
        assert decided(snapshot) == draft(snapshot)


def test_a_restart_in_the_future_is_waited_for():
    later = NOW + timedelta(hours=1)
    found = decided(of(given.release().wanting(restartAt=given.at(later)), stable=FOUR))
    assert (written(found), found.wake_at, found.status.restarted_at) == ([], later, None)


def test_one_pod_goes_at_a_time_and_nothing_else_happens_in_that_pass():
    found = decided(of(healthy(), stable=FOUR))
    assert written(found) == ["EvictPod: s0 restarts"]
    assert (found.stopped, found.extent, found.wake_at) == ("pods restart", Extent.NOTHING, NOW + AGAIN)


def test_as_many_go_as_maxUnavailable_allows():  # noqa: N802
    assert written(decided(of(healthy(maxUnavailable=2), stable=FOUR))) == [
        "EvictPod: s0 restarts",
        "EvictPod: s1 restarts",
    ]
    assert written(decided(of(healthy(maxUnavailable=0, maxSurge=1), stable=FOUR))) == ["EvictPod: s0 restarts"]


def test_of_both_sides_no_more_go_than_one_side_has():
    there = given.blue_green(replicas=2, maxUnavailable=9).wanting(restartAt=DUE).pods(stable="2/2", canary="2/2")
    found = decided(of(there, stable=(pod("s0"), pod("s1")), canary=(pod("c0"), pod("c1"))))
    assert written(found) == ["EvictPod: s0 restarts", "EvictPod: s1 restarts"]


def test_what_is_not_available_already_counts():
    assert said(decided(of(healthy().pods(stable="3/4"), stable=FOUR))) == [WAIT]
    assert said(decided(of(healthy().pods(canary="0/1"), stable=FOUR))) == [WAIT]


def test_stable_goes_before_the_canary_and_older_revisions_last():
    there = healthy(maxUnavailable=9).pods(stable="2/2", canary="1/1", older="1/1")
    snapshot = of(there, older=(pod("o0"),), canary=(pod("c0"),), stable=(pod("s0"), pod("s1")))
    assert written(decided(snapshot)) == [f"EvictPod: {name} restarts" for name in ("s0", "s1", "c0", "o0")]


def test_pods_made_since_and_pods_that_go_already_are_left_alone():
    young = pod("young", made=AT)
    found = decided(of(healthy(), stable=(young, going(pod("gone")))))
    assert (written(found), found.status.restarted_at, found.stopped) == ([], AT, "")
    assert said(found) == [f"act: every pod is younger than restartAt {DUE}"]


def test_a_budget_keeps_its_pods_and_the_release_goes_on():
    found = decided(replace(of(healthy(), stable=FOUR), budgets=(budget(0, app="web"),)))
    assert (written(found), found.stopped, found.wake_at) == ([], "", NOW + AGAIN)
    assert said(found) == [
        "wait: s0 stays for now: PodDisruptionBudget web allows 0 disruptions: 4 of 4 pods are healthy, 4 must be"
    ]
    assert found.status.restarted_at is None


def test_a_budget_of_other_pods_keeps_nobody():
    found = decided(replace(of(healthy(), stable=FOUR), budgets=(budget(0, app="other"),)))
    assert written(found) == ["EvictPod: s0 restarts"]


def test_blue_green_goes_on_after_an_eviction():
    strategy = {"blueGreen": {"activeService": "web-active", "maxUnavailable": 2}}
    found = decided(of(given.release().wanting(strategy=strategy, restartAt=DUE), stable=FOUR))
    assert (len(written(found)), found.stopped) == (2, "")


def test_pods_of_every_revision_have_to_be_young():
    there = healthy().pods(older="1/1")
    old = of(there, stable=(pod("s0", made=AT),), older=(pod("o0", made=LONG_AGO),))
    assert written(decided(old)) == ["EvictPod: o0 restarts"]
    assert {OLDER, STABLE} <= {rs.metadata.labels["rollouts-pod-template-hash"] for rs in old.replica_sets}
