from datetime import UTC, datetime

from rollouts.api.rollout import RolloutAnalysis, SetCanaryScale
from rollouts.steps import analysis, pause, set_canary_scale, set_weight
from rollouts.steps.base import BoundStep, Goal, Part, Pause, View, goal_of
from rollouts.steps.pause import Length

SCALE = SetCanaryScale(replicas=3)
CHECKS = RolloutAnalysis()


def bound(step, config):
    return BoundStep((Part(step, config),))


WEIGHT = bound(set_weight.STEP, 20)
SCALED = bound(set_canary_scale.STEP, SCALE)
CHECKED = bound(analysis.STEP, CHECKS)


def test_the_goal_is_what_the_steps_so_far_want():
    assert goal_of([]) == Goal()
    assert goal_of([WEIGHT, SCALED, CHECKED]) == Goal(20, SCALE, (), CHECKS)


def test_an_analysis_is_wanted_only_while_it_is_the_current_step():
    assert goal_of([CHECKED, WEIGHT]).analysis is None


def test_several_kinds_in_one_step_all_shape_and_the_first_decides():
    both = BoundStep((Part(pause.STEP, Length(None, None)), Part(set_canary_scale.STEP, SCALE)))
    assert goal_of([both]).scale == SCALE
    assert isinstance(both.outcome(View(counts="1 of 3"), datetime(2026, 1, 1, tzinfo=UTC)), Pause)
    assert (both.key, both.describe(), both.is_waiting_step) == ("pause", "pause", True)
