from datetime import timedelta

import pytest

from rollouts.api.model import SpecError
from rollouts.api.rollout import PauseStep
from rollouts.steps.base import Bounds, Done, Failed, Goal, Pause, View
from rollouts.steps.pause import STEP, Length
from tests.given import NOW

MINUTE = Length(timedelta(minutes=1), "1m")


@pytest.mark.parametrize(
    ("written", "length", "text"),
    [
        (None, None, "pause"),
        (10, timedelta(seconds=10), "pause: 10"),
        ("10", timedelta(seconds=10), "pause: 10"),
        ("1h30m", timedelta(minutes=90), "pause: 1h30m"),
    ],
)
def test_lengths(written, length, text):
    config = STEP.decode(PauseStep(duration=written), "path", Bounds())
    assert (config.duration, STEP.describe(config)) == (length, text)


@pytest.mark.parametrize(("written", "detail"), [("soon", "is not a duration"), (-1, "needs to be greater than 0")])
def test_wrong_lengths_name_the_field(written, detail):
    with pytest.raises(SpecError, match=rf"path\.duration: .*{detail}"):
        STEP.decode(PauseStep(duration=written), "path", Bounds())


def test_it_wants_nothing():
    assert STEP.shape(MINUTE, Goal(weight=20)) == Goal(weight=20)


@pytest.mark.parametrize(
    ("view", "outcome"),
    [
        (View(), Pause("paused until 2026-01-01T12:01:00Z", NOW + timedelta(minutes=1))),
        (
            View(paused_since=NOW - timedelta(seconds=59)),
            Pause("paused until 2026-01-01T12:00:01Z", NOW + timedelta(seconds=1)),
        ),
        (View(paused_since=NOW - timedelta(minutes=1)), Done()),
        (View(is_resumed=True), Done()),
    ],
)
def test_a_timed_pause(view, outcome):
    assert STEP.outcome(MINUTE, view, NOW) == outcome


def test_an_endless_pause_waits_for_a_person():
    forever = Length(None, None)
    assert STEP.outcome(forever, View(paused_since=NOW - timedelta(days=1)), NOW) == Pause(
        "paused until somebody promotes"
    )
    assert STEP.outcome(forever, View(is_resumed=True), NOW) == Done()


def limited(timeout="10m", **more):
    return STEP.decode(PauseStep(timeout=timeout, **more), "path", Bounds())


@pytest.mark.parametrize(
    ("written", "detail"),
    [
        ({"timeout": "soon"}, r"path\.timeout: .*is not a duration"),
        ({"timeout": 0}, r"path\.timeout: .*greater than 0"),
        ({"timeout": "1m", "duration": "1m"}, r"path\.timeout: .*ends by itself"),
        ({"timeout": "1m", "on_timeout": "retry"}, r"path\.onTimeout: .*abort or promote"),
        ({"on_timeout": "abort"}, r"path\.onTimeout: .*without a timeout"),
    ],
)
def test_a_timeout_that_means_nothing_names_the_field(written, detail):
    with pytest.raises(SpecError, match=detail):
        STEP.decode(PauseStep(**written), "path", Bounds())


def test_a_pause_with_a_timeout_is_called_what_any_other_is():
    assert STEP.describe(limited()) == "pause"


@pytest.mark.parametrize(("wanted", "end"), [(None, "aborted"), ("abort", "aborted"), ("promote", "promoted")])
def test_a_timeout_is_announced_while_a_person_is_waited_for(wanted, end):
    found = STEP.outcome(limited(on_timeout=wanted), View(paused_since=NOW - timedelta(minutes=9)), NOW)
    text = f"paused until somebody promotes; {end} at 2026-01-01T12:01:00Z"
    assert found == Pause(text, NOW + timedelta(minutes=1))


def test_a_timeout_counts_from_the_start_of_the_pause():
    assert STEP.outcome(limited(), View(), NOW).until == NOW + timedelta(minutes=10)


SINCE = "nobody ended the pause that began at 2026-01-01T11:50:00Z within 10m0s"


def test_a_forgotten_pause_ends_as_was_wished():
    forgotten = View(paused_since=NOW - timedelta(minutes=10))
    assert STEP.outcome(limited(), forgotten, NOW) == Failed(f"{SINCE}: onTimeout is abort")
    promoting = limited(on_timeout="promote")
    assert STEP.outcome(promoting, forgotten, NOW) == Done(f"{SINCE}: onTimeout is promote")


def test_who_promoted_in_time_is_not_overruled():
    assert STEP.outcome(limited(), View(is_resumed=True), NOW + timedelta(days=1)) == Done()
