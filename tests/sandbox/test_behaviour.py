from fractions import Fraction

import pytest

from rollouts.sandbox.behaviour import BEHAVIOUR, Behaviour, behaviour_in, behaviour_of, seconds_in, version_of


def pod(image: str, **annotations: str) -> dict:
    return {"metadata": {"annotations": annotations}, "spec": {"containers": [{"name": "c", "image": image}]}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v1", Behaviour()),
        ("v3-errors5", Behaviour(errors=Fraction(5))),
        ("v3-errors0.5-slow200ms", Behaviour(errors=Fraction(1, 2), delay=0.2)),
        ("v3-slow2s", Behaviour(delay=2.0)),
        ("crash", Behaviour(crashes=True)),
        ("v2-crash", Behaviour(crashes=True)),
        ("v3-crash-after-100", Behaviour(crash_after=100)),
        ("v3-hang", Behaviour(hang_after=0)),
        ("v3-hang-after-7", Behaviour(hang_after=7)),
        ("missing", Behaviour(missing=True)),
        ("errors5 slow10ms", Behaviour(errors=Fraction(5), delay=0.01)),
        ("v1-terrors5-crashed", Behaviour()),
    ],
)
def test_words_say_how_a_pod_misbehaves(text, expected):
    assert behaviour_in(text) == expected


def test_an_annotation_counts_more_than_the_tag():
    assert behaviour_of(pod("web:v1-errors5", **{BEHAVIOUR: "errors50"})) == Behaviour(errors=Fraction(50))


def test_the_bad_command_crashes():
    bad = pod("web:v1")
    bad["spec"]["containers"][0]["command"] = ["/bad-command"]
    assert behaviour_of(bad).crashes


@pytest.mark.parametrize(("errors", "expected"), [("5", [20, 40, 60]), ("50", list(range(2, 61, 2))), ("0", [])])
def test_failing_requests_are_evenly_spread(errors, expected):
    behaviour = behaviour_in(f"errors{errors}")
    assert [number for number in range(1, 61) if behaviour.fails(number)] == expected


def test_every_request_fails_at_one_hundred_percent():
    assert all(behaviour_in("errors100").fails(number) for number in range(1, 10))


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("web:v1", "v1"),
        ("registry.example.com:5000/team/web:v2", "v2"),
        ("registry.example.com:5000/web", "latest"),
        ("web:v3@sha256:abc", "v3"),
    ],
)
def test_a_version_is_the_images_tag(image, version):
    assert version_of(image) == version


@pytest.mark.parametrize(
    ("text", "seconds"), [("5s", 5.0), ("200ms", 0.2), ("1.5m", 90.0), ("1h", 3600.0), ("3", 3.0), ("soon", 9.0)]
)
def test_durations(text, seconds):
    assert seconds_in(text, otherwise=9.0) == seconds
