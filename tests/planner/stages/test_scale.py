from rollouts.planner.scaling import canary_sizes
from rollouts.planner.stages.create_revision import create_revision
from rollouts.planner.stages.route_traffic import route_traffic
from rollouts.planner.stages.scale import scale
from tests import given
from tests.given import CANARY, NOW, OLDER, STABLE, draft, said, set_weight, written

INCONCLUSIVE = [{"reason": "InconclusiveAnalysisRun", "startTime": given.at(NOW)}]
DEADLINE = "scale_down_deadline"


def scaled(situation):
    snapshot = situation.snapshot
    return scale(snapshot, route_traffic(snapshot, draft(snapshot), NOW), NOW)


def test_pods_are_the_split_without_a_router():
    decided = scaled(given.release(set_weight(25)))
    assert decided.sizes == {f"web-{CANARY}": 1, f"web-{STABLE}": 3}
    assert decided.stopped == "replica counts are changing"


def test_old_pods_go_before_new_ones_take_their_room_whatever_else_is_written_of_these():
    released = given.release(set_weight(50)).wanting(minReadySeconds=5).snapshot
    booked = create_revision(released, draft(released), NOW)
    assert [name_of(action) for action in booked.actions] == [f"web-{CANARY}"]
    decided = scale(released, booked, NOW)
    assert [name_of(action) for action in decided.actions] == [f"web-{STABLE}", f"web-{CANARY}"]
    assert [action.replicas for action in decided.actions] == [3, 2]
    assert decided.actions[1].min_ready_seconds == 5


def name_of(action):
    return action.target.key.name


def test_nothing_changes_while_a_person_or_an_inconclusive_run_holds_it():
    for held in (
        given.release(set_weight(25)).wanting(paused=True),
        given.release(set_weight(25)).having(pauseConditions=INCONCLUSIVE),
    ):
        assert (scaled(held).sizes, len(said(scaled(held)))) == ({}, 1)


def test_with_a_router_stable_stays_whole():
    assert scaled(given.nginx(set_weight(25))).sizes == {f"web-{CANARY}": 1}


def test_older_pods_go_as_far_as_availability_allows():
    three = given.release(set_weight(50), maxUnavailable=0).pods(stable="2/2", canary="1/2", older="2/2")
    assert scaled(three).sizes == {f"web-{OLDER}": 1}


def test_pods_already_given_up_do_not_count_as_available():
    three = given.release(set_weight(50), maxUnavailable=0).pods(stable="2/2", canary="1/2", older="2/1")
    assert scaled(three).sizes == {}


def test_an_abort_makes_room_for_stable_where_pods_never_came_up():
    three = given.release(set_weight(50), maxUnavailable=2).pods(stable="1/1", canary="0/3", older="1/1")
    assert scaled(three.having(abort=True)).sizes == {f"web-{CANARY}": 0}


def test_an_aborted_canary_gets_its_delay_once_it_has_no_traffic():
    aborted = given.nginx(set_weight(25)).pods(canary="1/1").having(abort=True)
    assert [action.annotations for action in scaled(aborted).actions] == [
        {"scale-down-deadline": "2026-01-01T12:00:30Z", "rollouts.argoproj.io/aborted": "true"}
    ]


def test_an_aborted_canary_goes_when_its_delay_is_over():
    aborted = given.nginx(set_weight(25)).pods(canary="1/1").having(abort=True)
    late = aborted.noted("canary", **{DEADLINE: "2026-01-01T11:59:59Z"})
    assert scaled(late).sizes == {f"web-{CANARY}": 0}


def test_an_aborted_canary_stays_while_stable_is_not_whole():
    weak = given.nginx(set_weight(25)).pods(canary="1/1", stable="3/4").having(abort=True)
    assert scaled(weak).sizes == {}


def test_old_pods_stay_for_a_delay_after_promotion():
    promoted = given.nginx(set_weight(25)).pods(canary="4/4", stable="4/4").having(stableRS=CANARY)
    decided = scaled(promoted.step(1).pointing(stable="canary"))
    assert written(decided) == [f"UpdateReplicaSet: web-{STABLE} stays 4: its delay begins"]


def test_the_last_pod_of_a_weighted_canary_is_not_taken():
    steps = (set_weight(25), {"setCanaryScale": {"replicas": 0}})
    assert scaled(given.nginx(*steps).weighing(25).step(1).pods(canary="1/1")).sizes == {}


def test_before_there_is_a_replica_set_there_is_nothing_to_size():
    snapshot = given.first(set_weight(25)).snapshot
    assert canary_sizes(snapshot, draft(snapshot), NOW, stage="scale") == draft(snapshot)


def test_with_a_router_pods_stay_until_the_weight_that_leaves_them_is_in_effect():
    less = given.nginx(set_weight(20)).pods(canary="3/3")
    assert scaled(less.weighing(60)).sizes == {}
    assert scaled(less.weighing(20)).sizes == {f"web-{CANARY}": 1}
