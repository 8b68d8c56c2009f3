"""What goldens of changes do not show: what is read, and steps refused where they stand."""

from rollouts.api.kinds import GATEWAY, HTTP_ROUTE
from rollouts.api.meta import Key, Metadata, Object, Ref
from rollouts.api.rollout import SetHeaderRoute, SetMirrorRoute
from trafficrouters.base import Scope
from trafficrouters.gatewayapi import ROUTER

SCOPE = Scope(Key("shop", "web"), "u", "web-stable", "web-canary")
CONFIG = ROUTER.decode({"httpRoutes": [{"name": "a"}, {"name": "b"}], "namespace": "far"}, "gatewayAPI", SCOPE)
A, B = Ref(HTTP_ROUTE, "far", "a"), Ref(HTTP_ROUTE, "far", "b")


def test_it_reads_the_routes_and_then_their_gateways():
    raw = {"spec": {"parentRefs": [{"name": "gw"}, {"name": "gw", "namespace": "infra"}]}}
    observed = {A: Object(Metadata(name="a", namespace="far"), raw)}
    assert ROUTER.reads(CONFIG, SCOPE) == {A, B}
    assert ROUTER.follows(CONFIG, SCOPE, observed) == {Ref(GATEWAY, "far", "gw"), Ref(GATEWAY, "infra", "gw")}


def test_steps_that_cannot_be_expressed_are_refused_by_their_path():
    match = [{"headerName": "a", "headerValue": {"exact": "1"}}]
    header = SetHeaderRoute.model_validate({"name": "hdr", "match": match})
    mirror = SetMirrorRoute.model_validate({"name": "copy", "match": [{"path": {"exact": "/"}}]})
    assert [str(problem) for problem in ROUTER.refuses(CONFIG, (header, mirror), "steps[1]")] == [
        'steps[1]: Invalid value: "copy": gatewayAPI does not mirror requests',
        "steps[1]: Invalid value: gatewayAPI has no route with useHeaderRoutes to add a header route to",
    ]


def test_a_route_named_twice_is_one_route():
    config = ROUTER.decode({"httpRoute": "a", "httpRoutes": [{"name": "a"}]}, "gatewayAPI", SCOPE)
    assert [(route.name, route.takes_headers) for route in config.routes] == [("a", True)]
