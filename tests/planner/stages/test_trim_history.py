from rollouts.planner.stages.trim_history import trim_history
from tests import given
from tests.given import NOW, OLDER, draft, set_weight

RELEASE = given.release(set_weight(20)).pods(older="0/0")


def trimmed(situation):
    snapshot = situation.snapshot
    return [action.target.key.name for action in trim_history(snapshot, draft(snapshot), NOW).actions]


def test_empty_revisions_beyond_the_limit_go():
    assert trimmed(RELEASE.wanting(revisionHistoryLimit=0)) == [f"web-{OLDER}"]


def test_a_revision_with_pods_stays():
    assert trimmed(RELEASE.pods(older="0/1").wanting(revisionHistoryLimit=0)) == []


def test_revisions_within_the_limit_stay():
    assert trimmed(RELEASE.wanting(revisionHistoryLimit=1)) == []
