"""Sizes and deadlines of a blue-green release, row by row; deadlines are RFC3339 without fractions (contract §4)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rollouts.api import keys
from rollouts.planner.bluescaling import side_sizes
from tests import given
from tests.given import CANARY, NOW, OLDER, STABLE, draft

DEADLINE = keys.SCALE_DOWN_DEADLINE
LATER, OVER = given.at(NOW + timedelta(seconds=20)), given.at(NOW - timedelta(seconds=1))
IN = {seconds: given.at(NOW + timedelta(seconds=seconds)) for seconds in (2, 7, 30)}


def sized(situation):
    """What is written to ReplicaSets: size (None: as it is) and annotations."""
    snapshot = situation.snapshot
    decided = side_sizes(snapshot, draft(snapshot), NOW, stage="scale")
    return {one.target.key.name.removeprefix("web-"): (one.replicas, dict(one.annotations)) for one in decided.actions}


def woken(situation):
    snapshot = situation.snapshot
    return side_sizes(snapshot, draft(snapshot), NOW, stage="scale").wake_at


def aborted(**strategy):
    return given.blue_green(**strategy).pods(canary="4/4").having(abort=True)


def promoted(**strategy):
    """web:2 is stable and active; web:1 has its pods still."""
    return given.blue_green(**strategy).pods(canary="4/4").having(stableRS=CANARY).pointing(active="canary")


def old(**strategy):
    return sized(promoted(**strategy))


MARKED = {keys.ABORTED: "true"}


def test_both_sides_are_whole():
    assert sized(given.blue_green().pods(stable="2/2")) == {STABLE: (4, {}), CANARY: (4, {})}


def test_a_small_preview_stays_small():
    assert sized(given.blue_green(previewReplicaCount=1)) == {CANARY: (1, {})}


def test_a_first_deploy_is_whole_at_once():
    first = given.blue_green(previewReplicaCount=1).having(stableRS="", blueGreen={}).pointing(active="")
    assert sized(replace(first, sizes={"canary": "0/0"})) == {CANARY: (4, {})}


def test_nothing_is_written_where_all_is_as_wanted():
    assert sized(given.blue_green().pods(canary="4/4")) == {}
    assert sized(given.release()) == {}


# Deadlines of those that are wanted again


def test_stable_loses_its_deadline():
    assert sized(given.blue_green().pods(canary="4/4").noted("stable", scale_down_deadline=LATER)) == {
        STABLE: (None, {DEADLINE: None})
    }


@pytest.mark.parametrize(
    ("name", "situation", "kept"),
    [
        ("on the way back", lambda there: there, True),
        ("promoted", lambda there: there.having(stableRS=CANARY).pointing(active="canary"), False),
        ("over", lambda there: there.noted("canary", scale_down_deadline=OVER), False),
        ("once aborted", lambda there: there.noted("canary", **MARKED), False),
    ],
)
def test_the_deadline_of_the_preview_tells_a_return_from_a_release(name, situation, kept):
    there = situation(given.blue_green().pods(canary="4/4").noted("canary", scale_down_deadline=LATER))
    written = sized(there).get(CANARY, (None, {}))[1]
    assert (DEADLINE not in written) is kept, name


def test_a_small_old_revision_is_whole_again_on_the_way_back():
    back = given.blue_green().pods(canary="2/2").noted("canary", scale_down_deadline=LATER)
    assert sized(back)[CANARY][0] == 4


# Old revisions


@pytest.mark.parametrize(
    ("strategy", "written"),
    [
        ({}, {STABLE: (None, {DEADLINE: IN[30]})}),
        ({"scaleDownDelaySeconds": 7}, {STABLE: (None, {DEADLINE: IN[7]})}),
        ({"scaleDownDelaySeconds": 0}, {STABLE: (None, {DEADLINE: IN[2]})}),
        ({"scaleDownDelayRevisionLimit": 0}, {STABLE: (None, {DEADLINE: IN[2]})}),
        ({"scaleDownDelayRevisionLimit": 1}, {STABLE: (None, {DEADLINE: IN[30]})}),
    ],
    ids=["default", "a delay", "none: what proxies need", "no revision may wait", "one may wait"],
)
def test_an_old_revision_begins_its_delay(strategy, written):
    assert old(**strategy) == written


def test_an_old_revision_goes_after_its_delay():
    assert sized(promoted().noted("stable", scale_down_deadline=OVER)) == {STABLE: (0, {DEADLINE: None})}


def test_the_very_second_of_the_deadline_is_not_after_it():
    there = promoted().noted("stable", scale_down_deadline=given.at(NOW))
    assert (sized(there), woken(there)) == ({}, NOW + timedelta(seconds=1))


def test_the_end_of_a_delay_wakes():
    there = promoted().noted("stable", scale_down_deadline=LATER)
    assert (sized(there), woken(there)) == ({}, NOW + timedelta(seconds=21))


def test_the_newest_old_revisions_fill_the_limit():
    three = promoted(scaleDownDelayRevisionLimit=1).pods(older="4/4")
    assert sized(three) == {STABLE: (None, {DEADLINE: IN[30]}), OLDER: (None, {DEADLINE: IN[2]})}


@pytest.mark.parametrize(("deadline", "written"), [(1, {}), (2, {}), (3, {STABLE: (0, {DEADLINE: None})})])
def test_beyond_the_limit_pods_stay_only_while_proxies_leave_them(deadline, written):
    left = given.at(NOW + timedelta(seconds=deadline))
    assert sized(promoted(scaleDownDelayRevisionLimit=0).noted("stable", scale_down_deadline=left)) == written


def test_without_a_limit_all_may_wait():
    assert sized(promoted().pods(older="4/4")) == {
        STABLE: (None, {DEADLINE: IN[30]}),
        OLDER: (None, {DEADLINE: IN[30]}),
    }


def test_a_waiting_revision_follows_autoscaling():
    there = promoted().wanting(replicas=6).noted("stable", scale_down_deadline=LATER)
    there = there.noted("stable", **{keys.DESIRED_REPLICAS: "4"}).noted("canary", **{keys.DESIRED_REPLICAS: "4"})
    assert sized(there) == {
        STABLE: (6, {keys.DESIRED_REPLICAS: "6"}),
        CANARY: (6, {keys.DESIRED_REPLICAS: "6"}),
    }


def test_an_abandoned_small_preview_stays_small_until_it_goes():
    there = given.blue_green(previewReplicaCount=1).pods(canary="1/1", older="1/1")
    there = there.noted("older", **{keys.DESIRED_REPLICAS: "4"})
    assert sized(there) == {OLDER: (None, {DEADLINE: IN[30]})}


@pytest.mark.parametrize("service", ["active", "preview"])
def test_what_a_service_selects_stays(service):
    there = promoted(previewService="web-preview").pods(older="4/4").pointing(preview="canary")
    there = there.pointing(**{service: "older"}).noted("older", scale_down_deadline=OVER)
    assert OLDER not in sized(there)


def test_what_users_are_still_led_to_stays():
    snapshot = promoted().noted("stable", scale_down_deadline=OVER).snapshot
    lagging = replace(snapshot, endpoints={"web-active": (f"web-{STABLE}-1",)})
    assert side_sizes(lagging, draft(lagging), NOW, stage="scale").actions == ()


def test_nothing_goes_while_a_run_is_inconclusive():
    pause = [{"reason": "InconclusiveAnalysisRun", "startTime": given.at(NOW)}]
    assert sized(given.blue_green().pods(canary="4/4", older="4/4").having(pauseConditions=pause)) == {}


@pytest.mark.parametrize(
    ("phase", "delay", "stays"),
    [
        ("Running", {}, True),
        ("Pending", {}, True),
        ("", {}, True),
        ("Running", {"scaleDownDelaySeconds": 7}, False),
        ("Successful", {}, False),
        ("Failed", {}, False),
    ],
)
def test_the_analysis_after_promotion_keeps_old_pods_unless_a_delay_is_given(phase, delay, stays):
    run = {"postPromotionAnalysisRunStatus": {"name": "r", "status": phase}}
    there = given.blue_green(postPromotionAnalysis=given.CHECKS, **delay).pods(canary="4/4", older="4/4")
    assert (sized(there.pointing(active="canary").having(blueGreen=run)) == {}) is stays


# Aborts


def test_an_aborted_preview_begins_its_delay():
    assert sized(aborted()) == {CANARY: (None, {DEADLINE: IN[30], **MARKED})}
    assert sized(aborted(abortScaleDownDelaySeconds=7)) == {CANARY: (None, {DEADLINE: IN[7], **MARKED})}


def test_an_aborted_preview_stays_for_ever_if_asked():
    kept = aborted(abortScaleDownDelaySeconds=0)
    assert sized(kept.noted("canary", **MARKED)) == {}


def test_an_aborted_preview_goes_after_its_delay():
    over = aborted().noted("canary", scale_down_deadline=OVER, **MARKED)
    assert sized(over) == {CANARY: (0, {})}


def test_an_aborted_preview_waits_for_its_delay():
    waiting = aborted().noted("canary", scale_down_deadline=LATER, **MARKED)
    assert (sized(waiting), woken(waiting)) == ({}, NOW + timedelta(seconds=21))


@pytest.mark.parametrize("deadline", [{}, {"scale_down_deadline": OVER}], ids=["", "with the deadline of a return"])
def test_an_aborted_preview_stays_until_stable_is_whole(deadline):
    weak = aborted().pods(stable="3/4").noted("canary", **deadline)
    gone = {DEADLINE: None} if deadline else {}
    assert sized(weak) == {CANARY: (None, {**gone, **MARKED})}


def test_an_aborted_preview_stays_while_users_are_led_to_it():
    led = aborted().pointing(active="canary").noted("canary", **MARKED)
    assert sized(led) == {}


def test_the_deadline_of_a_return_is_none_of_an_abort():
    there = aborted().noted("canary", scale_down_deadline=LATER)
    assert sized(there) == {CANARY: (None, {DEADLINE: IN[30], **MARKED})}


def test_the_deadline_that_another_controller_gave_an_aborted_preview_is_kept():
    """abortedAt says that the abort was seen before; who wrote the deadline then had no annotation for it."""
    there = aborted().noted("canary", scale_down_deadline=LATER).having(abortedAt=given.at(NOW))
    assert sized(there) == {CANARY: (None, MARKED)}
    assert woken(there) == NOW + timedelta(seconds=21)


def test_an_aborted_preview_without_pods_is_left_alone():
    assert sized(aborted().pods(canary="0/0").noted("canary", **MARKED)) == {}


def test_aborting_what_is_stable_takes_nothing():
    assert sized(promoted().having(abort=True).pods(stable="0/0")) == {}


def test_promotion_forgets_that_it_was_aborted_once():
    assert sized(promoted().pods(stable="0/0").noted("canary", **MARKED)) == {CANARY: (None, {keys.ABORTED: None})}


def test_before_there_is_a_preview_only_the_stable_side_is_sized():
    assert sized(replace(given.blue_green(), sizes={"stable": "2/2"})) == {STABLE: (4, {})}
    assert sized(replace(given.blue_green().having(stableRS=""), sizes={})) == {}
