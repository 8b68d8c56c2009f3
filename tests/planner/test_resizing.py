import pytest

from rollouts.planner.resizing import is_halted, resize
from tests import given
from tests.given import CANARY, NOW, draft, set_weight

INCONCLUSIVE = {"pauseConditions": [{"reason": "InconclusiveAnalysisRun", "startTime": given.at(NOW)}]}


@pytest.mark.parametrize(
    ("situation", "canary", "blue_green"),
    [
        (lambda release: release, False, False),
        (lambda release: release.wanting(paused=True), True, False),
        (lambda release: release.having(**INCONCLUSIVE), True, False),
    ],
    ids=["going on", "paused", "inconclusive"],
)
def test_a_held_canary_keeps_its_sizes_and_blue_green_does_not(situation, canary, blue_green):
    for release, wanted in ((given.release(set_weight(50)), canary), (given.blue_green(), blue_green)):
        snapshot = situation(release).snapshot
        assert is_halted(snapshot, draft(snapshot)) is wanted


@pytest.mark.parametrize(
    ("situation", "canary"), [(given.release(set_weight(25)), 1), (given.blue_green(), 4)], ids=["canary", "blue-green"]
)
def test_the_strategy_says_how_many(situation, canary):
    snapshot = situation.snapshot
    assert resize(snapshot, draft(snapshot), NOW, stage="scale").sizes[f"web-{CANARY}"] == canary
