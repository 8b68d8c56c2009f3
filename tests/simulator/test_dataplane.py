from fractions import Fraction

from rollouts.api.kinds import HTTP_ROUTE, INGRESS
from rollouts.api.meta import Ref
from rollouts.simulator.dataplane import DataPlane

REVISIONS = {"old-1": "old", "old-2": "old", "new-1": "new"}


def ingress(service, **annotations):
    path = {"path": "/", "backend": {"service": {"name": service}}}
    written = {f"nginx.ingress.kubernetes.io/{key.replace('_', '-')}": value for key, value in annotations.items()}
    return {"metadata": {"annotations": written}, "spec": {"rules": [{"host": "h", "http": {"paths": [path]}}]}}


def shares(plane):
    return list(plane.shares(REVISIONS))


def plane(routes, **endpoints):
    made = DataPlane()
    made.routes = routes
    made.endpoints = {name.replace("_", "-"): pods for name, pods in endpoints.items()}
    return made


def test_a_canary_ingress_takes_its_weight_of_the_same_place():
    routes = {
        Ref(INGRESS, "default", "web"): ingress("stable"),
        Ref(INGRESS, "default", "canary"): ingress("canary", canary="true", canary_weight="20"),
    }
    assert shares(plane(routes, stable=("old-1", "old-2"), canary=("new-1",))) == [
        {"old": Fraction(4, 5), "new": Fraction(1, 5)}
    ]


def test_a_total_changes_what_a_weight_means():
    routes = {
        Ref(INGRESS, "default", "web"): ingress("stable"),
        Ref(INGRESS, "default", "canary"): ingress(
            "canary", canary="true", canary_weight="20", canary_weight_total="1000"
        ),
    }
    assert shares(plane(routes, stable=("old-1",), canary=("new-1",)))[0]["new"] == Fraction(1, 50)


def test_weights_of_a_route_are_relative():
    refs = [{"name": "stable", "weight": 3}, {"name": "canary", "weight": 1}]
    routes = {Ref(HTTP_ROUTE, "default", "web"): {"spec": {"rules": [{"backendRefs": refs}]}}}
    assert shares(plane(routes, stable=("old-1",), canary=("new-1",))) == [
        {"old": Fraction(3, 4), "new": Fraction(1, 4)}
    ]


def test_a_service_that_selects_both_splits_by_pods():
    routes = {Ref(INGRESS, "default", "web"): ingress("all")}
    assert shares(plane(routes, all=tuple(REVISIONS))) == [{"old": Fraction(2, 3), "new": Fraction(1, 3)}]


def test_requests_to_no_endpoint_meet_nobody():
    assert shares(plane({Ref(INGRESS, "default", "web"): ingress("stable")})) == [{"": 1}]
