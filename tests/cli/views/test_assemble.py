from datetime import timedelta

from rollouts.api.rollout import RolloutStatus
from rollouts.cli.views.assemble import later, tags_of
from rollouts.cli.views.model import ImageView, as_json
from rollouts.wire.decode import decode
from tests.cli.given import NOW, canary_under_way, promoted, replica_set, rollout, run, status, view


def names(found):
    return {rs.name for revision in found.revisions for rs in revision.replica_sets}


def test_objects_belong_by_their_owners_uid_and_not_by_name():
    found = view(rollout(status()), [replica_set("bbb", 2, 1, 1), replica_set("ccc", 2, 1, 1, owner="another")])
    assert names(found) == {"web-bbb"}


def test_an_object_that_lists_the_rollout_but_is_not_controlled_by_it_is_not_its_own():
    made = replica_set("bbb", 2, 1, 1)
    made["metadata"]["ownerReferences"][0]["controller"] = False
    assert names(view(rollout(status()), [made])) == set()


def test_revisions_are_newest_first_and_runs_stand_with_theirs():
    found = view(
        rollout(status()), [replica_set("aaa", 9, 1, 1), replica_set("bbb", 10, 1, 1)], (), [run("r", 9, "Running")]
    )
    assert [(revision.number, len(revision.runs)) for revision in found.revisions] == [(10, 0), (9, 1)]


def test_images_are_those_of_pods_with_the_roles_that_run_them():
    sets = [
        replica_set("bbb", 2, 1, 1, image="web:v2"),
        replica_set("aaa", 1, 4, 4),
        replica_set("x", 0, 0, 0, image="web:v0"),
    ]
    assert view(rollout(status()), sets).images == (ImageView("web:v1", ("stable",)), ImageView("web:v2", ("canary",)))


def test_one_image_of_two_revisions_has_both_roles():
    found = view(rollout(status()), [replica_set("bbb", 2, 1, 1), replica_set("aaa", 1, 4, 4)])
    assert found.images == (ImageView("web:v1", ("canary", "stable")),)


def test_without_pods_images_are_those_of_the_template():
    assert view(rollout(promoted())).images == (ImageView("web:v2"),)


def tags(pod_hash, is_canary=True, **fields):
    return tags_of(pod_hash, decode(RolloutStatus, status(**fields)), is_canary=is_canary)


def test_roles_are_those_of_the_status():
    assert [tags(one) for one in ("bbb", "aaa", "x", "")] == [("canary",), ("stable",), (), ()]
    assert tags("bbb", stableRS="bbb") == ("stable",)
    assert tags("", stableRS="", currentPodHash="") == ()


def test_roles_of_blue_green_are_those_of_its_services():
    selectors = {"activeSelector": "aaa", "previewSelector": "bbb"}
    assert tags("aaa", is_canary=False, blueGreen=selectors) == ("stable", "active")
    assert tags("bbb", is_canary=False, blueGreen=selectors) == ("preview",)


def test_ping_and_pong_take_sides():
    sides = {"canary": {"stablePingPong": "ping"}}
    assert [tags("aaa", **sides), tags("bbb", **sides)] == [("stable", "ping"), ("canary", "pong")]


def test_a_later_view_has_the_same_facts():
    found = canary_under_way()
    moved = later(found, NOW + timedelta(seconds=5))
    assert (moved.at, later(moved, NOW)) == (NOW + timedelta(seconds=5), found)


def test_json_has_the_wires_spelling():
    found = as_json(canary_under_way())
    assert found["weight"] == {"wanted": 20, "actual": 20, "total": 100, "verified": False, "routers": ["nginx"]}
    assert found["revisions"][0]["replicaSets"][0]["scaleDownAt"] is None
