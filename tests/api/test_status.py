import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from rollouts.api.experiment import ExperimentStatus, experiment_status_dict
from rollouts.api.rollout import (
    CanaryStatus,
    RolloutDuration,
    RolloutStatus,
    TrafficWeights,
    WeightDestination,
    status_dict,
)


def recorded(name):
    return [json.loads(line) for line in (Path(__file__).parent / name).read_text().splitlines()]


def first(status):
    return f"{status.get('phase')}-{status.get('currentStepIndex')}-{status.get('stableRS')}"


def as_the_controller_wrote_it(status):
    # A person's retry leaves `abort: false`; a Rollout that was invalid from the start never got the two blocks.
    kept = {key: value for key, value in status.items() if (key, value) != ("abort", False)}
    return {"canary": {}, "blueGreen": {}} | kept


@pytest.mark.parametrize("status", recorded("rollout_statuses.jsonl"), ids=first)
def test_a_recorded_status_is_written_as_it_was_read(status):
    assert status_dict(msgspec.convert(status, RolloutStatus)) == as_the_controller_wrote_it(status)


@pytest.mark.parametrize("status", recorded("experiment_statuses.jsonl"), ids=lambda status: status.get("phase"))
def test_a_recorded_experiment_status_is_written_as_it_was_read(status):
    assert experiment_status_dict(msgspec.convert(status, ExperimentStatus)) == status


def test_an_empty_status_still_has_both_blocks():
    assert status_dict(RolloutStatus()) == {"canary": {}, "blueGreen": {}}


def test_zeros_that_mean_something_are_written():
    weights = TrafficWeights(canary=WeightDestination(0), stable=WeightDestination(100), verified=False)
    status = RolloutStatus(
        current_step_index=0,
        collision_count=0,
        canary=CanaryStatus(weights=weights),
        duration=RolloutDuration(total_manual_pause_duration_seconds=0),
    )
    assert status_dict(status) == {
        "currentStepIndex": 0,
        "collisionCount": 0,
        "canary": {"weights": {"canary": {"weight": 0}, "stable": {"weight": 100}, "verified": False}},
        "duration": {"totalManualPauseDurationSeconds": 0},
        "blueGreen": {},
    }


def test_spellings_that_clients_expect():
    status = RolloutStatus(
        stable_rs="a", hpa_replicas=3, last_command="abort@4", aborted_at=datetime(2026, 1, 2, tzinfo=UTC)
    )
    assert status_dict(status) == {
        "stableRS": "a",
        "HPAReplicas": 3,
        "lastCommand": "abort@4",
        "abortedAt": "2026-01-02T00:00:00Z",
        "canary": {},
        "blueGreen": {},
    }


def test_fields_of_a_newer_controller_are_not_an_error():
    assert msgspec.convert({"novelty": {"a": 1}, "phase": "Healthy"}, RolloutStatus) == RolloutStatus(phase="Healthy")
