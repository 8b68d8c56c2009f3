"""Traps of serving this API that are about routes; the list of all is in tests/planner."""

from rollouts.api.kinds import HTTP_ROUTE, INGRESS
from rollouts.simulator.script import Script, played
from tests.given import pause, set_weight, template

SERVICES = {"stableService": "web-stable", "canaryService": "web-canary"}
HEADER = {"name": "insiders", "match": [{"headerName": "X-Insider", "headerValue": {"exact": "yes"}}]}
TO_PAUSE = [{"until": "Healthy"}, {"image": "web:2"}, {"until": "Paused"}, {"wait": "2s"}]


def released(story, routing, *steps, others=()):
    strategy = {**SERVICES, "trafficRouting": routing, "steps": steps}
    spec = {"replicas": 4, "selector": {"matchLabels": {"app": "web"}}, "template": template(1)}
    hero = {"kind": "Rollout", "metadata": {"name": "web"}, "spec": {**spec, "strategy": {"canary": strategy}}}
    script = {"objects": [*others, hero], "cluster": {"settle": 0}, "story": story}
    return played(Script.model_validate(script)).world.objects


def weight_of_the_canary_ingress(story):
    (found,) = (
        one
        for one in released(story, {"nginx": {"stableIngress": "web"}}, set_weight(25), pause()).of(INGRESS)
        if one["metadata"]["name"] != "web"
    )
    weight = found["metadata"]["annotations"]["nginx.ingress.kubernetes.io/canary-weight"]
    return found["metadata"]["name"], weight


def test_trap_13_the_canary_ingress_has_both_names_and_stays_at_weight_0():
    """It is named after Rollout and Ingress; after a release it stays, and its weight says that it does nothing."""
    after = [*TO_PAUSE, "promote", {"until": "Healthy"}, {"wait": "1h"}]
    assert weight_of_the_canary_ingress(TO_PAUSE) == ("web-web-canary", "25")
    assert weight_of_the_canary_ingress(after) == ("web-web-canary", "0")


PLUGIN = {"argoproj-labs/gatewayAPI": {"httpRoute": "web", "namespace": "default"}}


def rules(story, *steps, managed=()):
    pair = [{"name": "web-stable", "port": 80}, {"name": "web-canary", "port": 80, "weight": 0}]
    matches = [{"path": {"type": "PathPrefix", "value": "/api"}}]
    spec = {"parentRefs": [{"name": "gw"}], "rules": [{"backendRefs": pair}, {"matches": matches, "backendRefs": pair}]}
    route = {"kind": "HTTPRoute", "metadata": {"name": "web"}, "spec": spec}
    routing = {"plugins": PLUGIN, "managedRoutes": [{"name": name} for name in managed]}
    (found,) = released(story, routing, *steps, others=[route]).of(HTTP_ROUTE)
    return found


def weights(rule):
    return [ref.get("weight") for ref in rule["backendRefs"]]


def test_trap_14_every_rule_of_a_route_gets_the_weight():
    """A rule that is left out would send its share to stable alone."""
    found = rules(TO_PAUSE, set_weight(25), pause())
    assert [weights(rule) for rule in found["spec"]["rules"]] == [[75, 25], [75, 25]]


def test_trap_14_rules_that_are_added_bear_the_name_of_their_route_and_are_taken_away():
    """The first is named as the managed route, those after it with a number; nothing of them is left behind."""
    steps = [{"setCanaryScale": {"replicas": 1}}, {"setHeaderRoute": HEADER}, pause(), set_weight(50)]
    amid = rules(TO_PAUSE, *steps, managed=["insiders"])["spec"]["rules"]
    assert [rule.get("name") for rule in amid] == [None, None, "insiders", "insiders-1"]
    after = rules([*TO_PAUSE, "promote", {"until": "Healthy"}, {"wait": "5s"}], *steps, managed=["insiders"])
    assert [(rule.get("name"), weights(rule)) for rule in after["spec"]["rules"]] == [(None, [None, 0])] * 2


def test_trap_14_the_label_of_a_release_is_there_while_it_has_traffic():
    """Tools that compare with what was applied look for the label and leave weights alone while it is there."""
    amid = rules(TO_PAUSE, set_weight(25), pause())
    after = rules([*TO_PAUSE, "promote", {"until": "Healthy"}, {"wait": "5s"}], set_weight(25), pause())
    label = {"rollouts.argoproj.io/gatewayapi-canary": "in-progress"}
    assert (amid["metadata"]["labels"], after["metadata"]["labels"]) == (label, {})


def test_trap_14_a_route_has_weights_out_of_max_traffic_weight():
    """Others write hundredths whatever the whole is, so 255 of 1000 would be more than there is."""
    pair = [{"name": "web-stable", "port": 80}, {"name": "web-canary", "port": 80, "weight": 0}]
    route = {"kind": "HTTPRoute", "metadata": {"name": "web"}, "spec": {"rules": [{"backendRefs": pair}]}}
    routing = {"plugins": PLUGIN, "maxTrafficWeight": 1000}
    (found,) = released(TO_PAUSE, routing, set_weight(255), pause(), others=[route]).of(HTTP_ROUTE)
    assert weights(found["spec"]["rules"][0]) == [745, 255]
