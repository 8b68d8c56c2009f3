from datetime import UTC, datetime

import pytest

from rollouts.api.rollout import LabelSelector
from rollouts.planner.neighbours import NAMED, Neighbour, labels_in, oldest_first, overlapping

AT = datetime(2026, 1, 1, tzinfo=UTC)
WEB = LabelSelector.model_validate({"matchLabels": {"app": "web"}})


def one(name, second=0, **labels):
    return Neighbour(name, labels or {"app": "web"}, AT.replace(second=second))


def names(selector, *found):
    return [neighbour.name for neighbour in overlapping(selector, oldest_first(found))]


def test_a_selector_meets_whoever_has_all_its_labels():
    both = LabelSelector.model_validate({"matchLabels": {"app": "web", "tier": "front"}})
    found = (one("plain"), one("front", app="web", tier="front", team="a"), one("back", app="web", tier="back"))
    assert names(both, *found) == ["front"]
    assert names(WEB, *found) == ["back", "front", "plain"]


@pytest.mark.parametrize(
    ("operator", "values", "met"), [("In", ["web"], ["a"]), ("NotIn", ["web"], ["b"]), ("Exists", [], ["a", "b"])]
)
def test_expressions_count(operator, values, met):
    expression = {"key": "app", "operator": operator, **({"values": values} if values else {})}
    selector = LabelSelector.model_validate({"matchExpressions": [expression]})
    assert names(selector, one("a"), one("b", app="api")) == met


def test_of_a_crowd_the_oldest_are_told_of_whoever_comes():
    crowd = [one(f"r{number:02}", second=30 - number) for number in range(30)]
    oldest = names(WEB, *crowd)
    assert oldest == ["r29", "r28", "r27", "r26"]
    assert len(oldest) == NAMED + 1
    assert names(WEB, one("a-new-one", second=59), *crowd) == oldest


def test_those_of_one_second_are_told_by_name_and_those_without_a_date_first():
    assert names(WEB, one("b"), one("c"), one("a")) == ["a", "b", "c"]
    assert names(WEB, one("a"), Neighbour("undated", {"app": "web"})) == ["undated", "a"]


@pytest.mark.parametrize(
    ("template", "labels"),
    [
        ({"metadata": {"labels": {"app": "web", "version": 1.0, "on": True}}}, {"app": "web"}),
        ({"metadata": {"labels": ["app"]}}, {}),
        ({"metadata": "web"}, {}),
        ({}, {}),
        (None, {}),
        ([], {}),
    ],
)
def test_labels_of_templates_of_any_shape(template, labels):
    assert labels_in(template) == labels
