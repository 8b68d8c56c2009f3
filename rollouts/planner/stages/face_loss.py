"""Kubernetes made the new revision current before it was promoted: pods can no longer come back in the old one.

`status.currentRevision` of a StatefulSet is all that remembers the old revision. It moves on when every pod is new and
ready, and when there are no pods at all (kubernetes/kubernetes#121534).
"""

from datetime import datetime
from typing import Final

from rollouts.api import reasons
from rollouts.api.meta import Condition
from rollouts.planner.actions import Announcement
from rollouts.planner.conditions import get, put, without
from rollouts.planner.draft import Draft
from rollouts.planner.ordinals import Ordinals
from rollouts.planner.partition import keeping
from rollouts.planner.snapshot import Snapshot

STAGE: Final = "face_loss"


def face_loss(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Abort where the old revision was lost, and say what a person can do; begin anew from what is there."""
    ordinals = snapshot.ordinals
    if ordinals is None or not ordinals.is_observed:
        return draft
    current = ordinals.stateful_set.status.current_revision
    if _begins(snapshot) and current not in {draft.status.stable_rs, ""}:
        # Going back to the recorded revision needs no other record.
        return draft if snapshot.canary_hash == draft.status.stable_rs else draft.with_status(stable_rs=current)
    if not _is_lost(draft, ordinals, current):
        return _found(draft)
    if not ordinals.replicas:
        text = "there are no pods: Kubernetes makes the new revision current, and every pod to come will be of it"
        return draft.say(STAGE, "pass", text)
    return _lost(snapshot, draft, current, now)


def _begins(snapshot: Snapshot) -> bool:
    return snapshot.status.current_pod_hash != snapshot.canary_hash


def _is_lost(draft: Draft, ordinals: Ordinals, current: str) -> bool:
    """Unless every pod was meant to be new."""
    asked = ordinals.written == 0 and not draft.is_aborted
    return not draft.is_promoted and current != draft.status.stable_rs and not asked and not draft.status.promote_full


def _lost(snapshot: Snapshot, draft: Draft, current: str, now: datetime) -> Draft:
    kind = reasons.REVISION_LOST
    text = (
        f"StatefulSet {snapshot.ordinals.stateful_set.metadata.name if snapshot.ordinals else ''} has revision "
        f"{current} as its current one, though it was not promoted: pods cannot return to {draft.status.stable_rs} "
        "by themselves; bring back the old template, or promote in full to keep the new one"
    )
    news = get(draft.status.conditions, kind) is None
    stamped = put(draft.status.conditions, Condition(kind, "True", kind, text), now.replace(microsecond=0))
    draft = keeping(draft, lost=current).with_status(conditions=stamped).say(STAGE, "refuse", text)
    if news:
        draft = draft.announce(Announcement(kind, text, is_warning=True))
    return draft if draft.is_aborted else draft.pausing(abort=text)


def _found(draft: Draft) -> Draft:
    if get(draft.status.conditions, reasons.REVISION_LOST) is None:
        return draft
    return keeping(draft, lost="").with_status(conditions=without(draft.status.conditions, reasons.REVISION_LOST))
