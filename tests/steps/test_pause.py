from datetime import timedelta

import pytest

from rollouts.api.model import SpecError
from rollouts.api.rollout import PauseStep
from rollouts.steps.base import Bounds, Done, Goal, Pause, View
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
