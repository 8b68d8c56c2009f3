from dataclasses import replace

from msgspec import structs

from rollouts.api.status import WeightDestination
from rollouts.planner.actions import PatchStatefulSet
from rollouts.planner.draft import Routing
from rollouts.planner.ordinals import PINNED
from rollouts.planner.stages.move_partition import move_partition, pin_promoted
from rollouts.planner.stages.route_traffic import route_traffic
from tests import placed
from tests.given import NOW, events, pause, said, set_weight
from tests.placed import NEW, OLD, draft


def decided(situation, **more):
    snapshot = situation.snapshot
    return move_partition(snapshot, replace(draft(snapshot), **more), NOW)


def moved(situation):
    found = decided(situation).actions
    assert len(found) <= 1
    return found[0].patch["spec"]["updateStrategy"]["rollingUpdate"]["partition"] if found else None


STEP = placed.release(set_weight(40), pause(), set_weight(80))


def test_the_partition_is_written_with_our_notes_as_it_was_seen():
    (write,) = decided(STEP).actions
    assert isinstance(write, PatchStatefulSet)
    notes = {"rollouts.argoproj.io/managed-by": "db", "rollouts.argoproj.io/partition-written": "3"}
    rolling = {"updateStrategy": {"rollingUpdate": {"partition": 3}}}
    assert write.patch == {"metadata": {"annotations": notes}, "spec": rolling}
    assert (write.target.uid, write.target.resource_version) == ("StatefulSet-db", "70")
    assert write.because == "partition pinned → 3: step 1 of 3, setWeight: 40"


def test_nothing_is_written_twice():
    assert moved(STEP.partition(3)) is None
    assert moved(STEP.partition(3, written=None)) == 3  # our notes are missing


def test_it_follows_the_step_and_the_replicas_in_the_same_pass():
    assert moved(STEP.partition(3).step(2)) == 1
    assert moved(STEP.partition(3).step(3)) == 0
    assert moved(STEP.partition(3).of_set(replicas=8)) == 4
    assert moved(STEP.partition(4).of_set(replicas=3)) == 1
    assert moved(STEP.partition(3).step(1).of_set(replicas=8)) == 4


def test_it_is_kept_while_a_person_pauses_everything():
    kept = {"original": 0, "workload": "db", "step": 0}
    held = STEP.partition(3).step(2).wanting(paused=True).having(partition=kept)
    assert moved(held) is None
    assert moved(held.of_set(replicas=8)) == 4


def test_the_step_it_stands_for_is_remembered():
    assert decided(STEP.step(2)).status.partition.step == 2
    assert decided(STEP.aborted()).status.partition.step is None


def test_an_abort_pins_at_once():
    assert moved(STEP.partition(3).aborted()) == PINNED
    assert moved(STEP.partition(3).aborted().unseen()) == PINNED


def test_it_is_not_lowered_for_a_template_that_nobody_has_seen():
    assert moved(STEP.unseen()) is None
    text = "partition stays 32767, going to 3: the StatefulSet controller has not seen the newest specification"
    assert said(decided(STEP.unseen())) == [f"hold: {text}"]


def test_between_releases_it_is_pinned():
    assert moved(placed.idle(set_weight(40)).partition(0, written=None)) == PINNED
    assert moved(placed.idle(set_weight(40))) is None


def test_without_pods_it_is_pinned():
    assert moved(STEP.partition(3).of_set(replicas=0)) == PINNED


def test_after_a_return_pods_wait_for_their_traffic_to_leave():
    back = placed.routed(set_weight(40)).having(stableRS=NEW).counted(currentRevision=NEW).new(0, 1, 2)
    snapshot = back.served(stable=NEW).snapshot
    split = route_traffic(snapshot, draft(snapshot), NOW).routing.split
    busy = replace(draft(snapshot), routing=Routing(replace(split, canary=40)))
    assert move_partition(snapshot, busy, NOW).actions == ()
    free = replace(draft(snapshot), routing=Routing(replace(split, canary=0)))
    assert len(move_partition(snapshot, free, NOW).actions) == 1


def test_what_is_promoted_is_pinned_once_the_status_says_so():
    done = STEP.partition(0).new(*range(5)).counted(currentRevision=NEW).step(3).snapshot
    before = draft(done)
    assert pin_promoted(done, before, NOW).actions == ()
    promoted = before.with_status(stable_rs=NEW)
    assert pin_promoted(done, promoted, NOW).actions == ()
    told = replace(done, rollout=structs.replace(done.rollout, status=promoted.status))
    assert len(pin_promoted(told, promoted, NOW).actions) == 1


def weight(situation):
    weights = decided(situation).status.canary.weights
    return weights.canary.weight, weights.stable.weight


def test_without_a_router_the_share_of_the_pods_is_shown_as_the_weight():
    assert weight(STEP.new(3, 4)) == (40, 60)
    assert weight(STEP.new(4).new(3, state="unready")) == (20, 80)
    assert weight(placed.idle()) == (0, 100)
    assert weight(STEP.of_set(replicas=0)) == (0, 100)


def test_the_weights_name_the_revisions():
    weights = decided(STEP).status.canary.weights
    assert (weights.canary.pod_template_hash, weights.stable.pod_template_hash) == (NEW, OLD)


def warned(new_weight, scale):
    steps = (set_weight(new_weight), {"setCanaryScale": {"replicas": scale}})
    snapshot = placed.routed(*steps).step(1).new(4).served().snapshot
    found = route_traffic(snapshot, draft(snapshot), NOW)
    weights = found.status.canary.weights
    told = found.with_canary(weights=structs.replace(weights, canary=WeightDestination(new_weight)))
    return events(move_partition(snapshot, replace(told, actions=(), events=()), NOW))


def test_few_pods_with_much_traffic_are_worth_a_warning():
    assert "CanaryOverloaded" in warned(60, 1)
    assert "CanaryOverloaded" not in warned(20, 1)
