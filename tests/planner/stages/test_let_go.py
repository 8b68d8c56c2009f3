from dataclasses import replace
from datetime import timedelta

from rollouts.planner.actions import EditRollout, PatchStatefulSet, ReleaseService
from rollouts.planner.rollout import plan
from tests import placed
from tests.given import NOW, set_weight

UNNOTED = {"rollouts.argoproj.io/managed-by": None, "rollouts.argoproj.io/partition-written": None}


def deleted(situation, **more):
    return replace(situation, metadata={"deletion_timestamp": NOW, **more})


def decided(situation, now=NOW, **more):
    return plan(deleted(situation, **more).assembled, now)


def test_while_healthy_the_users_partition_is_given_back_and_the_finalizer_goes_last():
    kept = {"original": 2, "workload": "db"}
    found = decided(placed.idle(set_weight(40)).having(partition=kept))
    patch, edit = found.actions
    rolling = {"updateStrategy": {"rollingUpdate": {"partition": 2}}}
    assert patch.patch == {"metadata": {"annotations": UNNOTED}, "spec": rolling}
    assert (patch.events[0].reason, edit.patch) == ("PartitionRestored", {"metadata": {"finalizers": None}})


def left(situation):
    patch, edit = decided(situation).actions
    assert isinstance(patch, PatchStatefulSet)
    assert isinstance(edit, EditRollout)
    return "spec" not in patch.patch, patch.events[0]


def test_in_mid_release_and_aborted_it_stays_and_an_event_says_how_to_finish():
    for situation in (placed.release(set_weight(40)).partition(3).new(3, 4), placed.release(set_weight(40)).aborted()):
        stays, event = left(situation)
        assert stays
        assert (event.reason, event.is_warning) == ("PartitionLeft", True)
        assert event.message.endswith("Bring back the old template, or lower the partition by hand to go on")


def test_pods_that_are_still_of_another_revision_keep_it():
    assert left(placed.idle().new(4, revision="db-older"))[0]


def test_somebody_elses_partition_and_strategy_stay():
    assert left(placed.idle().partition(1, written=32767))[0]
    assert left(placed.idle().of_set(updateStrategy={"type": "OnDelete"}))[0]


def test_a_set_that_goes_too_needs_nothing():
    going = replace(placed.idle(), set_metadata={"deletionTimestamp": "2026-01-01T12:00:00Z"})
    assert [type(action) for action in decided(going).actions] == [EditRollout]


def test_a_set_that_is_gone_needs_nothing():
    snapshot = deleted(placed.idle()).assembled
    found = plan(replace(snapshot, ordinals=None), NOW)
    assert [type(action) for action in found.actions] == [EditRollout]


def test_a_controller_that_is_behind_is_waited_for_but_not_for_ever():
    behind = placed.idle().unseen()
    assert (decided(behind).actions, decided(behind).wake_at) == ((), NOW + timedelta(seconds=30))
    late = decided(behind, NOW + timedelta(seconds=30))
    assert "spec" not in late.actions[0].patch


def test_other_finalizers_stay_and_without_ours_nothing_is_done():
    ours = "rollouts.argoproj.io/partition"
    assert decided(placed.idle(), finalizers=("a", ours)).actions[-1].patch == {"metadata": {"finalizers": ["a"]}}
    assert decided(placed.idle(), finalizers=("a",)).actions == ()


def test_services_of_ours_stay_for_every_pod():
    served = placed.idle(**placed.NGINX).served(stable=placed.NEW)
    kinds = [type(action) for action in decided(served).actions]
    assert kinds == [PatchStatefulSet, ReleaseService, ReleaseService, EditRollout]


def test_the_status_of_what_goes_is_left_alone():
    snapshot = deleted(placed.idle()).assembled
    assert plan(snapshot, NOW).status == snapshot.status


def test_what_was_given_back_is_not_written_again():
    """After a crash between the two writes only the finalizer is left."""
    (edit,) = decided(placed.idle().partition(0, written=None)).actions
    assert (type(edit), edit.patch) == (EditRollout, {"metadata": {"finalizers": None}})


def test_services_of_the_users_stay_as_they_are():
    theirs = placed.lent.named("Service", "db-stable", spec={"selector": {"app": "db"}})
    found = decided(placed.idle(stableService="db-stable").beside(theirs))
    assert [type(action) for action in found.actions] == [PatchStatefulSet, EditRollout]
