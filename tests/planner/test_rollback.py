from dataclasses import replace

import pytest

from rollouts.api import keys
from rollouts.planner.bluegreen import fast_track
from rollouts.planner.rollback import is_within_window
from tests import given
from tests.given import CANARY, NOW, STABLE, draft
from tests.planner.pods import born

AGES = {"older": 2, "stable": 3, "canary": 1}


def within(situation, **ages):
    snapshot = born(situation.snapshot, ages)
    return is_within_window(snapshot, draft(snapshot))


def windowed(revisions, **sizes):
    return given.blue_green().wanting(rollbackWindow={"revisions": revisions}).pods(canary="4/4", **sizes)


@pytest.mark.parametrize(
    ("name", "situation", "ages", "quick"),
    [
        ("one back", windowed(1), {"canary": 9, "stable": 1}, True),
        ("one back with one between", windowed(1, older="0/0"), {"canary": 9, "older": 5, "stable": 1}, False),
        ("two back", windowed(2, older="0/0"), {"canary": 9, "older": 5, "stable": 1}, True),
        ("one that is older still does not count", windowed(1, older="0/0"), {"canary": 5, "older": 9, "stable": 1}, True),
        ("a newer one is a release", windowed(9), {"canary": 1, "stable": 9}, False),
        ("a window of nothing", windowed(0), {"canary": 9, "stable": 1}, False),
        ("no window", given.blue_green().pods(canary="4/4"), {"canary": 9, "stable": 1}, False),
        ("aborted now", windowed(1).having(abort=True), {"canary": 9, "stable": 1}, False),
        (
            "aborted before",
            windowed(1).noted("canary", **{keys.ABORTED: "true"}),
            {"canary": 9, "stable": 1},
            False,
        ),
        ("nothing is stable yet", windowed(1).having(stableRS=""), {"canary": 9, "stable": 1}, False),
        ("promoted", windowed(1).having(stableRS=CANARY), {"canary": 9, "stable": 1}, False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_the_window(name, situation, ages, quick):
    assert within(situation, **ages) is quick, name


def test_of_one_second_neither_is_a_return_to_the_other():
    """Names must not decide: a new release whose hash happens to sort first would skip all its steps."""
    there = windowed(1)
    assert not within(there, canary=3, stable=3)
    exchanged = replace(there, status={**there.status, "stableRS": CANARY, "currentPodHash": STABLE})
    assert not within(exchanged.wanting(template=given.template(1)), canary=3, stable=3)


def test_blue_green_goes_back_within_the_window_without_pause_or_analysis():
    quick = born(windowed(1).snapshot, {"canary": 9, "stable": 1})
    release = born(windowed(1).snapshot, {"canary": 1, "stable": 9})
    assert fast_track(quick, draft(quick), NOW) == "Rollback within window"
    assert fast_track(release, draft(release), NOW) == ""
