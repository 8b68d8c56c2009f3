"""A selector that selects another Rollout's pods: a condition and one Event say so, and the release goes on."""

from datetime import datetime, timedelta
from typing import Final

from rollouts.api import reasons
from rollouts.api.meta import Condition
from rollouts.api.rollout import LabelSelector
from rollouts.planner.actions import Announcement
from rollouts.planner.bluegreen import strategy_of
from rollouts.planner.conditions import Conditions, get, renew, without
from rollouts.planner.draft import Draft
from rollouts.planner.neighbours import NAMED, Neighbour
from rollouts.planner.snapshot import Snapshot
from rollouts.planner.tally import selector_text

STAGE: Final = "conclude"
KIND: Final = reasons.SELECTOR_OVERLAP
# What is applied together is seen one by one: it is told of at once. Times of creation have no fractions.
SETTLED: Final = timedelta(seconds=2)
# A selector may be of any length, and an Event is to be read.
LONGEST: Final = 200


def told(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Condition SelectorOverlap while there are such Rollouts, and one Event with each new text."""
    seen = tuple(one for one in snapshot.overlaps if _settled_at(snapshot, one, now) <= now)
    unseen = (_settled_at(snapshot, one, now) for one in snapshot.overlaps if one not in seen)
    draft = draft.wake(min(unseen, default=None))
    if not seen:
        return draft.with_status(conditions=without(draft.status.conditions, KIND))
    text = overlap(snapshot, seen)
    draft = draft.say(STAGE, "warn", text)
    old = get(draft.status.conditions, KIND)
    if old is not None and old.message == text:
        return draft
    wanted = Condition(KIND, "True", KIND, text)
    draft = draft.with_status(conditions=renew(draft.status.conditions, wanted, now))
    return draft.announce(Announcement(KIND, text, is_warning=True))


def kept(snapshot: Snapshot, conditions: Conditions) -> Conditions:
    """*conditions* of a Rollout that is refused: its selector waits for its turn, what is mended is not."""
    return conditions if snapshot.overlaps else without(conditions, KIND)


def _settled_at(snapshot: Snapshot, one: Neighbour, now: datetime) -> datetime:
    born = (snapshot.rollout.metadata.creation_timestamp, one.created)
    return max((at + SETTLED for at in born if at is not None), default=now)


def overlap(snapshot: Snapshot, seen: tuple[Neighbour, ...]) -> str:
    """Where the selector stands, whose pods it selects beside its own, what harm that does, and what mends it."""
    names = ", ".join(sorted(one.name for one in seen[:NAMED])) + (" and others" if len(seen) > NAMED else "")
    some = "Rollouts" if len(seen) > 1 else "Rollout"
    path, places = _places(snapshot)
    return (
        f"{path}: {_labels(snapshot)} also selects the pods of {some} {names}: {_harm(snapshot)}. Give each Rollout a "
        f"label of its own, in {places}; a selector cannot be changed, so what has the wrong one is to be deleted and "
        "created anew"
    )


def _places(snapshot: Snapshot) -> tuple[str, str]:
    """Where the selector stands, and where labels are to be written."""
    ref = snapshot.spec.workload_ref
    if ref is None:
        return "spec.selector", "spec.selector and spec.template.metadata.labels"
    lender = f"{ref.kind} {ref.name}"
    if snapshot.spec.selector is not None:
        return "spec.selector", f"spec.selector and in the template of {lender}"
    return f"spec.workloadRef: selector of {lender}", "its selector and its template"


def _harm(snapshot: Snapshot) -> str:
    reached = "Services and PodDisruptionBudgets with no more than these labels reach both"
    if strategy_of(snapshot) is not None:
        return reached
    return f"an autoscaler counts them as this Rollout's, and {reached}"


def _labels(snapshot: Snapshot) -> str:
    text = selector_text(LabelSelector.model_validate(dict(snapshot.selector)))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
