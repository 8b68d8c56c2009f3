import pytest

from rollouts.planner.ordinals import PINNED
from rollouts.planner.places import allowed, exposed_by, lacking, partition_for, relief, share, too_few
from tests import placed
from tests.given import pause, set_weight
from tests.placed import NEW, OLDER, draft


@pytest.mark.parametrize(
    ("weight", "replicas", "pods"),
    [
        *[(0, 5, 0), (1, 5, 1), (20, 5, 1), (21, 5, 2), (40, 5, 2), (99, 5, 4), (100, 5, 5)],
        *[(99, 1, 0), (100, 1, 1), (1, 2, 1), (99, 2, 1), (50, 0, 0), (100, 0, 0), (40, 8, 4), (40, 3, 2)],
    ],
)
def test_any_weight_exposes_a_pod_and_none_below_everything_exposes_all(weight, replicas, pods):
    assert exposed_by(weight, replicas, 100) == pods


def exposed(situation):
    snapshot = situation.snapshot
    return share(snapshot, draft(snapshot)).exposed


def test_the_share_is_that_of_the_step_in_force():
    steps = placed.release(set_weight(40), pause(), set_weight(80))
    assert [exposed(steps.step(index)) for index in range(4)] == [2, 2, 4, 5]


def test_set_canary_scale_gives_the_number_of_pods():
    weight = set_weight(20)
    assert exposed(placed.release(weight, {"setCanaryScale": {"replicas": 3}}).step(1)) == 3
    assert exposed(placed.release(weight, {"setCanaryScale": {"replicas": 9}}).step(1)) == 5
    assert exposed(placed.release(weight, {"setCanaryScale": {"weight": 50}}).step(1)) == 3
    assert exposed(placed.release(weight, {"setCanaryScale": {"replicas": 0}}).step(1)) == 1
    assert exposed(placed.release({"setCanaryScale": {"replicas": 0}})) == 0


def test_with_a_router_set_canary_scale_leaves_one_old_pod_to_the_traffic_that_it_still_has():
    every = {"setCanaryScale": {"replicas": 5}}
    by_weight = {"setCanaryScale": {"weight": 100}}
    assert exposed(placed.routed(set_weight(20), every).step(1).served()) == 4
    assert exposed(placed.routed(set_weight(20), by_weight).step(1).served()) == 4
    assert exposed(placed.routed(set_weight(100), every).step(1).served()) == 5


def test_an_abort_and_a_finished_release_expose_nothing():
    assert exposed(placed.release(set_weight(40)).aborted()) == 0
    assert exposed(placed.idle(set_weight(40))) == 0


def test_a_full_promotion_exposes_everything():
    assert exposed(placed.release(set_weight(40)).having(promoteFull=True)) == 5


def test_a_person_who_pauses_everything_keeps_the_share_as_it_was():
    held = placed.release(set_weight(40), set_weight(80)).step(1).wanting(paused=True)
    assert exposed(held) == 0
    kept = {"original": 0, "workload": "db", "step": 0}
    assert exposed(held.having(partition=kept)) == 2
    assert exposed(held.having(partition=kept).of_set(replicas=8)) == 4


def test_all_are_exposed_where_the_step_that_was_reached_is_not_there_any_more():
    held = placed.release(set_weight(40)).step(1).wanting(paused=True)
    assert exposed(held.having(partition={"original": 0, "workload": "db", "step": 3})) == 5


def test_the_partition_is_counted_from_the_first_ordinal_and_pinned_for_no_pods():
    snapshot = placed.release(set_weight(40)).of_set(ordinals={"start": 10}).snapshot
    assert [partition_for(snapshot, draft(snapshot), pods) for pods in (0, 2, 5)] == [PINNED, 3, 0]


def at_rest(situation):
    snapshot = situation.snapshot
    return partition_for(snapshot, draft(snapshot), 0)


def test_at_rest_it_is_pinned_once_the_new_revision_is_the_current_one():
    assert at_rest(placed.idle()) == PINNED
    assert at_rest(placed.idle().partition(0).counted(currentRevision="db-old")) == 0


def test_after_a_return_it_lets_go_of_the_abandoned_pods_and_of_no_others():
    assert at_rest(placed.idle().new(2, 4, revision=OLDER)) == 2


def lacks(situation):
    snapshot = situation.snapshot
    return lacking(snapshot, draft(snapshot))


STEP = placed.release(set_weight(40)).partition(3)


def test_a_step_is_complete_when_exactly_the_top_pods_are_new_and_all_are_ready():
    assert lacks(STEP.new(3, 4)) == ""


@pytest.mark.parametrize(
    ("situation", "text"),
    [
        (STEP.new(4), "canary has 1 of 2 pods available"),
        (STEP.new(3, 4, state="unready"), "canary has 0 of 2 pods available"),
        (STEP.new(2, 3, 4), "the pod at index 2 (db-2) is not of revision db-old"),
        (STEP.new(2, 4), "the pod at index 2 (db-2) is not of revision db-old"),
        (STEP.new(3, 4).old(1, state="unready"), "the pod at index 1 (db-1) is not ready"),
        (STEP.new(3, 4).old(0, state="going"), "the pod at index 0 (db-0) is being deleted"),
        (STEP.new(3, 4).without(1), "the pod at index 1 is missing"),
        (STEP.new(3, 4).partition(2), "partition is 2, going to 3"),
        (STEP.new(3, 4).unseen(), "the StatefulSet controller has not seen the partition yet"),
        (STEP.of_set(replicas=4).partition(2).new(2, 3), "1 pods are still to be scaled down"),
    ],
)
def test_a_step_waits_for(situation, text):
    assert lacks(situation) == text


def test_weight_needs_as_many_new_pods_as_the_step_exposes_and_minds_no_more():
    def short(situation):
        snapshot = situation.snapshot
        return too_few(snapshot, draft(snapshot))

    assert short(STEP.new(4)) == "canary has 1 of 2 pods available"
    assert short(STEP.new(2, 3, 4)) == ""
    last = placed.routed(set_weight(40)).served().step(1)
    assert (short(last.new(1, 2, 3, 4)), short(last.new(2, 3, 4))) == ("", "canary has 3 of 4 pods available")


def test_the_last_old_pod_stays_until_the_traffic_is_gone():
    snapshot = placed.routed(set_weight(40)).step(1).new(1, 2, 3, 4).partition(1).served().snapshot
    assert allowed(snapshot, draft(snapshot), 5) == (4, "one old pod stays until all traffic is with the new ones")
    assert allowed(snapshot, draft(snapshot), 3) == (3, "")
    alone = placed.release(set_weight(40)).snapshot
    assert allowed(alone, draft(alone), 5) == (5, "")


def test_a_step_is_not_complete_while_the_last_old_pod_stays_for_the_traffic():
    all_but_one = placed.routed(set_weight(100)).new(1, 2, 3, 4).partition(1).served()
    assert lacks(all_but_one) == "canary has 4 of 5 pods available"


def test_few_old_pods_are_spared():
    def weight(situation):
        snapshot = situation.snapshot
        return relief(snapshot, draft(snapshot))

    assert weight(placed.release().new(4)) == 0
    assert weight(placed.release().new(2, 3, 4)) == 20
    assert weight(placed.release().new(1, 2, 3, 4)) == 60
    assert weight(placed.release().new(1, 2, 3, 4, revision=NEW, state="unready")) == 0
