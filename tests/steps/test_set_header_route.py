import pytest

from rollouts.api.model import SpecError
from rollouts.api.rollout import SetHeaderRoute
from rollouts.steps.base import Bounds, Done, Goal, View, Wait
from rollouts.steps.set_header_route import STEP
from tests.given import NOW


def route(name="testers", **value):
    match = [{"headerName": "x-tester", "headerValue": value}] if value else []
    return SetHeaderRoute.model_validate({"name": name, "match": match})


BOUNDS = Bounds(has_router=True, managed=("testers",))


def test_a_route_of_the_same_name_is_replaced():
    old, new, other = route(exact="a"), route(exact="b"), route("others", exact="c")
    assert STEP.shape(new, Goal(routes=(old, other))) == Goal(routes=(other, new))


def test_without_a_match_the_route_goes():
    assert STEP.shape(route(), Goal(routes=(route(exact="a"),))) == Goal()


def test_it_waits_for_traffic_alone():
    assert STEP.outcome(route(exact="a"), View(counts="1 of 3"), NOW) == Done()
    assert STEP.outcome(route(exact="a"), View(traffic="being written"), NOW) == Wait("being written")


def test_a_name_must_be_managed():
    with pytest.raises(SpecError, match="must be listed"):
        STEP.decode(route("others", exact="a"), "path", BOUNDS)


@pytest.mark.parametrize("value", [{"exact": "a", "prefix": "b"}, {"exact": ""}])
def test_a_value_is_one_kind_of_match(value):
    with pytest.raises(SpecError, match="exactly one of exact, prefix and regex"):
        STEP.decode(route(**value), "path", BOUNDS)


@pytest.mark.parametrize(
    ("header", "value", "where"),
    [
        ("", {"exact": "a"}, "headerName"),
        ("x tester", {"exact": "a"}, "headerName"),
        ("x-tester:", {"exact": "a"}, "headerName"),
        ("x" * 257, {"exact": "a"}, "headerName"),
        ("x-tester", {"exact": "a\r\nx-admin: 1"}, "headerValue.exact"),
        ("x-tester", {"prefix": "a\0"}, "headerValue.prefix"),
        ("x-tester", {"regex": "(("}, "headerValue.regex"),
        ("x-tester", {"exact": "a" * 4097}, "headerValue.exact"),
    ],
)
def test_what_no_header_is_is_refused_before_a_proxy_sees_it(header, value, where):
    match = [{"headerName": header, "headerValue": value}]
    with pytest.raises(SpecError) as refused:
        STEP.decode(SetHeaderRoute.model_validate({"name": "testers", "match": match}), "path", BOUNDS)
    assert refused.value.problem.path == f"path.match[0].{where}"


@pytest.mark.parametrize("regex", ["^a(b|c)$", "(?=x)y", "(?<name>x)", "(a+)+$"])
def test_expressions_of_any_dialect_are_taken(regex):
    written = route(regex=regex)
    assert STEP.decode(written, "path", BOUNDS) is written
