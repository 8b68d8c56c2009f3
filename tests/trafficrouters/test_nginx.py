"""What goldens of changes do not show: what is read, and steps refused where they stand."""

import pytest

from rollouts.api.kinds import INGRESS
from rollouts.api.meta import Key, Ref
from rollouts.api.model import SpecError
from rollouts.api.rollout import SetHeaderRoute
from trafficrouters.base import Scope
from trafficrouters.nginx import ROUTER

SCOPE = Scope(Key("shop", "web"), "u", "web-stable", "web-canary")
CONFIG = ROUTER.decode({"stableIngresses": ["web", "web2"]}, "nginx", SCOPE)


def test_it_reads_each_ingress_and_its_canary_and_nothing_that_they_name():
    names = ("web", "web-web-canary", "web2", "web-web2-canary")
    assert ROUTER.reads(CONFIG, SCOPE) == {Ref(INGRESS, "shop", name) for name in names}
    assert ROUTER.follows(CONFIG, SCOPE, {}) == frozenset()


def test_a_step_that_cannot_be_expressed_is_refused_by_its_path():
    match = [{"headerName": name, "headerValue": {"exact": "1"}} for name in ("a", "b")]
    route = SetHeaderRoute.model_validate({"name": "beta", "match": match})
    (problem,) = ROUTER.refuses(CONFIG, (route,), "spec.strategy.canary.steps[2].setHeaderRoute")
    assert str(problem) == (
        'spec.strategy.canary.steps[2].setHeaderRoute: Invalid value: "beta": '
        "nginx can match one header in a header route, not 2"
    )


def test_a_header_route_without_match_is_no_header_route():
    assert ROUTER.refuses(CONFIG, (SetHeaderRoute(name="a"), SetHeaderRoute(name="b")), "steps[0]") == ()


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"annotationPrefix": "a b"}, "nginx.annotationPrefix"),
        ({"annotationPrefix": "example.com/"}, "nginx.annotationPrefix"),
        ({"additionalIngressAnnotations": {"a b": "c"}}, "nginx.additionalIngressAnnotations"),
        ({"canaryIngressAnnotations": {"/x": "c"}}, "nginx.canaryIngressAnnotations"),
        ({"canaryIngressAnnotations": {"x" * 64: "c"}}, "nginx.canaryIngressAnnotations"),
    ],
)
def test_what_is_no_key_of_an_annotation_is_refused(fields, path):
    with pytest.raises(SpecError) as refused:
        ROUTER.decode({"stableIngress": "web", **fields}, "nginx", SCOPE)
    assert refused.value.problem.path == path
