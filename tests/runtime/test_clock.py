from datetime import UTC, timedelta

from rollouts.runtime.clock import SystemClock


def test_dates_are_utc():
    assert SystemClock().now().tzinfo is UTC


def test_a_shift_moves_the_date():
    shift = timedelta(days=3)
    here, there = SystemClock(), SystemClock(shift)
    before, moved, after = here.now(), there.now(), here.now()
    assert before + shift <= moved <= after + shift


def test_seconds_never_go_back():
    clock = SystemClock()
    readings = [clock.monotonic() for _ in range(100)]
    assert readings == sorted(readings)
