import pytest

from rollouts.cli.views.text import ASCII, UNICODE, Style, plain
from rollouts.cli.views.tree import page, shortened
from tests.cli.given import (
    canary_under_way,
    golden,
    nginx,
    paused,
    promoted,
    replica_set,
    rollout,
    status,
    view,
)

STABLE = [replica_set("bbb", 2, 5, 5, image="web:v2"), replica_set("aaa", 1, 0, 0)]
BLUE_GREEN = {"blueGreen": {"activeService": "a", "previewService": "p"}}
PREVIEWED = status(currentStepIndex=None, blueGreen={"activeSelector": "aaa", "previewSelector": "bbb"})
WEIGHTS = {"weights": {"canary": {"weight": 25}, "stable": {"weight": 25}, "verified": True}}
FEW = {**nginx(), "canary": nginx()["canary"] | {"trafficRouting": {"plugins": {"a/b": {}}, "maxTrafficWeight": 50}}}

PAGES = {
    "canary": canary_under_way(),
    "healthy": view(rollout(promoted(updatedReplicas=5, replicas=5)), STABLE),
    "paused-for-a-minute": view(rollout(paused(currentStepIndex=3, canary=WEIGHTS), strategy=FEW), STABLE),
    "blue-green": view(
        rollout(PREVIEWED, strategy=BLUE_GREEN), [replica_set("bbb", 2, 5, 4), replica_set("aaa", 1, 5, 5)]
    ),
    "nobody-looked-yet": view(rollout()),
    "no-pods-wanted": view(rollout(promoted(replicas=0, readyReplicas=0, availableReplicas=0), replicas=0)),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_drawn_as_in_its_golden_file(name):
    assert golden(name, plain(page(PAGES[name], UNICODE)))


def test_a_page_in_ascii_has_no_other_characters():
    text = plain(page(canary_under_way(), ASCII))
    assert text.isascii()
    assert golden("canary-ascii", text)


def test_trouble_looks_like_trouble():
    spans = [span for line in page(canary_under_way(), UNICODE) for span in line]
    assert {span.style for span in spans if "CrashLoopBackOff" in span.text} == {Style.BAD}
    assert {span.style for span in spans if "web-bbb-1" in span.text} == {Style.GOOD}


def test_long_messages_stay_on_one_line():
    assert shortened("a\n b" + "c" * 100) == "a b" + "c" * 54 + "..."
    assert shortened("short") == "short"
