from rollouts.planner.sizes import missing_pods, wanted_counts
from tests import given
from tests.given import draft, pause, set_weight

RELEASE = given.release(set_weight(25), pause())


def missing(situation):
    snapshot = situation.snapshot
    return missing_pods(snapshot, draft(snapshot))


def test_a_step_waits_with_numbers_for_canary_stable_and_older_pods():
    assert missing(RELEASE.pods(stable="3/3", canary="0/1")) == "canary has 0 of 1 pods available"
    assert missing(RELEASE.pods(stable="4/4", canary="1/1")) == "stable has 4 of 3 pods"
    left = RELEASE.pods(stable="3/3", canary="1/1", older="2/0")
    assert missing(left) == "2 pods of older revisions are still available"
    assert missing(RELEASE.pods(stable="3/3", canary="1/1")) == ""


def test_with_a_router_older_pods_are_not_waited_for():
    routed = given.nginx(set_weight(25), pause()).weighing(25)
    assert missing(routed.pods(stable="4/4", canary="1/1", older="2/2")) == ""


def test_the_first_revision_waits_for_no_other():
    first = given.release(set_weight(25)).having(stableRS="").pods(stable="0/0", canary="4/4")
    assert missing(first) == ""


def test_part_of_the_pods_may_be_enough():
    threshold = {"type": "Percent", "value": 50}
    whole = given.release(set_weight(50), replicaProgressThreshold=threshold).pods(stable="2/2")
    assert missing(whole.pods(canary="1/2")) == ""
    assert missing(whole.pods(canary="0/2")) == "canary has 0 of 2 pods available"


def counts(situation):
    snapshot = situation.having(promoteFull=True).snapshot
    return wanted_counts(snapshot, draft(snapshot))


def test_a_full_promotion_keeps_old_pods_only_where_traffic_has_to_leave_them():
    assert counts(RELEASE) == (4, 0)
    assert counts(given.nginx(set_weight(25))) == (4, 4)
    assert counts(given.nginx(set_weight(25), dynamicStableScale=True).weighing(75)) == (4, 1)
