from datetime import timedelta

import pytest

from rollouts.cli.views.words import age, pause_length, span, step_words
from tests.cli.given import NOW


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0s"), (0, "0s"), (59.9, "59s"), (252, "4m12s"), (3600, "1h"), (11_105, "3h5m"), (180_000, "2d2h")],
)
def test_lengths_have_two_units(seconds, text):
    assert span(timedelta(seconds=seconds)) == text


def test_what_has_no_beginning_has_no_age():
    assert age(None, NOW) == ""
    assert age(NOW - timedelta(minutes=1), NOW) == "1m"


@pytest.mark.parametrize(
    ("step", "text"),
    [
        ({"setWeight": 20}, "setWeight: 20"),
        ({"setWeight": 0}, "setWeight: 0"),
        ({"pause": {}}, "pause until promoted"),
        ({"pause": {"duration": 30}}, "pause: 30s"),
        ({"pause": {"duration": "30"}}, "pause: 30s"),
        ({"pause": {"duration": "1h"}}, "pause: 1h"),
        ({"analysis": {"templates": [{"templateName": "a"}, {"templateName": "b"}]}}, "analysis: a, b"),
        ({"experiment": {"templates": [{"name": "base"}]}}, "experiment: base"),
        ({"setCanaryScale": {"replicas": 0}}, "setCanaryScale: 0 pods"),
        ({"setCanaryScale": {"weight": 25}}, "setCanaryScale: 25%"),
        ({"setCanaryScale": {"matchTrafficWeight": True}}, "setCanaryScale: as traffic"),
        ({"setCanaryScale": {"weight": 25}, "setWeight": 10}, "setWeight: 10"),
        ({"setHeaderRoute": {"name": "beta"}}, "setHeaderRoute: beta"),
        ({"plugin": {"name": "org/step"}}, "plugin: org/step"),
        ({"somethingNew": {}}, "somethingNew"),
        ({}, "nothing"),
    ],
)
def test_steps_in_words(step, text):
    assert step_words(step) == text


def test_only_a_timed_pause_has_a_length():
    assert pause_length({"pause": {"duration": "30s"}}) == "30s"
    assert [pause_length(step) for step in ({"pause": {}}, {"pause": None}, {"setWeight": 1})] == [None] * 3
