from itertools import islice

from rollouts.planner.runnames import numbered
from rollouts.wire.podhash import pod_template_hash
from tests.planner.lent import TEMPLATE, metric, named, rollout, snapshot, template

STEM = f"web-{pod_template_hash(TEMPLATE)}-0"
ASKED = {"templates": [{"templateName": "t"}]}
STEPS = {"steps": [{"setWeight": 5}, {"analysis": ASKED}]}


def taken(canary, *runs):
    return snapshot(rollout(canary), template("t", metric(count=1)), *runs).taken_runs


def test_names_go_on_with_numbers():
    assert list(islice(numbered("a"), 3)) == ["a", "a.1", "a.2"]


def test_runs_of_somebody_else_under_our_names_are_told():
    theirs = [named("AnalysisRun", name) for name in (STEM, f"{STEM}-1", f"{STEM}-1.1", f"{STEM}-1.3", "other")]
    assert taken(STEPS, *theirs) == {STEM, f"{STEM}-1", f"{STEM}-1.1"}


def test_our_own_runs_are_not_taken_and_hide_nothing_behind_them():
    ours = named("AnalysisRun", f"{STEM}-1", owner="uid-1")
    assert taken(STEPS, ours) == frozenset()
    assert taken(STEPS, ours, named("AnalysisRun", f"{STEM}-1.1", owner="uid-2")) == {f"{STEM}-1.1"}


def test_who_asks_nothing_looks_for_nothing():
    assert taken({}, named("AnalysisRun", STEM)) == frozenset()
