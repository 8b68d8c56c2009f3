from dataclasses import replace

from rollouts.planner.stages.create_revision import create_revision
from tests import given
from tests.given import CANARY, NOW, STABLE, draft, events, said, written


def made(snapshot):
    return create_revision(snapshot, draft(snapshot), NOW)


def test_a_new_template_gets_an_empty_replica_set_and_the_next_number():
    release = given.release()
    decided = made(replace(release, sizes={"stable": "4/4"}).snapshot)
    assert written(decided) == ["CreateReplicaSet: revision 3 is new"]
    assert (decided.actions[0].key.name, decided.actions[0].body["spec"]["replicas"]) == (f"web-{CANARY}", 0)


def test_the_number_is_written_first():
    assert events(made(given.first().snapshot)) == ["RolloutUpdated", "NewReplicaSetCreated"]


def test_a_name_that_is_taken_makes_another_hash():
    snapshot = given.first().snapshot
    other = given.release().snapshot.stable
    decided = made(replace(snapshot, taken=other))
    assert (decided.status.collision_count, decided.actions, decided.stopped) == (1, (), "hash collision")


def test_a_return_to_an_old_revision_renumbers_it():
    back = given.release().wanting(template=given.template(1))
    decided = made(back.annotated(REVISION="3").snapshot)
    update, edit = decided.actions
    assert (update.target.key.name, update.annotations["rollout.argoproj.io/revision"]) == (f"web-{STABLE}", "4")
    assert edit.patch == {"metadata": {"annotations": {"rollout.argoproj.io/revision": "4"}}}


def test_books_in_order_need_no_write():
    assert said(made(given.release().snapshot)) == []


def test_a_replica_set_without_a_number_gets_one_and_no_history():
    """As somebody else's whose template is the Rollout's comes in."""
    there = given.release().noted("canary", **{"rollout.argoproj.io/revision": ""})
    (update, *_) = made(there.snapshot).actions
    assert update.annotations == {"rollout.argoproj.io/revision": "3"}
    assert made(given.release().noted("canary", **{"rollout.argoproj.io/revision": "1"}).snapshot).actions[
        0
    ].annotations == {
        "rollout.argoproj.io/revision": "3",
        "rollout.argoproj.io/revision-history": "1",
    }


def test_time_to_be_ready_follows_the_rollout():
    update, *_ = made(given.release().wanting(minReadySeconds=9).snapshot).actions
    assert (update.target.key.name, update.min_ready_seconds) == (f"web-{CANARY}", 9)
