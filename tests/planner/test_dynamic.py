from dataclasses import replace

from rollouts.planner.draft import Routing
from rollouts.planner.dynamic import descent, full_share, is_dynamic, regained, returned, stable_rest
from rollouts.planner.stages.route_traffic import route_traffic
from tests import given
from tests.given import NOW, draft, set_weight

STEPS = (set_weight(25), set_weight(50), set_weight(75))


def dynamic(weight, **pods):
    return given.nginx(*STEPS, dynamicStableScale=True).weighing(weight).pods(**pods).snapshot


def test_only_who_asks_for_it_has_it():
    assert is_dynamic(dynamic(0))
    assert not is_dynamic(given.nginx(*STEPS).snapshot)


def test_an_aborted_canary_keeps_the_pods_that_stable_cannot_replace_yet():
    # the first weight from behind for which fewer pods are enough than stable lacks
    assert descent(dynamic(75, stable="1/1", canary="3/3")) == 50
    assert descent(dynamic(75, stable="3/4", canary="1/1")) == 0


def test_weight_returns_as_far_as_stable_has_pods():
    for have, canary, left in (("1/1", "3/3", 75), ("2/4", "3/3", 50), ("3/4", "1/1", 25), ("4/4", "1/1", 0)):
        there = dynamic(75, stable=have, canary=canary)
        assert returned(there, draft(there)) == left


def test_a_full_promotion_moves_weight_with_the_canarys_pods():
    shares = [full_share(dynamic(25, canary=f"{have}/4")) for have in range(5)]
    assert shares == [0, 25, 50, 75, 100]


def test_stable_keeps_pods_for_the_traffic_it_still_has():
    assert [stable_rest(dynamic(weight)) for weight in (0, 25, 70, 100)] == [4, 3, 2, 0]
    least = given.nginx(*STEPS, dynamicStableScale=True, minPodsPerReplicaSet=2).weighing(75).snapshot
    assert stable_rest(least) == 2


def test_a_full_promotion_of_no_pods_moves_everything():
    assert full_share(given.nginx(*STEPS, replicas=0, dynamicStableScale=True).snapshot) == 100


def test_stable_regains_pods_for_the_weight_that_is_to_come_back_and_gives_none_up_unasked():
    there = dynamic(75, stable="2/2", canary="3/3")
    plain = given.nginx(*STEPS).weighing(75).pods(stable="2/2").snapshot
    assert [regained(found, draft(found), found.stable) for found in (plain, there)] == [0, 2]
    split = route_traffic(there, draft(there), NOW).routing.split
    wanted = [replace(draft(there), routing=Routing(split, "", weight)) for weight in (0, 30, 75, 100)]
    assert [regained(there, decided, there.stable) for decided in wanted] == [4, 3, 1, 0]


def test_stable_regains_pods_for_the_weight_an_abort_steps_down_to():
    """Else a canary whose size was set by hand would keep weight that stable could not take."""
    scale = {"setCanaryScale": {"weight": 100}}
    strategy = {"dynamicStableScale": True, "abortScaleDownDelaySeconds": 0}
    aborted = given.nginx(scale, set_weight(20), replicas=9, **strategy).weighing(12).having(abort=True)
    snapshot = aborted.pods(stable="8/8", canary="9/9").snapshot
    routed = route_traffic(snapshot, draft(snapshot), NOW)
    assert (routed.routing.wanted, regained(snapshot, routed, snapshot.stable)) == (12, 9)


def test_pods_of_an_aborted_canary_that_stay_are_no_reason_to_keep_weight():
    for seconds, weight in ((None, 50), (0, 0), (10, 0)):
        delay = {} if seconds is None else {"abortScaleDownDelaySeconds": seconds}
        there = given.nginx(*STEPS, dynamicStableScale=True, **delay).weighing(75).pods(canary="3/3")
        assert descent(there.snapshot) == weight
    least = given.nginx(*STEPS, dynamicStableScale=True, minPodsPerReplicaSet=3).weighing(75).pods(canary="3/3")
    assert descent(least.snapshot) == 0
