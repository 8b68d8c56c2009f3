import pytest

from rollouts.wire.intorstring import percent_or_int, resolve, resolve_fenceposts


@pytest.mark.parametrize(
    ("value", "total", "up", "down"),
    [
        (3, 10, 3, 3),
        (0, 10, 0, 0),
        ("25%", 10, 3, 2),
        ("25", 10, 3, 2),
        ("1", 10, 1, 0),
        ("100%", 7, 7, 7),
        ("0%", 7, 0, 0),
        ("150%", 4, 6, 6),
        ("25%", 0, 0, 0),
    ],
)
def test_every_string_is_a_percentage(value, total, up, down):
    assert (resolve(value, total, round_up=True), resolve(value, total, round_up=False)) == (up, down)


@pytest.mark.parametrize(
    ("surge", "unavailable", "desired", "posts"),
    [
        ("0%", "0%", 0, (0, 1)),
        ("39%", "39%", 10, (4, 3)),
        (None, "39%", 10, (0, 3)),
        ("39%", None, 10, (4, 0)),
        (None, None, 10, (0, 1)),
        (5, 1, 10, (5, 1)),
        (1, 10, 5, (1, 10)),
        ("1", "1", 10, (1, 0)),
    ],
)
def test_fenceposts_are_never_both_zero(surge, unavailable, desired, posts):
    assert resolve_fenceposts(surge, unavailable, desired) == posts


@pytest.mark.parametrize(("surge", "unavailable"), [("oops", "39%"), ("55%", "urg"), ("", 1), ("1.5%", 1)])
def test_a_string_without_a_whole_number_is_refused(surge, unavailable):
    with pytest.raises(ValueError, match="neither a whole number nor a percentage"):
        resolve_fenceposts(surge, unavailable, 10)


@pytest.mark.parametrize(
    ("value", "number"),
    [(None, 0), (3, 3), ("25%", 25), ("0%", 0), ("3", 3), ("-3", -3), ("-3%", 0), ("x%", 0), ("oops", 0), ("", 0)],
)
def test_validation_reads_only_the_number(value, number):
    assert percent_or_int(value) == number
