"""Old ReplicaSets beyond the history limit go, once they are empty, and their AnalysisRuns with them."""

from datetime import datetime

from rollouts.api.keys import HASH_LABEL
from rollouts.api.workloads import ReplicaSet
from rollouts.planner.actions import DeleteAnalysisRun, DeleteReplicaSet
from rollouts.planner.draft import Draft
from rollouts.planner.snapshot import Snapshot, created, hash_of, is_deleting, target

STAGE = "trim_history"


def trim_history(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Delete the oldest of the others, beyond `revisionHistoryLimit`."""
    _ = now
    kept = [rs for rs in snapshot.others if not is_deleting(rs)]
    surplus = len(kept) - snapshot.spec.revision_history_limit
    if surplus <= 0:
        return draft
    for revision in sorted(kept, key=created)[:surplus]:
        if _is_empty(revision):
            draft = _delete(snapshot, draft, revision)
    return draft


def _is_empty(revision: ReplicaSet) -> bool:
    seen = revision.status.observed_generation >= revision.metadata.generation
    return seen and revision.spec.replicas == 0 and revision.status.replicas == 0


def _delete(snapshot: Snapshot, draft: Draft, revision: ReplicaSet) -> Draft:
    why = f"history keeps {snapshot.spec.revision_history_limit} old revisions"
    runs = [run for run in snapshot.runs if run.metadata.labels.get(HASH_LABEL) == hash_of(revision)]
    draft = draft.act(DeleteReplicaSet(target(revision.metadata), why), stage=STAGE)
    return draft.act(*(DeleteAnalysisRun(target(run.metadata), why) for run in runs), stage=STAGE)
