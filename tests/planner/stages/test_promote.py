from dataclasses import replace

from rollouts.planner.draft import Routing
from rollouts.planner.stages.promote import promote
from rollouts.planner.stages.route_traffic import route_traffic
from tests import given
from tests.given import CANARY, NOW, STABLE, draft, events, set_weight

DONE = given.release(set_weight(50)).step(1).pods(canary="4/4", stable="0/0")


def promoted(situation):
    snapshot = situation.snapshot
    return promote(snapshot, route_traffic(snapshot, draft(snapshot), NOW), NOW)


def reason(decided):
    return [event.message.partition("): ")[2] for event in decided.events if event.reason == "RolloutCompleted"]


def test_a_first_deploy_is_promoted_before_it_has_pods():
    fresh = given.release(set_weight(50)).having(stableRS="").pods(stable="0/0", canary="0/4")
    decided = promoted(fresh)
    assert (decided.status.stable_rs, decided.status.current_step_index) == (CANARY, 1)
    assert reason(decided) == ["Initial deploy"]


def test_the_last_step_and_all_pods_promote():
    decided = promoted(DONE)
    assert (decided.status.stable_rs, reason(decided)) == (CANARY, ["Completed all 1 canary steps"])


def test_a_missing_pod_keeps_the_old_revision_stable():
    assert promoted(DONE.pods(canary="3/4")).status.stable_rs == STABLE


def test_a_step_that_is_left_keeps_the_old_revision_stable():
    assert promoted(DONE.step(0)).status.stable_rs == STABLE


def test_an_aborted_release_is_not_promoted():
    assert promoted(DONE.having(abort=True)).status.stable_rs == STABLE


def test_a_full_promotion_needs_no_steps():
    decided = promoted(DONE.step(0).having(promoteFull=True))
    assert (decided.status.stable_rs, decided.status.promote_full) == (CANARY, False)
    assert reason(decided) == ["Full promotion requested"]


def test_traffic_must_have_moved_first():
    routed = given.nginx(set_weight(50)).weighing(50).step(1).pods(canary="4/4")
    assert promoted(routed).status.stable_rs == STABLE
    assert promoted(routed.weighing(100)).status.stable_rs == CANARY


def test_a_split_below_everything_is_no_end():
    snapshot = given.nginx(set_weight(50)).weighing(100).step(1).pods(canary="4/4").snapshot
    routed = route_traffic(snapshot, draft(snapshot), NOW)
    less = replace(routed, routing=Routing(replace(routed.routing.split, canary=50)))
    assert promote(snapshot, less, NOW).status.stable_rs == STABLE


def test_a_promoted_revision_says_nothing_more():
    assert events(promoted(given.promoted(set_weight(50)))) == []


def test_before_there_is_a_replica_set_nothing_is_promoted():
    snapshot = given.first(set_weight(50)).snapshot
    assert promote(snapshot, draft(snapshot), NOW) == draft(snapshot)


def test_a_threshold_of_pods_is_enough_to_promote():
    most = given.release(set_weight(50), replicaProgressThreshold={"type": "Percent", "value": 75}).step(1)
    assert promoted(most.pods(canary="3/4", stable="0/0")).status.stable_rs == CANARY
    assert promoted(most.pods(canary="2/4", stable="0/0")).status.stable_rs == STABLE


def test_all_pods_are_enough_whatever_the_threshold():
    never = given.release(set_weight(50), replicaProgressThreshold={"type": "Pods", "value": 9}).step(1)
    assert promoted(never.pods(canary="4/4", stable="0/0")).status.stable_rs == CANARY
    assert promoted(never.pods(canary="3/4", stable="0/0")).status.stable_rs == STABLE
