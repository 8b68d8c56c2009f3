"""Which parents are asked, and which of their reports counts."""

import pytest

from rollouts.api.kinds import GATEWAY
from rollouts.api.meta import Metadata, Object, Ref
from trafficrouters.gatewayapi.originals import ORIGINALS
from trafficrouters.gatewayapi.rules import Pair
from trafficrouters.gatewayapi.verdicts import gateways, unconfirmed, wrongs

NEAR, FAR = Ref(GATEWAY, "shop", "gw"), Ref(GATEWAY, "infra", "gw")


def route(parents, *reports):
    raw = {"spec": {"parentRefs": parents}, "status": {"parents": list(reports)}}
    return Object(Metadata(name="web", namespace="shop", generation=3), raw)


def report(parent, status="True", generation=3):
    kinds = ("Accepted", "ResolvedRefs")
    conditions = [{"type": kind, "status": status, "observedGeneration": generation} for kind in kinds]
    return {"parentRef": parent, "conditions": conditions}


def test_parents_are_gateways_near_or_far_but_not_services():
    parents = [{"name": "gw"}, {"name": "gw", "namespace": "infra"}, {"name": "web", "kind": "Service", "group": ""}]
    assert gateways(route(parents)) == {NEAR, FAR}


@pytest.mark.parametrize(
    ("parents", "reports", "existing", "silent"),
    [
        ([{"name": "gw"}], [report({"name": "gw"})], {NEAR}, True),
        ([{"name": "gw"}], [report({"name": "gw", "namespace": "shop", "kind": "Gateway"})], {NEAR}, True),
        ([{"name": "gw"}], [], set(), True),
        ([{"name": "gw"}, {"name": "gw", "namespace": "infra"}], [report({"name": "gw"})], {NEAR}, True),
        ([{"name": "gw"}, {"name": "gw", "namespace": "infra"}], [report({"name": "gw"})], {NEAR, FAR}, False),
        ([{"name": "gw", "port": 80}], [report({"name": "gw", "port": 443})], {NEAR}, False),
        ([{"name": "gw"}], [report({"name": "gw"}, "False", 1), report({"name": "gw"})], {NEAR}, True),
        ([{"name": "gw"}], [report({"name": "gw"}, "Unknown")], {NEAR}, False),
        ([{"name": "gw"}], [report({"name": "gw"}, generation=4)], {NEAR}, True),
    ],
    ids=[
        "own",
        "spelled-out",
        "absent",
        "one-absent",
        "one-silent",
        "other-port",
        "stale-controller",
        "unknown",
        "newer",
    ],
)
def test_who_must_confirm(parents, reports, existing, silent):
    assert (list(unconfirmed(route(parents, *reports), existing)) == []) is silent


def test_a_record_that_cannot_be_read_does_not_hide_what_else_is_wrong():
    pair = Pair("stable", "canary")
    refs = [{"name": "stable", "port": 80}, {"name": "canary", "port": 20}]
    found = Object(
        Metadata(name="web", namespace="shop", annotations={ORIGINALS: "{"}),
        {"spec": {"rules": [{"backendRefs": refs}]}},
    )
    first, second = wrongs(found, pair, "shop/web")
    assert first.endswith(
        f"annotation {ORIGINALS} of HTTPRoute shop/web cannot be read: set the weights right and remove it"
    )
    assert second.startswith("HTTPRoute shop/web: rules[0].backendRefs[0].port is 80")
