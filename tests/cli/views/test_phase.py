import pytest

from rollouts.api.rollout import Rollout
from rollouts.cli.views.phase import shown_phase
from rollouts.wire.decode import decode
from tests.cli.given import paused, rollout, status

OLD = ("Progressing", "waiting for rollout spec update to be observed")
OLD_WORKLOAD = ("Progressing", "waiting for rollout spec update to be observed for the reference workload")
RESUMING = ("Progressing", "waiting for rollout to unpause")
OWN = ("Paused", "CanaryPauseStep")
WORKLOAD = {"workloadRef": {"kind": "Deployment", "name": "web"}}


def shown(fields, **more):
    return shown_phase(decode(Rollout, rollout(fields, **more)))


@pytest.mark.parametrize(
    ("observed", "expected"), [("2", OWN), ("1", OLD), ("3", OWN), ("", OWN), ("5ffbfbbd64", OWN), ("-1", OWN)]
)
def test_a_status_older_than_the_spec_is_not_believed(observed, expected):
    assert shown(paused(observedGeneration=observed)) == expected


def test_a_status_before_a_promotion_is_not_believed():
    assert shown(status(controllerPause=True)) == RESUMING
    assert shown(status(controllerPause=True, observedGeneration="1")) == OLD


@pytest.mark.parametrize(
    ("wanted", "observed", "expected"), [("4", "3", OLD_WORKLOAD), ("4", "4", OWN), ("4", "", OWN), ("", "3", OWN)]
)
def test_a_status_older_than_the_workload_is_not_believed(wanted, observed, expected):
    noted = {"rollout.argoproj.io/workload-generation": wanted}
    assert shown(paused(workloadObservedGeneration=observed), annotations=noted, **WORKLOAD) == expected


def test_without_a_workload_its_generation_means_nothing():
    noted = {"rollout.argoproj.io/workload-generation": "4"}
    assert shown(paused(workloadObservedGeneration="3"), annotations=noted) == OWN


def test_a_rollout_nobody_looked_at_is_waiting():
    assert shown({}) == OLD
