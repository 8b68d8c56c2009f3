"""What goldens do not show: a StatefulSet's share has no routes to read, and leaves steps to the router beside it."""

from rollouts.api.meta import Key
from rollouts.api.rollout import SetHeaderRoute
from trafficrouters.base import Scope
from trafficrouters.statefulset import ROUTER

SCOPE = Scope(Key("shop", "db"), "u", "db-stable", "db-canary")


def test_no_route_is_read_or_followed():
    assert (ROUTER.reads(None, SCOPE), ROUTER.follows(None, SCOPE, {})) == (frozenset(), frozenset())


def test_a_header_route_is_the_business_of_the_router_beside_it():
    assert ROUTER.refuses(None, (SetHeaderRoute(name="beta"),), "spec.strategy.canary.steps[0].setHeaderRoute") == ()
