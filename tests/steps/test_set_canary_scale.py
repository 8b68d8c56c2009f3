import pytest

from rollouts.api.model import SpecError
from rollouts.api.rollout import SetCanaryScale
from rollouts.steps.base import Bounds, Done, Goal, View, Wait
from rollouts.steps.set_canary_scale import STEP
from tests.given import NOW

THREE, QUARTER, MATCHING = (
    SetCanaryScale(replicas=3),
    SetCanaryScale(weight=25),
    SetCanaryScale(match_traffic_weight=True),
)


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (THREE, "setCanaryScale{replicas: 3}"),
        (QUARTER, "setCanaryScale{weight: 25}"),
        (MATCHING, "setCanaryScale{matchTrafficWeight: true}"),
    ],
)
def test_it_says_what_it_does(config, text):
    assert STEP.describe(config) == text


def test_it_sticks_until_traffic_decides_again():
    scaled = STEP.shape(THREE, Goal(weight=20))
    assert scaled == Goal(weight=20, scale=THREE)
    assert STEP.shape(MATCHING, scaled) == Goal(weight=20)


def test_it_waits_for_pods_alone():
    assert STEP.outcome(THREE, View(traffic="being written"), NOW) == Done()
    assert STEP.outcome(THREE, View(counts="1 of 3"), NOW) == Wait("1 of 3")


def test_it_needs_a_router():
    with pytest.raises(SpecError, match="requires TrafficRouting"):
        STEP.decode(THREE, "path", Bounds())
