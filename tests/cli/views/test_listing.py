from rollouts.cli.views.listing import listing
from rollouts.cli.views.text import UNICODE, plain
from tests.cli.given import canary_under_way, golden, promoted, rollout, status, view

BLUE_GREEN = view(rollout(status(), name="blue", strategy={"blueGreen": {"activeService": "a"}}))
VIEWS = [canary_under_way(), view(rollout(promoted(), name="api")), BLUE_GREEN]


def test_a_line_for_each_by_name():
    assert golden("list", plain(listing(VIEWS, UNICODE, with_namespace=False)))


def test_namespaces_come_first():
    assert golden("list-of-all", plain(listing(VIEWS, UNICODE, with_namespace=True)))
