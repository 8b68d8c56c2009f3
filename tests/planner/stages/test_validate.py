from dataclasses import replace

from rollouts.api.model import Problem
from rollouts.planner.stages.validate import AGAIN, validate
from tests import given
from tests.given import NOW, draft, said, written

WRONG = Problem("spec.strategy.maxSurge", "many", "must be a number")


def test_the_first_problem_stops_everything():
    snapshot = replace(given.release().snapshot, problems=(WRONG,))
    decided = validate(snapshot, draft(snapshot), NOW)
    assert (said(decided), decided.stopped, decided.wake_at) == ([f"refuse: {WRONG}"], str(WRONG), NOW + AGAIN)


def test_absent_replicas_are_written_for_autoscalers():
    snapshot = given.release().wanting(replicas=None).snapshot
    decided = validate(snapshot, draft(snapshot), NOW)
    assert written(decided) == ["EditRollout: spec.replicas is absent: 1"]


def test_a_right_specification_passes():
    snapshot = given.release().snapshot
    assert validate(snapshot, draft(snapshot), NOW) == draft(snapshot)
