from dataclasses import replace

from msgspec import structs

from rollouts.api.model import Problem
from rollouts.api.rollout import RolloutStatus
from rollouts.planner.draft import Extent
from rollouts.planner.stages.validate import AGAIN, SEEN, validate
from tests import given
from tests.given import NOW, draft, said, written

WRONG = Problem("spec.strategy.maxSurge", "many", "must be a number")


def test_the_first_problem_stops_everything():
    snapshot = replace(given.release().snapshot, problems=(WRONG,))
    decided = validate(snapshot, draft(snapshot), NOW)
    assert (said(decided), decided.stopped, decided.wake_at) == ([f"refuse: {WRONG}"], str(WRONG), NOW + AGAIN)


MISSING = Problem("spec.strategy.canary.stableService", "web", 'service "web" not found')


def brand_new(problem=MISSING, *, judged=False):
    old = given.release().snapshot
    metadata = structs.replace(old.rollout.metadata, creation_timestamp=NOW)
    status = RolloutStatus(observed_generation="1" if judged else "")
    return replace(old, rollout=structs.replace(old.rollout, metadata=metadata, status=status), problems=(problem,))


def test_what_a_new_rollout_misses_may_only_not_have_been_seen():
    snapshot = brand_new()
    decided = validate(snapshot, draft(snapshot), NOW)
    assert (said(decided), decided.extent) == ([f"wait: not seen yet? {MISSING}"], Extent.NOTHING)
    assert decided.wake_at == NOW + SEEN
    assert validate(snapshot, draft(snapshot), NOW + SEEN).extent is Extent.INVALID


def test_other_problems_and_older_rollouts_are_judged_at_once():
    for snapshot in (brand_new(WRONG), brand_new(judged=True)):
        assert validate(snapshot, draft(snapshot), NOW).extent is Extent.INVALID


def test_absent_replicas_are_written_for_autoscalers():
    snapshot = given.release().wanting(replicas=None).snapshot
    decided = validate(snapshot, draft(snapshot), NOW)
    assert written(decided) == ["EditRollout: spec.replicas is absent: 1"]


def test_a_right_specification_passes():
    snapshot = given.release().snapshot
    assert validate(snapshot, draft(snapshot), NOW) == draft(snapshot)
