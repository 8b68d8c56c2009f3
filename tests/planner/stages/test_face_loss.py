from rollouts.planner.conditions import get
from rollouts.planner.stages.face_loss import face_loss
from tests import placed
from tests.given import NOW, events, said, set_weight
from tests.placed import NEW, OLD, OLDER, draft

LOST = placed.release(set_weight(40)).partition(3).counted(currentRevision=NEW)


def decided(situation):
    snapshot = situation.snapshot
    return face_loss(snapshot, draft(snapshot), NOW)


def test_a_revision_that_became_current_unasked_aborts_the_release_and_says_what_to_do():
    found = decided(LOST)
    assert found.is_aborted
    assert events(found) == ["RevisionLost"]
    text = get(found.status.conditions, "RevisionLost").message
    assert text.startswith(f"StatefulSet db has revision {NEW} as its current one, though it was not promoted")
    assert "promote in full to keep the new one" in text
    assert found.status.partition.lost == NEW


def test_it_is_told_once():
    found = decided(LOST)
    conditions = [
        {"type": c.type, "status": c.status, "reason": c.reason, "message": c.message} for c in found.status.conditions
    ]
    again = decided(LOST.aborted().having(conditions=conditions))
    assert events(again) == []


def test_all_pods_new_because_we_asked_for_it_is_no_loss():
    assert not decided(LOST.partition(0)).is_aborted
    assert not decided(placed.release(set_weight(40)).partition(3)).is_aborted


def test_a_person_may_keep_the_new_revision():
    assert not decided(LOST.having(promoteFull=True)).is_aborted


def test_an_old_status_is_not_believed():
    assert not decided(LOST.unseen()).is_aborted


def test_without_pods_it_is_said_and_not_aborted():
    found = decided(LOST.of_set(replicas=0))
    assert not found.is_aborted
    assert said(found)[0].startswith("pass: there are no pods: Kubernetes makes the new revision current")


def test_a_new_template_begins_from_what_is_current_now():
    begun = placed.release().having(currentPodHash=OLDER).counted(currentRevision=OLDER)
    assert decided(begun).status.stable_rs == OLDER


def test_the_old_template_is_its_own_record():
    back = placed.release().having(stableRS=NEW, currentPodHash=OLD).counted(currentRevision=OLD)
    assert decided(back).status.stable_rs == NEW


def test_what_is_found_again_is_not_lost():
    condition = {"type": "RevisionLost", "status": "True", "reason": "RevisionLost", "message": "m"}
    found = decided(placed.release().having(conditions=[condition]))
    assert get(found.status.conditions, "RevisionLost") is None
