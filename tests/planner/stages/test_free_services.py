from dataclasses import replace

import pytest
from msgspec import structs

from rollouts.api.keys import HASH_LABEL, MANAGED_BY
from rollouts.api.meta import Metadata
from rollouts.api.workloads import Service, ServiceSpec
from rollouts.planner.actions import FreeService
from rollouts.planner.snapshot import target
from rollouts.planner.stages.free_services import free_services
from tests import given
from tests.given import NOW, STABLE, draft, said, set_weight

OLD = Service(
    Metadata(name="web-old", namespace="default", annotations={MANAGED_BY: "web"}),
    ServiceSpec({"app": "web", HASH_LABEL: STABLE}),
)


def decided(situation, service=OLD, **more):
    snapshot = replace(situation.snapshot, abandoned=(service,), **more)
    return free_services(snapshot, draft(snapshot), NOW)


@pytest.mark.parametrize(
    "situation",
    [
        given.promoted(),
        given.promoted(set_weight(50)),
        # without a router every Service selects old and new pods
        given.release(set_weight(50)).pods(canary="2/2", stable="2/2"),
        given.blue_green().pods(stable="0/0"),
    ],
)
def test_a_service_that_is_not_named_is_freed(situation):
    (action,) = decided(situation).actions
    assert (type(action), action.target) == (FreeService, target(OLD.metadata))


@pytest.mark.parametrize("situation", [given.nginx(set_weight(50)).weighing(50), given.blue_green()])
def test_in_mid_release_it_would_get_what_the_steps_do_not_allow(situation):
    found = decided(situation)
    assert found.actions == ()
    (text,) = said(found)
    assert text.endswith(
        "web-old, no longer named here, keeps its selector: a release is under way, of which it would get a part"
    )


@pytest.mark.parametrize(
    ("part", "leads"),
    [
        ({"rules": [{"backendRefs": [{"name": "web-old"}]}]}, True),
        ({"defaultBackend": {"service": {"name": "web-old"}}}, True),
        ({"rules": [{"backendRefs": ["web-old"]}]}, False),
        ({"defaultBackend": {"service": "web-old"}}, False),
        ({"rules": [{"host": "web-old"}]}, False),
    ],
)
def test_a_route_leads_where_a_backend_of_it_has_the_name(part, leads):
    """Whatever else stands there: a route is read as it is stored."""
    situation = given.nginx(set_weight(50)).having(stableRS=given.CANARY)
    (ref, route), *_ = [one for one in situation.snapshot.routes.items() if one[1].metadata.owner_references]
    found = decided(situation, routes={ref: structs.replace(route, raw={**route.raw, "spec": part})})
    assert (found.actions == ()) == leads


def test_a_route_of_ours_that_leads_to_it_comes_first():
    situation = given.nginx(set_weight(50)).having(stableRS=given.CANARY)
    named = structs.replace(OLD, metadata=structs.replace(OLD.metadata, name="web-canary"))
    found = decided(situation, named)
    assert found.actions == ()
    assert "Ingress web-web-canary leads to it" in said(found)[0]
    # the user's own Ingress leads to the stable Service, and that is the user's business
    theirs = structs.replace(OLD, metadata=structs.replace(OLD.metadata, name="web-stable"))
    assert len(decided(situation, theirs).actions) == 1


def test_nothing_is_written_where_nothing_is_left_over():
    snapshot = given.promoted().snapshot
    assert free_services(snapshot, draft(snapshot), NOW) == draft(snapshot)
