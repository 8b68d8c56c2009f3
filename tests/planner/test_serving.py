"""The note on a ReplicaSet of since when it stands behind its Service, where proxies need a settling time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rollouts.api import keys
from rollouts.planner.serving import GRAIN, forget, heard_at, note, unheard
from tests import given
from tests.given import CANARY, NOW, draft, set_weight

SETTLE = timedelta(seconds=5)
SINCE = f"web-canary@{given.at(NOW)}"
HEARD = NOW + GRAIN + SETTLE


def release(noted="", settle=SETTLE):
    """A canary behind its Service, noted so, and proxies that need some time."""
    there = given.nginx(set_weight(20)).pods(canary="1/1")
    snapshot = (there.noted("canary", **{keys.SERVING: noted}) if noted else there).snapshot
    routers = tuple(replace(one, scope=replace(one.scope, settle=settle)) for one in snapshot.routers)
    return replace(snapshot, routers=routers)


def notes(decided):
    return [(one.target.key.name, one.annotations, one.because) for one in decided.actions]


def test_it_is_noted_once_and_woken_when_proxies_have_heard():
    fresh, known = release(), release(SINCE)
    written = note(fresh, draft(fresh), fresh.canary, "web-canary", NOW)
    assert notes(written) == [
        (f"web-{CANARY}", {keys.SERVING: SINCE}, f"web-{CANARY} stands behind Service web-canary")
    ]
    again = note(known, draft(known), known.canary, "web-canary", NOW)
    assert (notes(again), again.wake_at) == ([], HEARD)
    assert note(known, draft(known), known.canary, "web-canary", HEARD) == draft(known)


def test_it_is_taken_back_when_it_stands_there_no_longer():
    known, fresh = release(SINCE), release()
    assert notes(forget(known, draft(known), known.canary, "web-canary")) == [
        (f"web-{CANARY}", {keys.SERVING: None}, f"web-{CANARY} no longer stands behind Service web-canary")
    ]
    assert forget(fresh, draft(fresh), fresh.canary, "web-canary") == draft(fresh)


@pytest.mark.parametrize("written", ["", "web-canary@yesterday", "web-canary", "web-stable@2026-01-01T12:00:00Z"])
def test_a_note_of_another_service_or_that_cannot_be_read_is_none(written):
    snapshot = release(written)
    assert heard_at(snapshot, snapshot.canary, "web-canary") is None
    assert unheard(snapshot, snapshot.canary, "web-canary", NOW).endswith("from now on")
    assert notes(note(snapshot, draft(snapshot), snapshot.canary, "web-canary", NOW))


def test_without_a_settling_time_nothing_is_noted_or_waited_for():
    snapshot = release(settle=timedelta())
    assert note(snapshot, draft(snapshot), snapshot.canary, "web-canary", NOW) == draft(snapshot)
    assert unheard(snapshot, snapshot.canary, "web-canary", NOW) == ""


def test_weight_waits_until_they_have_heard():
    snapshot = release(SINCE)
    waiting = f"Service web-canary: proxies hear of the pods of web-{CANARY} until {given.at(HEARD)}"
    assert unheard(snapshot, snapshot.canary, "web-canary", HEARD - GRAIN) == waiting
    assert unheard(snapshot, snapshot.canary, "web-canary", HEARD) == ""
