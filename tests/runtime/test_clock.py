from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from structlog.testing import capture_logs

from rollouts.runtime.clock import ServerClock, SystemClock


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


class Set:
    """A clock that a test sets."""

    def __init__(self):
        self.date, self.seconds = datetime(2026, 1, 1, 12, tzinfo=UTC), 0.0

    def now(self):
        return self.date

    def monotonic(self):
        return self.seconds


def header(date):
    return format_datetime(date, usegmt=True)


MINUTES = timedelta(minutes=5)
NEAR = timedelta(seconds=1)


@pytest.mark.parametrize("off", [MINUTES, -MINUTES, timedelta(days=400), timedelta(seconds=-10)])
def test_the_servers_date_is_shown_where_ours_differs(off):
    own = Set()
    clock = ServerClock(own)
    true = own.date - off
    clock.hear(header(true), 0.1)
    assert abs(clock.now() - true) <= NEAR
    own.date += timedelta(hours=1)
    assert abs(clock.now() - true - timedelta(hours=1)) <= NEAR


@pytest.mark.parametrize("late", [0, 1, 2])
def test_our_own_date_is_shown_where_it_is_right(late):
    own = Set()
    clock = ServerClock(own)
    clock.hear(header(own.date - timedelta(seconds=late)), 0.1)
    assert clock.now() == own.date


def test_an_answer_that_took_long_proves_nothing_about_the_time_it_took():
    own = Set()
    clock = ServerClock(own)
    clock.hear(header(own.date - timedelta(seconds=30)), 31)
    assert clock.now() == own.date


def test_a_clock_that_is_set_right_is_noticed():
    own = Set()
    clock = ServerClock(own)
    clock.hear(header(own.date - MINUTES), 0.1)
    own.date -= MINUTES
    clock.hear(header(own.date + timedelta(seconds=1)), 0.1)
    assert abs(clock.now() - own.date) <= timedelta(seconds=2)


@pytest.mark.parametrize("text", ["", "yesterday", "0", "Thu, 99 Jan 2026 00:00:00 GMT"])
def test_what_is_no_date_is_ignored(text):
    own = Set()
    clock = ServerClock(own)
    clock.hear(text, 0.1)
    assert (clock.now(), clock.monotonic()) == (own.date, own.seconds)


def test_a_difference_is_told_once():
    own = Set()
    clock = ServerClock(own)
    with capture_logs() as logs:
        for _ in range(100):
            clock.hear(header(own.date - MINUTES), 0.1)
            own.date += timedelta(seconds=1)
    assert [line["seconds"] for line in logs] == [pytest.approx(300, abs=1)]
