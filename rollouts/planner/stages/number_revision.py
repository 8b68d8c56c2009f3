"""The Rollout carries the number of the newest revision, where clients look for it."""

from datetime import datetime
from typing import Final

from rollouts.api import events, keys
from rollouts.planner.actions import Announcement, EditRollout
from rollouts.planner.draft import Draft
from rollouts.planner.snapshot import Snapshot, revision_of, target

STAGE: Final = "number_revision"


def number_revision(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Write the number that the ControllerRevision has."""
    _ = now
    number = revision_of(snapshot.canary.metadata) if snapshot.canary else 0
    if not number or snapshot.rollout.metadata.annotations.get(keys.REVISION) == str(number):
        return draft
    said = Announcement(events.ROLLOUT_UPDATED, events.updated(number))
    patch = {"metadata": {"annotations": {keys.REVISION: str(number)}}}
    write = EditRollout(target(snapshot.rollout.metadata), patch, f"this is revision {number}", (said,))
    return draft.act(write, stage=STAGE)
