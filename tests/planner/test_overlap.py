from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from rollouts.api.model import Problem
from rollouts.planner.neighbours import Neighbour
from rollouts.planner.overlap import LONGEST, SETTLED, overlap
from rollouts.planner.phase import FAILURES
from rollouts.planner.rollout import plan
from tests import given, placed
from tests.given import LONG_AGO, NOW, set_weight
from tests.planner.lent import TEMPLATE, named, rollout, snapshot

DEPLOYMENT = named("Deployment", "web", spec={"selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE})
SITUATIONS = {
    "canary": given.promoted(set_weight(25)),
    "release": given.release(set_weight(25)).pods(stable="3/3", canary="1/1"),
    "blue-green": given.blue_green().pods(stable="4/4", canary="4/4"),
    "first": given.first(set_weight(25)),
}
WITH_WEB = (
    "spec.selector: app=web also selects the pods of Rollout{}: an autoscaler counts them as this Rollout's, and "
)


def beside(*names, at=LONG_AGO, of="canary"):
    """The situation, with Rollouts that were made one after the other."""
    found = tuple(Neighbour(name, {"app": "web"}, at + timedelta(seconds=number)) for number, name in enumerate(names))
    return replace(SITUATIONS[of].snapshot, overlaps=found)


def after(found, decided):
    """What is seen once the status is written."""
    return replace(found, rollout=msgspec.structs.replace(found.rollout, status=decided.status))


def conditions(decided):
    return [one for one in decided.status.conditions if one.type == "SelectorOverlap"]


def warnings(decided):
    return [one.message for one in decided.events if one.reason == "SelectorOverlap"]


def sentence(found):
    return overlap(found, found.overlaps)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_condition_and_one_event_tell_of_it(situation):
    decided = plan(beside("api", of=situation), NOW)
    (told,) = conditions(decided)
    assert (told.status, told.reason) == ("True", "SelectorOverlap")
    assert (told.last_update_time, told.last_transition_time) == (NOW, NOW)
    assert warnings(decided) == [told.message]
    assert [one.is_warning for one in decided.events if one.reason == "SelectorOverlap"] == [True]
    assert [reason.text for reason in decided.reasons if reason.verdict == "warn"] == [told.message]


@pytest.mark.parametrize("situation", SITUATIONS)
def test_nothing_else_is_done_differently(situation):
    alone, crowded = (plan(beside(*names, of=situation), NOW) for names in ((), ("api", "b", "c", "d")))
    (told,) = conditions(crowded)
    rest = tuple(one for one in crowded.status.conditions if one != told)
    assert msgspec.structs.replace(crowded.status, conditions=rest) == alone.status
    assert (crowded.actions, crowded.wake_at) == (alone.actions, alone.wake_at)
    assert "SelectorOverlap" not in FAILURES


def test_it_is_told_once():
    first = plan(found := beside("api"), NOW)
    again = plan(after(found, first), NOW + timedelta(minutes=1))
    assert (warnings(again), conditions(again)) == ([], conditions(first))


def test_it_is_told_again_of_others_and_keeps_its_beginning():
    first = plan(found := beside("api"), NOW)
    later = NOW + timedelta(minutes=1)
    again = plan(replace(after(found, first), overlaps=beside("api", "b").overlaps), later)
    (told,) = conditions(again)
    assert warnings(again) == [told.message] != warnings(first)
    assert (told.last_update_time, told.last_transition_time) == (later, NOW)


def test_it_goes_when_nothing_overlaps_any_more():
    first = plan(found := beside("api"), NOW)
    mended = plan(replace(after(found, first), overlaps=()), NOW)
    assert (conditions(mended), warnings(mended)) == ([], [])


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["b"], " b"),
        (["b", "a"], "s a, b"),
        (["c", "b", "a"], "s a, b, c"),
        (["c", "b", "a", "d"], "s a, b, c and others"),
    ],
)
def test_three_are_named(names, told):
    assert sentence(beside(*names)).startswith(WITH_WEB.format(told))


def test_the_whole_sentence():
    assert sentence(beside("api")) == (
        "spec.selector: app=web also selects the pods of Rollout api: an autoscaler counts them as this Rollout's, and "
        "Services and PodDisruptionBudgets with no more than these labels reach both. Give each Rollout a label of its "
        "own, in spec.selector and spec.template.metadata.labels; a selector cannot be changed, so what has the wrong "
        "one is to be deleted and created anew"
    )


def test_an_autoscaler_of_blue_green_counts_by_hash():
    assert "autoscaler" not in sentence(beside("api", of="blue-green"))


@pytest.mark.parametrize(
    ("own", "begins", "remedy"),
    [
        (None, "spec.workloadRef: selector of Deployment web: app=web", "in its selector and its template;"),
        (
            {"matchLabels": {"app": "web"}},
            "spec.selector: app=web",
            "in spec.selector and in the template of Deployment web;",
        ),
    ],
)
def test_of_a_workload_ref_the_path_is_the_one_that_counts(own, begins, remedy):
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    found = snapshot(rollout(template=None, selector=own, workloadRef=ref), DEPLOYMENT, rollout(name="api"))
    text = sentence(found)
    assert text.startswith(f"{begins} also selects the pods of Rollout api: ")
    assert remedy in text


def test_the_pods_of_a_stateful_set_are_selected_too():
    own = {"selector": {"matchLabels": placed.LABELS}, "template": placed.TEMPLATE}
    found = replace(placed.release(set_weight(40)), others=(rollout(name="api", **own),)).snapshot
    assert sentence(found).startswith("spec.workloadRef: selector of StatefulSet db: app=db also selects")
    assert conditions(plan(found, NOW))[0].message == sentence(found)


def test_a_selector_of_any_length_makes_a_sentence_to_read():
    labels = {f"label-{number}": "x" * 60 for number in range(50)}
    own = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {}}}
    found = snapshot(rollout(**own), rollout(name="api", **own))
    assert len(found.overlaps) == 1
    assert LONGEST < len(sentence(found)) < 3 * LONGEST


# What comes at once is told of at once.


def test_what_is_new_is_looked_at_a_little_later():
    """A crowd that is applied together would tell of each of itself."""
    found = beside("api", at=NOW)
    decided = plan(found, NOW)
    assert (conditions(decided), warnings(decided), decided.wake_at) == ([], [], NOW + SETTLED)
    assert len(warnings(plan(found, NOW + SETTLED))) == 1


def test_a_new_rollout_waits_too():
    found = beside("api")
    made = msgspec.structs.replace(found.rollout.metadata, creation_timestamp=NOW)
    found = replace(found, rollout=msgspec.structs.replace(found.rollout, metadata=made))
    assert warnings(plan(found, NOW)) == []
    assert len(warnings(plan(found, NOW + SETTLED))) == 1


def test_whoever_has_been_there_longer_is_told_of_without_the_new_one():
    found = beside("api")
    found = replace(found, overlaps=(*found.overlaps, *beside("b", at=NOW).overlaps))
    first = plan(found, NOW)
    assert (conditions(first)[0].message, first.wake_at) == (sentence(beside("api")), NOW + SETTLED)


# A Rollout that is refused has something else to mend first.


def refused(found):
    return replace(found, problems=(Problem("spec.replicas", -1, "must not be"),))


def test_nothing_new_is_told_of_a_rollout_that_is_refused():
    decided = plan(refused(beside("api")), NOW)
    assert [one.reason for one in decided.events] == ["InvalidSpec"]
    assert conditions(decided) == []


@pytest.mark.parametrize("is_mended", [False, True])
def test_of_a_rollout_that_is_refused_only_what_is_still_so_stays(is_mended):
    first = plan(found := beside("api"), NOW)
    found = refused(after(found, first))
    decided = plan(replace(found, overlaps=() if is_mended else found.overlaps), NOW)
    assert conditions(decided) == ([] if is_mended else conditions(first))
