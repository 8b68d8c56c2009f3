from dataclasses import replace

from msgspec.structs import replace as changed

from rollouts.api.meta import OwnerReference
from rollouts.planner.draft import Extent
from rollouts.planner.rollout import plan
from rollouts.planner.stages.adopt import adopt
from tests import given
from tests.given import CANARY, NOW, STABLE, UID, draft, written

TEAM = OwnerReference("v1", "ConfigMap", "team", "uid-team")


def owned_by(replica_set, *owners):
    return changed(replica_set, metadata=changed(replica_set.metadata, owner_references=owners))


def relabelled(replica_set, **labels):
    kept = {key: value for key, value in (replica_set.metadata.labels | labels).items() if value}
    return changed(replica_set, metadata=changed(replica_set.metadata, labels=kept))


def selecting(replica_set, **labels):
    return changed(replica_set, spec=changed(replica_set.spec, selector={"matchLabels": labels}))


def with_orphan():
    """The stable ReplicaSet belongs to a ConfigMap that controls nothing, and else to nobody."""
    release = given.release().snapshot
    return replace(release, replica_sets=(release.canary,), orphans=(owned_by(release.stable, TEAM),))


def with_stray(**selector):
    release = given.release().snapshot
    stray = selecting(relabelled(release.stable, app="debug"), **selector)
    mine = stray.metadata.owner_references
    return replace(release, replica_sets=(release.canary, owned_by(stray, TEAM, *mine)))


def decided(snapshot):
    return adopt(snapshot, draft(snapshot), NOW)


def test_an_orphan_is_adopted_once_the_rollout_is_known_to_be_there():
    assert written(decided(with_orphan())) == [
        "EditRollout: the Rollout must still be there, and as it was seen",
        f"AdoptReplicaSet: web-{STABLE} fits and belongs to nobody",
    ]


def test_the_check_changes_nothing_and_is_bound_to_what_was_seen():
    snapshot = with_orphan()
    check = decided(snapshot).actions[0]
    assert (check.patch, check.target.resource_version) == ({}, snapshot.rollout.metadata.resource_version)


def test_other_owners_are_kept():
    team, mine = decided(with_orphan()).actions[1].owners
    assert (team, mine.uid, mine.controller, mine.block_owner_deletion) == (TEAM, UID, True, True)


def test_nothing_else_is_done_before_ownership_is_right():
    made = plan(with_orphan(), NOW)
    assert [type(action).__name__ for action in made.actions] == ["EditRollout", "AdoptReplicaSet"]
    assert made.status == with_orphan().status
    assert decided(with_orphan()).extent is Extent.NOTHING


def test_what_fits_no_longer_is_let_go_and_only_by_us():
    made = decided(with_stray(app="web"))
    assert written(made) == [f"ReleaseReplicaSet: the labels of web-{STABLE} fit no longer"]
    assert made.actions[0].owners == (TEAM,)


def test_a_replica_set_that_fits_its_own_selector_stays_while_the_rollouts_changes():
    assert written(decided(with_stray(app="debug"))) == []


def test_ownership_in_order_stops_nothing():
    made = decided(given.release().snapshot)
    assert (made.actions, made.stopped) == ((), "")


def test_what_is_being_deleted_is_left_to_it():
    snapshot = with_stray(app="web")
    canary, stray = snapshot.replica_sets
    going = changed(stray, metadata=changed(stray.metadata, deletion_timestamp=NOW))
    assert written(decided(replace(snapshot, replica_sets=(canary, going)))) == []


def test_a_stray_that_keeps_its_labels_apart_from_the_hash_is_known_by_its_template():
    release = given.release().snapshot
    renamed = relabelled(release.canary, **{"rollouts-pod-template-hash": "other"})
    snapshot = replace(release, replica_sets=(release.stable, renamed))
    assert (written(decided(snapshot)), snapshot.canary_hash) == ([], "other")
    assert release.canary_hash == CANARY
