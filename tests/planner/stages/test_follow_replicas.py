from rollouts.planner.draft import Extent
from rollouts.planner.stages.follow_replicas import follow_replicas
from tests import given
from tests.given import NOW, draft, set_weight

RELEASE = given.release(set_weight(50), replicas=4).pods(stable="2/2", canary="2/2")


def followed(situation):
    snapshot = situation.snapshot
    return follow_replicas(snapshot, draft(snapshot), NOW)


def test_a_new_number_is_followed_at_once_in_proportion():
    behind = RELEASE.noted("stable", **{"rollout.argoproj.io/desired_replicas": "8"})
    decided = followed(behind.wanting(replicas=4))
    assert (decided.stopped, decided.extent) == ("following spec.replicas: 4", Extent.FOLLOW)
    annotations = [action.annotations for action in decided.actions]
    assert annotations == [{"rollout.argoproj.io/desired-replicas": "4"}]


def test_nothing_is_followed_while_a_person_holds_the_rollout():
    held = RELEASE.noted("stable", **{"rollout.argoproj.io/desired_replicas": "8"}).wanting(paused=True)
    assert followed(held).stopped == ""


def test_an_empty_revision_is_never_behind():
    decided = followed(given.release(set_weight(50)).noted("canary", **{"rollout.argoproj.io/desired_replicas": "9"}))
    assert decided.actions == ()
