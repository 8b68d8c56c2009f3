from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec

from rollouts.api.meta import Condition
from rollouts.api.rollout import Rollout, RolloutStatus
from rollouts.controllers.holdback import LONGEST, Holdback
from rollouts.planner.actions import Announcement
from rollouts.planner.draft import Plan
from rollouts.planner.snapshot import Snapshot
from rollouts.wire.decode import decode

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)
OVER = NOW + LONGEST
UNDER_WAY = Condition("Progressing", "True", "ReplicaSetUpdated", "moves", NOW, NOW)
BEFORE = RolloutStatus(phase="Progressing", replicas=2, conditions=(UNDER_WAY,))


def after(**changes):
    return msgspec.structs.replace(BEFORE, **changes)


def seen(status=BEFORE, name="web"):
    rollout = decode(Rollout, {"metadata": {"name": name, "namespace": "shop"}, "spec": {}})
    rollout = msgspec.structs.replace(rollout, status=status)
    return Snapshot(rollout, None, {}, {}, "", "")


def planned(status, wake_at=None, events=()):
    return Plan((), status, events, (), wake_at)


MORE = planned(after(replicas=3, available_replicas=3))
RENEWED = planned(after(replicas=3, conditions=(msgspec.structs.replace(UNDER_WAY, last_update_time=LATER),)))


def test_counts_wait():
    assert Holdback().held(seen(), MORE, NOW) == replace(MORE, status=BEFORE, wake_at=OVER)


def test_the_time_of_progress_waits_with_them():
    assert Holdback().held(seen(), RENEWED, NOW) == replace(RENEWED, status=BEFORE, wake_at=OVER)


def test_they_wait_no_longer_than_from_the_first():
    holdback = Holdback()
    first, again = holdback.held(seen(), MORE, NOW), holdback.held(seen(), RENEWED, LATER)
    assert (first.wake_at, again.wake_at) == (OVER, OVER)
    assert holdback.held(seen(), RENEWED, OVER) == RENEWED
    assert len(holdback) == 0


def test_an_earlier_wake_stays():
    soon = planned(MORE.status, wake_at=LATER)
    assert Holdback().held(seen(), soon, NOW).wake_at == LATER


def test_what_says_more_goes_at_once_and_takes_the_counts_along():
    holdback = Holdback()
    holdback.held(seen(), MORE, NOW)
    paused = planned(after(replicas=3, phase="Paused"))
    assert holdback.held(seen(), paused, LATER) == paused
    assert len(holdback) == 0


def test_these_go_at_once():
    available = Condition("Available", "False", "AvailableReason", "", NOW, NOW)
    stuck = Condition("Progressing", "False", "ProgressDeadlineExceeded", "", NOW, NOW)
    urgent = (
        after(message="waiting"),
        after(current_step_index=1),
        after(observed_generation="2"),
        after(stable_rs="abc"),
        after(conditions=(UNDER_WAY, available)),
        after(conditions=(stuck,)),
    )
    assert [Holdback().held(seen(), planned(status), NOW).status for status in urgent] == list(urgent)


def test_at_rest_counts_go_at_once():
    resting = after(phase="Healthy")
    newer = planned(msgspec.structs.replace(resting, available_replicas=2))
    assert Holdback().held(seen(resting), newer, NOW) == newer


def test_a_status_with_an_event_goes_at_once():
    told = planned(MORE.status, events=(Announcement("Reason", "text"),))
    assert Holdback().held(seen(), told, NOW) == told


def test_where_nothing_is_new_nothing_waits():
    holdback, same = Holdback(), planned(BEFORE)
    holdback.held(seen(), MORE, NOW)
    assert holdback.held(seen(), same, LATER) == same
    assert len(holdback) == 0


def test_who_is_gone_is_forgotten():
    holdback = Holdback()
    holdback.held(seen(), MORE, NOW)
    holdback.forget(seen().key)
    assert len(holdback) == 0
