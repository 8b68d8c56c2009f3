import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.kube.errors import ApiError, Forbidden, Gone, NotFound, ServerFault, TooManyRequests, Unreachable
from rollouts.kube.watch import (
    LONGEST_WAIT,
    Bookmark,
    Broken,
    Change,
    Changed,
    Listing,
    Watching,
    list_failed,
    listed,
    read_line,
    refused,
    watch_ended,
)

FAULT = ServerFault(500, "InternalError", "boom")
GONE = Gone(410, "Expired", "too old")


def line(kind, found):
    return json.dumps({"type": kind, "object": found}).encode()


@pytest.mark.parametrize("change", ["ADDED", "MODIFIED", "DELETED"])
def test_a_change_keeps_its_object_undecoded(change):
    read = read_line(line(change, {"a": 1}))
    assert read == Changed(Change(change), b'{"a": 1}')


def test_a_bookmark_is_a_version():
    assert read_line(line("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": "77"}})) == Bookmark("77")


def test_an_error_event_loses_the_place():
    read = read_line(line("ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "message": "old"}))
    assert isinstance(read, Broken)
    assert (type(read.error), read.lost_place) == (Gone, True)


@pytest.mark.parametrize("text", [b"<html>", b"{}", b'{"type":"NEWS","object":{}}', b'{"type":"BOOKMARK","object":{}}'])
def test_what_is_no_event_breaks_the_watch_and_keeps_the_place(text):
    read = read_line(text)
    assert isinstance(read, Broken)
    assert (read.error.reason, read.lost_place) == ("NotAnEvent", False)


@pytest.mark.parametrize(
    ("error", "lost"),
    [(GONE, True), (NotFound(404, "NotFound", ""), True), (FAULT, False), (Unreachable("reset"), False)],
)
def test_which_refusals_lose_the_place(error, lost):
    assert refused(error).lost_place is lost


def test_a_watch_that_ran_its_time_goes_on_at_once():
    assert watch_ended(Watching("5", failures=3), None, lived=300, spin=0.5) == Watching("5")


def test_a_lost_place_lists_at_once():
    assert watch_ended(Watching("5"), refused(GONE), lived=300, spin=0.5) == Listing(wait=0, failures=1)


def test_a_place_lost_again_before_a_steady_watch_waits():
    again = watch_ended(listed(Listing(failures=1), "6"), refused(GONE), lived=0.1, spin=0.5)
    assert again == Listing(wait=0.8, failures=2)


def test_a_close_at_once_counts_as_a_failure():
    assert watch_ended(Watching("5"), None, lived=0.2, spin=0.5) == Watching("5", wait=0.8, failures=1)


def test_failures_double_the_wait_up_to_a_limit():
    state = Watching("5")
    waits = []
    for _ in range(8):
        state = watch_ended(state, refused(FAULT), lived=0, spin=0.5)
        waits.append(state.wait)
    assert waits == [0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30]


def test_a_steady_watch_clears_the_count():
    assert watch_ended(Watching("5", failures=6), refused(FAULT), lived=1, spin=0.5).failures == 1


def test_a_server_that_names_a_wait_gets_it():
    busy = TooManyRequests(429, "TooManyRequests", "", retry_after=45)
    assert watch_ended(Watching("5"), refused(busy), lived=0, spin=0.5).wait == 45


def test_a_kind_that_is_not_served_is_asked_for_every_half_minute():
    assert list_failed(Listing(), NotFound(404, "NotFound", ""), spin=0.5) == Listing(wait=30, served=False)


def test_a_failed_list_waits_and_counts():
    assert list_failed(Listing(failures=1), Forbidden(403, "Forbidden", ""), spin=0.5) == Listing(1.6, 2)


def test_a_token_that_expired_once_lists_again_at_once():
    assert list_failed(Listing(), GONE, spin=0.5) == Listing(wait=0, failures=1)


ENDINGS = st.sampled_from(
    [None, refused(GONE), refused(FAULT), Broken(ApiError(0, "NotAnEvent", ""), lost_place=False)]
)


@given(st.lists(ENDINGS, min_size=12, max_size=40), st.floats(0, 0.999))
def test_whatever_short_watches_do_few_requests_are_made(endings, spin):
    state, waited, requests = Watching("5"), 0.0, 0
    for broken in endings:
        if isinstance(state, Listing):
            state = listed(state, "6")
        state = watch_ended(state, broken, lived=0.5, spin=spin)
        waited += state.wait
        requests += 1
        assert state.wait <= LONGEST_WAIT * 1.25
    assert waited >= min(LONGEST_WAIT, 0.4 * 2 ** (requests - 3)) * 0.75
