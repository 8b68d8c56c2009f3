from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.wire.durations import format_go_duration, parse_go_duration, parse_pause_duration, parse_rfc3339, rfc3339

MOMENT = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("-0", 0),
        ("1h30m", 5400),
        ("500ms", 0.5),
        ("1.5s", 1.5),
        ("-1s", -1),
        ("+2m", 120),
        (".5s", 0.5),
        ("1.s", 1),
        ("1s1h", 3601),
        ("1us", 0.000001),
        ("2µs", 0.000002),
        ("2μs", 0.000002),
        ("1999ns", 0.000001),
        ("-1999ns", -0.000001),
        ("0.1h", 360),
    ],
)
def test_go_durations_parse(text, seconds):
    assert parse_go_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "10", "s", "1", "1x", "1h 2m", "1d", ".s", "1e3s", "--1s", "٣s", "1h30", "nan"])
def test_other_texts_are_no_durations(text):
    with pytest.raises(ValueError, match="is not a duration"):
        parse_go_duration(text)


def test_durations_end_at_292_years():
    assert parse_go_duration("2562047h") == timedelta(hours=2562047)
    with pytest.raises(ValueError, match="too long"):
        parse_go_duration("2562048h")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(0, 0), (10, 10), (-1, -1), ("10", 10), ("-5", -5), ("1m30s", 90), ("1.9s", 1), ("-1.9s", -1), ("500ms", 0)],
)
def test_pauses_count_whole_seconds(value, seconds):
    assert parse_pause_duration(value) == timedelta(seconds=seconds)


@pytest.mark.parametrize("value", ["", "soon", "1.5", "2147483648", "600000h", "10 s", 2**31, 10**30])
def test_other_pauses_are_refused(value):
    with pytest.raises(ValueError, match=r"is not a duration|too long"):
        parse_pause_duration(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(), "0s"),
        (timedelta(hours=1, minutes=30), "1h30m0s"),
        (timedelta(days=2, seconds=1), "48h0m1s"),
        (timedelta(minutes=5), "5m0s"),
        (timedelta(seconds=1.5), "1.5s"),
        (timedelta(seconds=10), "10s"),
        (timedelta(milliseconds=500), "500ms"),
        (timedelta(milliseconds=1, microseconds=20), "1.02ms"),
        (timedelta(milliseconds=100), "100ms"),
        (timedelta(microseconds=7), "7µs"),
        (timedelta(seconds=-90), "-1m30s"),
    ],
)
def test_durations_print_as_in_go(value, text):
    assert format_go_duration(value) == text


@given(st.timedeltas(timedelta(days=-365), timedelta(days=365)))
def test_printed_durations_read_back(value):
    assert parse_go_duration(format_go_duration(value)) == value


def test_times_are_written_in_utc_with_whole_seconds():
    assert rfc3339(MOMENT.replace(microsecond=999_999)) == "2026-01-31T08:00:00Z"
    assert rfc3339(MOMENT.astimezone(timezone(timedelta(hours=2)))) == "2026-01-31T08:00:00Z"


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        rfc3339(MOMENT.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T08:00:00Z", MOMENT),
        ("2026-01-31t10:00:00+02:00", MOMENT),
        ("2026-01-31T08:00:00.000001Z", MOMENT.replace(microsecond=1)),
        ("2026-01-31T08:00:00.123456789Z", MOMENT.replace(microsecond=123_456)),
    ],
)
def test_times_are_read(text, moment):
    found = parse_rfc3339(text)
    assert (found, found.utcoffset()) == (moment, timedelta())


@pytest.mark.parametrize("text", ["", "2026-01-31", "2026-01-31T08:00:00", "2026-02-31T08:00:00Z", "now"])
def test_other_texts_are_no_times(text):
    with pytest.raises(ValueError, match=r"is not a time|day is out of range"):
        parse_rfc3339(text)
