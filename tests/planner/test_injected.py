from dataclasses import replace

from msgspec import structs

from rollouts.planner.injected import (
    affinity_term,
    injected_at_birth,
    is_restarting,
    metadata_of,
    roles_of,
    wants_metadata,
)
from rollouts.planner.replicaset import manifest
from tests import given
from tests.given import CANARY, NOW, OLDER, STABLE
from tests.planner.pods import injecting

FRESH, SETTLED = {"labels": {"role": "canary"}}, {"labels": {"role": "stable"}}
ROLES = {"canaryMetadata": FRESH, "stableMetadata": SETTLED}
NOTE = "rollout.argoproj.io/ephemeral-metadata"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
APART = {"antiAffinity": {REQUIRED: {}}}


def role(snapshot, hash_, stable):
    return dict(metadata_of(snapshot, snapshot.of_hash(hash_), stable).labels)


def test_canary_and_stable_have_their_own_and_others_nothing():
    snapshot = given.release(**ROLES).pods(older="1/1").snapshot
    assert [role(snapshot, one, STABLE) for one in (CANARY, STABLE, OLDER)] == [
        {"role": "canary"},
        {"role": "stable"},
        {},
    ]
    assert [role(snapshot, one, CANARY) for one in (CANARY, STABLE)] == [{"role": "stable"}, {}]


def test_the_first_revision_is_as_good_as_stable():
    assert role(given.release(**ROLES).snapshot, CANARY, "") == {"role": "stable"}


def test_blue_green_calls_them_preview_and_active():
    strategy = {"activeService": "web-active", "previewMetadata": FRESH, "activeMetadata": SETTLED}
    snapshot = given.release().wanting(strategy={"blueGreen": strategy}).snapshot
    assert [dict(part.labels) for part in roles_of(snapshot)] == [{"role": "canary"}, {"role": "stable"}]


def test_metadata_matters_where_it_is_wanted_and_where_it_was():
    plain, wanted = given.release().snapshot, given.release(**ROLES).snapshot
    left = injecting(plain, "stable", '{"labels":{"a":"b"}}')
    assert [wants_metadata(found.spec, found.replica_sets) for found in (plain, wanted, left)] == [False, True, True]


def test_pods_are_only_looked_at_where_somebody_asked():
    def pods(situation):
        found = situation.snapshot
        return len(found.pods)

    assert pods(given.release()) == 0
    assert pods(given.release(**ROLES)) == 1
    assert pods(given.release().wanting(restartAt=given.at(NOW))) == 1


def test_a_restart_is_done_once_it_is_recorded():
    asked = given.release().wanting(restartAt=given.at(NOW))
    found = [one.snapshot for one in (given.release(), asked, asked.having(restartedAt=given.at(NOW)))]
    assert [is_restarting(one.spec, one.rollout) for one in found] == [False, True, False]


def test_a_revision_is_born_with_what_its_role_wants_and_keeps_its_hash():
    body = manifest(given.release(**ROLES, **APART).snapshot)
    assert body["metadata"]["annotations"][NOTE] == '{"labels":{"role":"canary"}}'
    assert body["spec"]["template"]["metadata"]["labels"]["role"] == "canary"
    assert "role" not in body["metadata"]["labels"]
    assert "role" not in body["spec"]["selector"]["matchLabels"]
    assert body["metadata"]["labels"]["rollouts-pod-template-hash"] == CANARY
    assert REQUIRED in body["spec"]["template"]["spec"]["affinity"]["podAntiAffinity"]


def test_the_first_revision_is_born_stable_and_free():
    template, note = injected_at_birth(given.first(**ROLES, **APART).snapshot, given.template(2))
    assert (template["metadata"]["labels"]["role"], "affinity" in template["spec"]) == ("stable", False)
    assert note == {NOTE: '{"labels":{"role":"stable"}}'}


def test_a_release_without_wishes_leaves_no_note():
    assert injected_at_birth(given.release().snapshot, given.template(2)) == (given.template(2), {})


def test_pods_keep_away_from_a_stable_revision_that_is_another():
    snapshot = given.release(**APART).snapshot
    assert affinity_term(snapshot, CANARY)[REQUIRED]["labelSelector"]["matchExpressions"][0]["values"] == [STABLE]
    assert affinity_term(snapshot, STABLE) is None
    assert affinity_term(given.first(**APART).snapshot, CANARY) is None
    assert affinity_term(given.release().snapshot, CANARY) is None


def test_another_controllers_replica_set_is_found_beneath_what_was_injected():
    """Equal template, another hash: taken over as it is, with its metadata and its anti-affinity."""
    term = affinity_term(given.release(**APART).snapshot, CANARY)
    note = '{"labels":{"role":"canary"}}'
    affinity = {"podAntiAffinity": {REQUIRED: [term[REQUIRED]]}}
    there = injecting(
        given.release(**ROLES).snapshot,
        "canary",
        note,
        metadata={"labels": {"role": "canary"}},
        spec={"affinity": affinity},
    )
    foreign = {**there.of_hash(CANARY).metadata.labels, "rollouts-pod-template-hash": "other"}
    sets = tuple(
        structs.replace(found, metadata=structs.replace(found.metadata, labels=foreign))
        if found is there.of_hash(CANARY)
        else found
        for found in there.replica_sets
    )
    assert replace(there, replica_sets=sets).canary_hash == "other"
