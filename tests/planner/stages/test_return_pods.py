from dataclasses import replace
from datetime import timedelta

import pytest

from rollouts.planner.actions import DeletePod, EvictPod, Target
from rollouts.planner.conditions import get
from rollouts.planner.draft import Routing
from rollouts.planner.stages.return_pods import GRACE, return_pods
from rollouts.planner.stages.route_traffic import route_traffic
from tests import placed
from tests.given import LONG_AGO, NOW, events, said, set_weight, written
from tests.placed import NEW, OLD, OLDER, draft

ABORTED = placed.release(set_weight(40)).aborted()


def decided(situation, now=NOW):
    snapshot = situation.snapshot
    return return_pods(snapshot, draft(snapshot), now)


def test_an_abort_evicts_the_highest_new_pod_as_it_was_seen():
    found = decided(ABORTED.new(3, 4))
    assert [type(action) for action in found.actions] == [EvictPod]
    assert found.actions[0].target == Target(("shop", "db-4"), "Pod-db-4", "54")
    assert (written(found), events(found)) == ([f"EvictPod: db-4 is evicted: back to revision {OLD}"], ["PodEvicted"])


def test_the_next_one_goes_when_the_one_before_is_ready():
    assert written(decided(ABORTED.new(3).without(4))) == []
    assert written(decided(ABORTED.new(3).old(4, state="unready"))) == []
    assert written(decided(ABORTED.new(3))) == [f"EvictPod: db-3 is evicted: back to revision {OLD}"]


def test_nothing_goes_before_the_pin_is_seen():
    assert written(decided(ABORTED.new(4).partition(3))) == []
    assert said(decided(ABORTED.new(4).partition(3))) == [
        f"hold: 1 pods are to return to the old revision: db-4 would come back in revision {NEW}"
    ]
    assert written(decided(ABORTED.new(4).unseen())) == []


def test_nothing_goes_where_it_could_not_come_back_in_the_old_revision():
    assert written(decided(ABORTED.new(4).counted(currentRevision=NEW))) == []


def test_a_broken_pod_is_evicted_or_deleted_where_a_budget_refuses():
    assert written(decided(ABORTED.new(4, state="unready")))[0].startswith("EvictPod: db-4")
    refusing = ABORTED.new(4, state="unready").budget(allowed=0)
    unhealthy = replace(
        refusing, others=tuple({**one, "status": {**one["status"], "currentHealthy": 4}} for one in refusing.others)
    )
    found = decided(unhealthy)
    assert [type(action) for action in found.actions] == [DeletePod]
    assert events(found) == ["PodDeleted"]


REFUSED = (
    "db-4 is ready and stays for now: PodDisruptionBudget pdb allows 0 disruptions: 5 of 5 pods are healthy, 5 must be"
)


def test_a_ready_pod_that_a_budget_keeps_is_waited_for_with_numbers():
    found = decided(ABORTED.new(3, 4).budget(allowed=0))
    assert (found.actions, events(found)) == ((), ["EvictionRefused"])
    condition = get(found.status.conditions, "EvictionRefused")
    assert (condition.status, condition.reason, condition.message) == ("True", "EvictionRefused", REFUSED)
    assert found.wake_at == NOW + timedelta(seconds=5)


@pytest.mark.parametrize(("waited", "more"), [(8, 8), (100, 100), (4000, 300)])
def test_the_longer_it_waits_the_less_often_it_looks(waited, more):
    first = decided(ABORTED.new(4).budget(allowed=0))
    again = ABORTED.new(4).budget(allowed=0).snapshot
    now = NOW + timedelta(seconds=waited)
    found = return_pods(again, replace(draft(again), status=first.status), now)
    assert (found.wake_at - now, events(found)) == (timedelta(seconds=more), [])


def test_the_condition_goes_with_its_cause():
    first = decided(ABORTED.new(4).budget(allowed=0))
    snapshot = ABORTED.new(4).budget(allowed=1).snapshot
    found = return_pods(snapshot, replace(draft(snapshot), status=first.status), NOW)
    assert get(found.status.conditions, "EvictionRefused") is None
    assert len(found.actions) == 1


def test_pods_that_the_step_exposes_stay_and_others_go_back():
    step = placed.release(set_weight(40)).partition(3)
    assert written(decided(step.new(3, 4))) == []
    assert written(decided(step.new(2, 3, 4))) == [f"EvictPod: db-2 is evicted: back to revision {OLD}"]
    assert written(decided(step.new(2, revision=OLDER)))[0].startswith("EvictPod: db-2")


def test_pods_born_new_while_paused_go_back():
    scaled = placed.release(set_weight(40)).wanting(paused=True).of_set(replicas=6).new(5)
    assert written(decided(scaled)) == [f"EvictPod: db-5 is evicted: back to revision {OLD}"]


def routed(situation, **split):
    snapshot = situation.snapshot
    found = route_traffic(snapshot, draft(snapshot), NOW)
    told = Routing(replace(found.routing.split, canary=split.get("canary", 0)), split.get("hold", ""))
    return return_pods(snapshot, replace(draft(snapshot), routing=told), NOW)


WEB = placed.routed(set_weight(40)).aborted().new(3, 4).served()


def test_pods_go_when_no_traffic_goes_to_them_and_that_is_seen():
    assert written(routed(WEB, canary=40)) == []
    assert written(routed(WEB, hold="nginx: weight 0 settles")) == []
    assert written(routed(placed.routed(set_weight(40)).aborted().new(3, 4).served(stable=NEW))) == []
    assert written(routed(WEB)) == [f"EvictPod: db-4 is evicted: back to revision {OLD}"]


def test_in_mid_release_pods_that_are_too_many_go_once_the_rest_carries_the_weight():
    """The Service of the canary leads to them and to those that stay: what counts is that its weight is in effect."""
    step = placed.routed(set_weight(40)).partition(3).new(2, 3, 4).served()
    held = routed(step, canary=60, hold="nginx: weight 40 is being written")
    assert (written(held), said(held)) == (
        [],
        ["hold: 1 pods are to return to the old revision: nginx: weight 40 is being written"],
    )
    assert written(routed(step, canary=40)) == [f"EvictPod: db-2 is evicted: back to revision {OLD}"]


def test_with_no_old_pod_left_the_first_goes_without_waiting_for_traffic():
    nobody_else = placed.routed(set_weight(40)).aborted().new(*range(5)).served()
    assert written(routed(nobody_else, canary=100)) == [f"EvictPod: db-4 is evicted: back to revision {OLD}"]


def test_a_broken_pod_that_keeps_an_update_out_goes_after_a_while():
    stuck = placed.release(set_weight(40)).partition(3).new(4, state="unready", revision=OLDER)
    early = decided(stuck, LONG_AGO + GRACE / 2)
    assert (early.actions, early.wake_at) == ((), LONG_AGO + GRACE)
    assert written(decided(stuck)) == [f"EvictPod: db-4 is evicted: it is not ready, and keeps revision {NEW} out"]
    assert written(decided(stuck.new(4, state="unready"))) == []


def test_after_a_return_to_the_old_template_a_broken_pod_goes_too():
    back = placed.idle().partition(4).new(4, state="unready", revision=OLDER)
    assert written(decided(back)) == [f"EvictPod: db-4 is evicted: it is not ready, and keeps revision {NEW} out"]
    assert written(decided(placed.idle().partition(4).new(4, revision=OLDER))) == []
