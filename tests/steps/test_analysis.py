import pytest

from rollouts.api.rollout import RolloutAnalysis
from rollouts.steps.analysis import STEP
from rollouts.steps.base import Done, Failed, Goal, View, Wait
from tests.given import NOW

CHECKS = RolloutAnalysis()


@pytest.mark.parametrize(
    ("run", "outcome"),
    [
        (None, Wait("the analysis run is not created yet")),
        (("", ""), Wait("the analysis run is not created yet")),
        (("Running", ""), Wait("the analysis run is Running")),
        (("Successful", ""), Done()),
        (("Failed", ""), Failed("Step-based analysis phase error/failed")),
        (("Error", "no route"), Failed("Step-based analysis phase error/failed: no route")),
        (
            ("Inconclusive", ""),
            Wait("the analysis run is inconclusive: somebody must promote, retry or abort"),
        ),
    ],
)
def test_the_run_decides(run, outcome):
    assert STEP.outcome(CHECKS, View(run=run), NOW) == outcome


def test_it_wants_a_run():
    assert STEP.shape(CHECKS, Goal(weight=20)) == Goal(weight=20, analysis=CHECKS)
    assert STEP.describe(CHECKS) == "analysis"
