from rollouts.planner.stages.point_services import point_services
from rollouts.planner.stages.route_traffic import route_traffic
from tests import given
from tests.given import CANARY, NOW, STABLE, draft, said, set_weight

RELEASE = given.nginx(set_weight(20)).pointing(canary="stable")


def pointed(situation):
    snapshot = situation.snapshot
    return point_services(snapshot, route_traffic(snapshot, draft(snapshot), NOW), NOW)


def switches(decided):
    return [(a.target.key.name, a.hash) for a in decided.actions if hasattr(a, "managed_by")]


def test_the_canarys_service_waits_for_a_pod():
    decided = pointed(RELEASE.pods(canary="0/1"))
    assert f"hold: Service web-canary waits: web-{CANARY} has 0 of 1 pods" in said(decided)
    assert switches(decided) == []


def test_one_pod_suffices_for_a_service_that_is_ours():
    assert switches(pointed(RELEASE.pods(canary="1/2"))) == [("web-canary", CANARY)]


def test_the_first_time_all_pods_must_be_there():
    free = {"stable": "", "canary": ""}
    fresh = given.nginx(set_weight(20)).pods(stable="3/4").pointing(**free)
    assert switches(pointed(fresh)) == []
    assert ("web-stable", STABLE) in switches(pointed(fresh.pods(stable="4/4")))


def test_a_rollout_of_no_pods_leaves_no_service_with_another_revision():
    none = given.nginx(set_weight(20), replicas=0).pointing(canary="stable")
    assert switches(pointed(none)) == [("web-canary", CANARY)]


def test_a_service_with_traffic_stays():
    weighed = given.nginx(set_weight(20)).weighing(20).pods(canary="1/1", older="1/1").pointing(canary="older")
    texts = said(pointed(weighed))
    assert any(text.startswith("hold: Service web-canary stays") for text in texts)


def test_an_abort_gives_the_canarys_service_back_at_once():
    aborted = given.nginx(set_weight(20)).weighing(20).pods(canary="1/1").having(abort=True)
    assert switches(pointed(aborted)) == [("web-canary", STABLE)]


def test_an_abort_keeps_the_service_while_stable_cannot_carry_its_traffic():
    weak = given.nginx(set_weight(50)).weighing(50).pods(canary="2/2", stable="2/4").having(abort=True)
    assert "hold: Service web-canary stays: stable has 2 of 4 pods available" in said(pointed(weak))
