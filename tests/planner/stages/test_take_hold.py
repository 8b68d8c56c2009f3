from dataclasses import replace

from rollouts.api.rollout import CanaryStrategy
from rollouts.planner.draft import Extent
from rollouts.planner.stages.take_hold import take_hold
from tests import placed
from tests.given import NOW, events, said, set_weight, written
from tests.placed import NEW, OLD, draft

FRESH = replace(placed.release(set_weight(40)).partition(2, written=None), status={})


def decided(situation):
    snapshot = situation.snapshot
    return take_hold(snapshot, draft(snapshot), NOW)


def without_finalizer(situation, *others):
    return replace(situation, metadata={"finalizers": others})


def test_the_partition_is_kept_and_a_finalizer_set_before_anything_is_written():
    found = decided(without_finalizer(FRESH, "other"))
    (edit,) = found.actions
    assert edit.patch == {"metadata": {"finalizers": ["other", "rollouts.argoproj.io/partition"]}}
    assert (found.status.partition.original, found.status.partition.workload) == (2, "db")
    assert found.extent is Extent.NOTHING


def test_stable_is_what_kubernetes_remembers_as_current():
    status = decided(FRESH).status
    assert (status.stable_rs, status.current_pod_hash, status.current_step_index) == (OLD, NEW, 0)


def test_a_set_that_is_not_being_updated_needs_no_steps():
    status = decided(FRESH.counted(currentRevision=NEW)).status
    assert (status.stable_rs, status.current_pod_hash, status.current_step_index) == (NEW, NEW, 1)


def test_what_stands_there_as_our_own_is_not_the_users():
    assert decided(FRESH.partition(32767)).status.partition.original == 0


def test_a_set_without_revisions_is_waited_for():
    found = decided(FRESH.counted(updateRevision="", currentRevision=""))
    assert (written(found), said(found)) == ([], ["wait: StatefulSet db has no revision yet"])


def test_a_set_that_was_made_anew_is_taken_anew_and_keeps_the_users_partition():
    found = decided(placed.idle().having(stableRS="gone", partition={"original": 4, "workload": "db"}))
    assert (found.status.stable_rs, found.status.partition.original) == (NEW, 4)
    assert found.stopped


def test_held_is_held():
    snapshot = placed.release(set_weight(40)).snapshot
    assert take_hold(snapshot, draft(snapshot), NOW) == draft(snapshot)


def test_a_number_of_replicas_in_the_rollout_is_ignored_and_said_once():
    found = decided(placed.release().wanting(replicas=3))
    assert events(found) == ["ReplicasIgnored"]
    assert found.events[0].message == "spec.replicas 3 is ignored: StatefulSet db says 5, scale that"
    kept = {"original": 0, "workload": "db", "ignoredReplicas": 3}
    assert events(decided(placed.release().wanting(replicas=3).having(partition=kept))) == []
    assert events(decided(placed.release().wanting(replicas=4).having(partition=kept))) == ["ReplicasIgnored"]
    assert (
        decided(placed.release().wanting(replicas=5).having(partition=kept)).status.partition.ignored_replicas is None
    )


def test_fields_that_count_for_nothing_are_said_once():
    named = FRESH.snapshot
    canary = {"maxSurge": 1, "abortScaleDownDelaySeconds": 0, "steps": []}
    strategy = CanaryStrategy.model_validate(canary)
    spec = named.spec.model_copy(update={"strategy": named.spec.strategy.model_copy(update={"canary": strategy})})
    found = take_hold(replace(named, spec=spec), draft(named), NOW)
    assert [(event.reason, event.message) for event in found.events] == [
        (
            "FieldsIgnored",
            "ignored with a StatefulSet, each of whose pods has one place: maxSurge, abortScaleDownDelaySeconds",
        )
    ]
    assert events(decided(FRESH)) == []
    held = placed.release(set_weight(40)).snapshot
    assert take_hold(replace(held, spec=spec), draft(held), NOW).events == ()


def test_a_finalizer_that_somebody_took_is_put_back_and_the_release_goes_on_where_it_was():
    found = decided(without_finalizer(placed.release(set_weight(40), set_weight(80)).step(1)))
    assert [action.patch["metadata"]["finalizers"] for action in found.actions] == [["rollouts.argoproj.io/partition"]]
    assert (found.status.stable_rs, found.status.current_pod_hash, found.status.current_step_index) == (OLD, NEW, 1)
