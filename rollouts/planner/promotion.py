"""What a promotion is, whatever the strategy: the newest revision is the stable one, and nothing waits any more."""

from rollouts.api import reasons
from rollouts.planner.actions import Announcement
from rollouts.planner.draft import Draft
from rollouts.planner.snapshot import Snapshot, revision_of


def promoted(snapshot: Snapshot, draft: Draft, why: str, *, stage: str) -> Draft:
    """Make the newest revision stable; told where it was not that before."""
    changed = draft.status.stable_rs != draft.status.current_pod_hash
    draft = draft.pausing(clear_all=True, clear_abort=True).with_status(
        stable_rs=draft.status.current_pod_hash,
        promote_full=False,
        current_step_index=len(snapshot.steps) if snapshot.steps else None,
    )
    if not changed or snapshot.canary is None:
        return draft
    revision = revision_of(snapshot.canary.metadata)
    text = f"Rollout completed update to revision {revision} ({draft.status.stable_rs}): {why}"
    return draft.announce(Announcement(reasons.ROLLOUT_COMPLETED, text)).say(stage, "act", text)
