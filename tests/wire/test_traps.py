"""Traps of serving this API that are about how values are written; the list of all is in tests/planner."""

from datetime import timedelta

import pytest

from rollouts.wire.durations import parse_go_duration, parse_pause_duration


@pytest.mark.parametrize(("text", "seconds"), [("1h30m", 5400), ("500ms", 0.5), ("1.5h", 5400), ("2m0.25s", 120.25)])
def test_trap_24_durations_are_gos(text, seconds):
    """A duration has units, of Go: hours at most, fractions too; a pause counts whole seconds of it."""
    assert parse_go_duration(text) == timedelta(seconds=seconds)
    assert parse_pause_duration(text) == timedelta(seconds=int(seconds))


@pytest.mark.parametrize("number", [90, "90"])
def test_trap_24_a_bare_number_is_for_pauses(number):
    """Seconds without a unit are understood in pause.duration alone."""
    assert parse_pause_duration(number) == timedelta(seconds=90)
    with pytest.raises(ValueError, match="90"):
        parse_go_duration(str(number))
