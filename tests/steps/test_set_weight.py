import pytest

from rollouts.api.model import SpecError
from rollouts.steps.base import Bounds, Done, Goal, View, Wait
from rollouts.steps.set_weight import STEP
from tests.given import NOW


def test_it_sets_the_weight():
    assert STEP.shape(20, Goal(weight=5)) == Goal(weight=20)
    assert STEP.describe(20) == "setWeight: 20"


@pytest.mark.parametrize(
    ("view", "outcome"),
    [
        (View(), Done()),
        (View(traffic="being written"), Wait("being written")),
        (View(counts="1 of 2", traffic="being written"), Wait("1 of 2")),
    ],
)
def test_it_waits_for_pods_then_for_traffic(view, outcome):
    assert STEP.outcome(20, view, NOW) == outcome


def test_weights_end_at_the_total():
    assert STEP.decode(1000, "path", Bounds(total=1000)) == 1000
    with pytest.raises(SpecError, match="SetWeight needs to be between 0 and 100"):
        STEP.decode(101, "path", Bounds())
