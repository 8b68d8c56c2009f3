"""What is measured of releases that end."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from rollouts.api.rollout import RolloutDuration
from rollouts.controllers.apply import Receipt
from rollouts.controllers.journal import Journal
from rollouts.controllers.metrics import RolloutMetrics
from rollouts.planner.draft import Draft
from rollouts.runtime.metrics import RequestMetrics
from tests import given
from tests.given import NOW

SINCE = NOW - timedelta(seconds=100)
RUNNING = RolloutDuration(SINCE)
ENDED = RolloutDuration(SINCE, NOW, completion_status="Promoted")


class Silent:
    def record(self, *_, **__):
        pass


def measured(before, after, *, written=True):
    """How often a release was measured, by the way it ended, when the record *before* becomes *after*."""
    registry = CollectorRegistry()
    snapshot = given.release().snapshot
    status = msgspec.structs.replace(snapshot.status, duration=before)
    rollout = msgspec.structs.replace(snapshot.rollout, status=status)
    plan = Draft(msgspec.structs.replace(status, duration=after)).finish()
    journal = Journal(Silent(), RolloutMetrics(registry, RequestMetrics(registry)))
    journal.record(replace(snapshot, rollout=rollout), plan, Receipt(status_written=written))
    samples = (sample for family in registry.collect() for sample in family.samples)
    return {s.labels["status"]: s.value for s in samples if s.name == "rollout_duration_seconds_count"}


@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [
        (RUNNING, RUNNING, {}),
        (RUNNING, ENDED, {"Promoted": 1}),
        (ENDED, ENDED, {}),
        (RUNNING, RolloutDuration(NOW), {"Superseded": 1}),
        # back to what is whole at once, in a record of its own
        (RUNNING, RolloutDuration(NOW, NOW, completion_status="Promoted"), {"Superseded": 1, "Promoted": 1}),
        (ENDED, RolloutDuration(NOW), {}),
        (None, RUNNING, {}),
        (RUNNING, None, {}),
    ],
)
def test_each_release_is_measured_once_when_it_ends(before, after, counts):
    assert measured(before, after) == counts


def test_what_was_not_written_did_not_happen():
    assert measured(RUNNING, ENDED, written=False) == {}
