from datetime import timedelta

from rollouts.planner.revisions import newest, seen_at
from rollouts.planner.snapshot import available, revision_of
from tests import placed
from tests.given import LONG_AGO, NOW
from tests.placed import NEW, OLD, OLDER


def counts(snapshot):
    return {rs.metadata.name: (rs.status.replicas, rs.status.ready_replicas) for rs in snapshot.replica_sets}


def test_every_revision_has_the_pods_that_carry_its_label():
    snapshot = placed.release().new(3).new(4, state="unready").snapshot
    assert counts(snapshot) == {NEW: (2, 1), OLD: (3, 3), OLDER: (0, 0)}


def test_stable_and_canary_are_found_by_the_names_of_controller_revisions():
    snapshot = placed.release().snapshot
    assert (snapshot.stable.metadata.name, snapshot.canary.metadata.name) == (OLD, NEW)
    assert [revision_of(rs.metadata) for rs in (snapshot.stable, snapshot.canary)] == [1, 2]


def test_pods_that_are_going_or_beyond_the_last_place_do_not_count():
    snapshot = placed.release().of_set(replicas=4).old(0, state="going").snapshot
    assert counts(snapshot)[OLD] == (3, 3)


def test_time_decides_what_is_available():
    snapshot = placed.release().of_set(minReadySeconds=60).snapshot
    assert available(seen_at(snapshot, LONG_AGO + timedelta(seconds=59)).stable) == 0
    assert available(seen_at(snapshot, NOW).stable) == 5


def test_a_template_counts_once_the_controller_has_seen_it():
    seen, unseen = placed.release(), placed.release().unseen().having(currentPodHash=OLD)
    assert newest(seen.snapshot.ordinals, seen.snapshot.status) == NEW
    assert unseen.snapshot.canary_hash == OLD


def test_a_name_that_is_used_again_is_not_taken_for_its_predecessor():
    situation = placed.routed().new(3, 4).served()
    snapshot = situation.snapshot
    assert snapshot.ready_pods("db-canary", snapshot.canary) == 2
    assert snapshot.ready_pods("db-stable", snapshot.canary) == 0
    assert situation.old(3).snapshot.ready_pods("db-canary", situation.old(3).snapshot.canary) == 1
