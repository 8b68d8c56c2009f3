"""Returns to what was good a short while ago: steps, pauses and analyses are left out (contract §3.9)."""

from rollouts.api import keys
from rollouts.api.workloads import ReplicaSet
from rollouts.planner.draft import Draft
from rollouts.planner.snapshot import Snapshot


def is_within_window(snapshot: Snapshot, draft: Draft) -> bool:
    """The template is that of an older revision, not more than `rollbackWindow.revisions` back.

    Ours: a revision whose release was aborted is no such target, since nobody knows that it was good.
    """
    window, canary, stable = snapshot.spec.rollback_window, snapshot.canary, snapshot.stable
    if window is None or canary is None or stable is None or canary is stable or draft.is_aborted:
        return False
    if keys.ABORTED in canary.metadata.annotations or not _is_older(canary, stable):
        return False
    between = sum(_is_older(canary, rs) and _is_older(rs, stable) for rs in snapshot.replica_sets)
    return between < window.revisions


def _is_older(one: ReplicaSet, other: ReplicaSet) -> bool:
    """By dates alone: of one second, nobody knows which came first, so neither is a return to the other."""
    mine, its = one.metadata.creation_timestamp, other.metadata.creation_timestamp
    return mine is not None and its is not None and mine < its
