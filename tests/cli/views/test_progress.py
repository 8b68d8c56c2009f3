from datetime import timedelta

import pytest

from rollouts.api.rollout import Rollout
from rollouts.api.workloads import ReplicaSet
from rollouts.cli.views.model import WeightView
from rollouts.cli.views.progress import step_view, weight_view
from rollouts.wire.decode import decode
from tests.cli.given import NOW, STEPS, nginx, paused, promoted, replica_set, rollout, status


def weight(fields, *, strategy=None):
    owned = [decode(ReplicaSet, one) for one in (replica_set("bbb", 2, 2, 1), replica_set("aaa", 1, 5, 5))]
    return weight_view(decode(Rollout, rollout(fields, strategy=strategy)), owned)


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        (status(currentStepIndex=0), 20),
        (status(currentStepIndex=1), 20),
        (status(currentStepIndex=2), 40),
        (status(currentStepIndex=4), 100),
        (status(currentStepIndex=4, abort=True), 0),
        (status(currentStepIndex=0, abort=True), 0),
        (status(currentStepIndex=None), 20),
        (promoted(), 100),
    ],
)
def test_the_weight_in_force_is_the_last_one_reached(fields, wanted):
    assert weight(fields).wanted == wanted


def test_before_the_first_set_weight_nothing_is_wanted():
    steps = [{"pause": {}}, {"setWeight": 50}]
    assert weight(status(currentStepIndex=0), strategy={"canary": {"steps": steps}}).wanted == 0


def test_without_a_router_the_actual_weight_is_the_share_of_available_pods():
    assert weight(status(availableReplicas=6)) == WeightView(20, 16)
    assert weight(status(availableReplicas=0)) == WeightView(20, 0)


def test_with_a_router_the_actual_weight_is_what_it_was_given():
    weights = {"canary": {"weight": 7}, "stable": {"weight": 93}, "verified": False}
    found = weight(status(canary={"weights": weights}), strategy=nginx())
    assert found == WeightView(20, 7, 100, verified=False, routers=("nginx",))
    assert weight(status(), strategy=nginx()) == WeightView(20, 0, 100, None, ("nginx",))


def test_once_promoted_all_is_where_it_belongs():
    assert (
        weight(
            promoted(canary={"weights": {"canary": {"weight": 0}, "stable": {"weight": 100}}}), strategy=nginx()
        ).actual
        == 100
    )


def test_blue_green_has_neither_weight_nor_steps():
    found = rollout(status(), strategy={"blueGreen": {"activeService": "a"}})
    assert weight(status(), strategy={"blueGreen": {}}) is None
    assert step_view(decode(Rollout, found)) is None


@pytest.mark.parametrize(
    ("duration", "left"), [("1m", timedelta(seconds=40)), (30, timedelta(seconds=10)), ("nonsense", None), (None, None)]
)
def test_a_timed_pause_says_when_it_ends(duration, left):
    steps = [{"pause": {"duration": duration}}]
    found = step_view(decode(Rollout, rollout(paused(currentStepIndex=0), strategy={"canary": {"steps": steps}})))
    assert found.resumes_at == (NOW + left if left else None)


def test_steps_beyond_the_end_are_the_end():
    found = step_view(decode(Rollout, rollout(status(currentStepIndex=9))))
    assert (found.index, found.count, found.current) == (len(STEPS), len(STEPS), "")
