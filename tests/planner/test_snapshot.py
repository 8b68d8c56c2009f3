from dataclasses import replace

from tests import given, placed
from tests.given import CANARY, STABLE, set_weight


def test_endpoints_are_of_a_revision_by_the_names_of_its_pods():
    there = given.nginx(set_weight(20)).pods(canary="2/2").snapshot
    mixed = replace(there, endpoints={"web-canary": (f"web-{CANARY}-0", f"web-{CANARY}-1", f"web-{STABLE}-0")})
    assert mixed.ready_pods("web-canary", mixed.canary) == 2
    assert mixed.foreign_pods("web-canary", mixed.canary) == 1
    assert mixed.ready_pods("web-nowhere", mixed.canary) == 0


def test_endpoints_of_a_stateful_set_are_of_a_revision_by_its_pods_labels():
    there = placed.routed(set_weight(40)).new(3, 4).served().snapshot
    mixed = replace(there, endpoints={"db-canary": ("db-0", "db-3", "db-4")})
    assert (mixed.ready_pods("db-canary", mixed.canary), mixed.foreign_pods("db-canary", mixed.canary)) == (2, 1)


def test_all_are_foreign_to_a_revision_that_is_not_there():
    there = given.nginx(set_weight(20)).weighing(20).pods(canary="2/2").snapshot
    assert (there.ready_pods("web-canary", None), there.foreign_pods("web-canary", None)) == (0, 2)
