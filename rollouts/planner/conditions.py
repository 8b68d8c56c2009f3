"""The list of conditions as a value: how one is set, kept or replaced (contract §2.4)."""

from collections.abc import Iterable
from datetime import datetime

from rollouts.api.meta import Condition

Conditions = tuple[Condition, ...]


def get(conditions: Iterable[Condition], kind: str) -> Condition | None:
    """The condition of type *kind*."""
    return next((condition for condition in conditions if condition.type == kind), None)


def without(conditions: Iterable[Condition], kind: str) -> Conditions:
    """All conditions but the one of type *kind*."""
    return tuple(condition for condition in conditions if condition.type != kind)


def put(conditions: Conditions, wanted: Condition, now: datetime) -> Conditions:
    """Set *wanted* at *now*; nothing changes while status and reason stay the same, whatever the message.

    A replaced condition moves to the end; its transition time stays if its status does.
    """
    old = get(conditions, wanted.type)
    if old and (old.status, old.reason) == (wanted.status, wanted.reason):
        return conditions
    return renew(conditions, wanted, now)


def renew(conditions: Conditions, wanted: Condition, now: datetime) -> Conditions:
    """Set *wanted* at *now* even if status and reason stay the same: the progress it tells of is new."""
    old = get(conditions, wanted.type)
    since = old.last_transition_time if old and old.status == wanted.status else now
    stamped = Condition(wanted.type, wanted.status, wanted.reason, wanted.message, now, since)
    return (*without(conditions, wanted.type), stamped)


def is_set(conditions: Iterable[Condition], kind: str, status: str = "True") -> bool:
    """There is a condition of type *kind* with *status*."""
    found = get(conditions, kind)
    return found is not None and found.status == status
