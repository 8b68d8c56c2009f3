from rollouts.planner.stages.number_revision import number_revision
from tests import placed
from tests.given import NOW, events
from tests.placed import draft


def decided(situation):
    snapshot = situation.snapshot
    return number_revision(snapshot, draft(snapshot), NOW)


def test_the_number_is_that_of_the_controller_revision():
    found = decided(placed.replace(placed.release(), metadata={"annotations": {}}))
    assert found.actions[0].patch == {"metadata": {"annotations": {"rollout.argoproj.io/revision": "2"}}}
    assert events(found) == ["RolloutUpdated"]


def test_it_is_written_once():
    assert decided(placed.release()).actions == ()


def test_a_revision_that_nobody_has_seen_has_no_number():
    assert decided(placed.release().counted(updateRevision="db-newest")).actions == ()
