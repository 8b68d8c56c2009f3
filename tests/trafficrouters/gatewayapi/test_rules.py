"""Names and matches of header rules."""

import pytest

from rollouts.api.rollout import SetHeaderRoute
from trafficrouters.gatewayapi.rules import Pair, fingerprint, header_rules, is_header_rule

SERVICES = Pair("web-stable", "web-canary")


@pytest.mark.parametrize(
    ("name", "is_ours"),
    [("hdr", True), ("hdr-1", True), ("hdr-12", True), ("hdr-", False), ("hdr-a", False), ("hdrx", False), ("", False)],
)
def test_a_header_rule_is_known_by_its_name(name, is_ours):
    rule = {"name": name, "backendRefs": [{"name": "web-canary"}]}
    assert is_header_rule(rule, SERVICES, ["other", "hdr"], []) is is_ours


def test_a_rule_with_a_managed_name_that_sends_elsewhere_is_the_users():
    rule = {"name": "hdr", "backendRefs": [{"name": "web-stable"}, {"name": "web-canary"}]}
    assert not is_header_rule(rule, SERVICES, ["hdr"], [fingerprint(rule)])


def test_a_rule_that_lost_its_name_is_known_by_its_matches():
    rule = {"matches": [{"method": "GET"}], "backendRefs": [{"name": "web-canary"}]}
    assert is_header_rule(rule, SERVICES, ["hdr"], [fingerprint(rule)])
    assert not is_header_rule(rule, SERVICES, ["hdr"], [fingerprint({"matches": []})])


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ({"exact": "a.b"}, ("Exact", "a.b")),
        ({"prefix": "beta-"}, ("RegularExpression", "^beta-.*")),
        ({"prefix": "(a|b)[c]{1}$^?*+.\\"}, ("RegularExpression", r"^\(a\|b\)\[c\]\{1\}\$\^\?\*\+\.\\.*")),
        ({"regex": "a|b"}, ("RegularExpression", "a|b")),
    ],
)
def test_how_header_values_are_matched(written, value):
    route = SetHeaderRoute.model_validate({"name": "hdr", "match": [{"headerName": "v", "headerValue": written}]})
    source = {"backendRefs": [{"name": "web-stable"}, {"name": "web-canary", "namespace": "far"}]}
    (rule,) = header_rules(route, [source], SERVICES)
    (header,) = rule["matches"][0]["headers"]
    assert (header["type"], header["value"]) == value
    assert rule["backendRefs"] == [
        {"group": "", "kind": "Service", "name": "web-canary", "namespace": "far", "weight": 1}
    ]
