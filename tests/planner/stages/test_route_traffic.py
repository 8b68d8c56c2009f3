from datetime import timedelta

from rollouts.planner.serving import HANDOVER
from rollouts.planner.stages.route_traffic import route_traffic
from tests import given
from tests.given import NOW, draft, events, pause, said, set_weight

RELEASE = given.nginx(set_weight(20), pause(), set_weight(60), replicas=5)


def routed(situation, now=NOW):
    snapshot = situation.snapshot
    return route_traffic(snapshot, draft(snapshot), now)


def weight(decided):
    return decided.routing.split.canary


def test_without_a_router_there_is_nothing_to_route():
    assert routed(given.release(set_weight(20))).routing is None


def test_weights_are_forgotten_when_the_router_is_taken_away():
    once = given.nginx(set_weight(20)).weighing(20).pods(canary="1/1")
    assert routed(once).status.canary.weights is not None
    assert routed(given.release(set_weight(20)).having(canary=once.status["canary"])).status.canary.weights is None


def test_no_traffic_before_the_first_pods():
    fresh = given.first(**dict(given.nginx().spec["strategy"]["canary"], steps=[]))
    assert said(routed(fresh)) == ["hold: no traffic before the first pods are available"]


def test_weight_waits_for_pods():
    decided = routed(RELEASE.weighing(20).step(2).pods(canary="1/3"))
    assert (weight(decided), said(decided)) == (20, ["pass: weight 20 is in effect: canary has 1 of 3 pods available"])


def test_weight_waits_for_the_service():
    decided = routed(RELEASE.pods(canary="1/1").pointing(canary="stable"))
    assert said(decided) == ["pass: weight 0 is in effect: Service web-canary does not point at the canary yet"]


def test_weight_goes_where_pods_are():
    decided = routed(RELEASE.pods(canary="1/1"))
    assert (weight(decided), decided.routing.hold) == (20, "nginx: weight 20 is being written")
    assert events(decided) == ["PatchingCanaryIngress", "TrafficWeightUpdated"]


def test_a_written_weight_is_in_effect():
    decided = routed(RELEASE.weighing(20).pods(canary="1/1"))
    assert decided.routing.is_in_effect
    assert decided.status.canary.weights.verified


def test_an_abort_takes_the_weight_back():
    assert weight(routed(RELEASE.weighing(20).pods(canary="1/1").having(abort=True))) == 0


def test_stable_gets_no_more_than_its_pods_carry():
    weak = RELEASE.pods(canary="3/3", stable="3/5").having(abort=True)
    assert weight(routed(weak.weighing(60))) == 40
    assert routed(weak.weighing(40)).routing.hold == "weight stays 40, going to 0: stable has 3 of 5 pods available"


def test_a_canary_without_pods_loses_its_weight():
    assert weight(routed(RELEASE.weighing(20).pods(canary="0/1"))) == 0


def test_a_full_promotion_keeps_the_split():
    assert weight(routed(RELEASE.weighing(20).pods(canary="1/5").having(promoteFull=True))) == 20


def test_weight_stays_with_the_canarys_service_until_stable_has_the_pods():
    promoted = RELEASE.weighing(100).step(3).pods(canary="5/5").having(stableRS=given.CANARY)
    decided = routed(promoted.pointing(stable="stable"))
    assert (weight(decided), said(decided)) == (
        100,
        ["pass: weight 100 is in effect: Service web-stable does not point at the stable revision yet"],
    )
    assert weight(routed(promoted.pointing(stable="canary"))) == 0


def test_a_rollout_of_no_pods_gives_the_weight_back():
    none = given.nginx(set_weight(20), replicas=0).weighing(20).step(1).having(stableRS=given.CANARY)
    assert weight(routed(none.pointing(stable="canary"))) == 0


def test_the_hash_of_the_weights_follows_the_release():
    decided = routed(RELEASE.pods(canary="0/1"), NOW + timedelta(seconds=1))
    assert decided.status.canary.weights.canary.pod_template_hash == given.CANARY


def test_routes_are_not_given_back_in_the_pass_that_first_hears_of_an_abort():
    # a crash came after Service and weight had followed the abort, and before the status told when it was
    followed = RELEASE.weighing(20).pods(canary="1/1").pointing(canary="stable")
    unheard = routed(followed.having(abort=True))
    assert not unheard.routing.split.is_idle
    assert unheard.wake_at == NOW + HANDOVER
    long_ago = given.at(NOW - HANDOVER)
    assert routed(followed.having(abort=True, abortedAt=long_ago)).routing.split.is_idle
