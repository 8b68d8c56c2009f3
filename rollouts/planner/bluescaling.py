"""Sizes of a blue-green release: both sides whole, the preview smaller if asked for, old ones after a delay (§4)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from rollouts.api import keys, reasons
from rollouts.api.rollout import BlueGreenStrategy
from rollouts.api.workloads import ReplicaSet
from rollouts.planner.arithmetic import aborted_count
from rollouts.planner.bluegreen import active_hash, carries_users, preview_size, selected, strategy_of
from rollouts.planner.draft import Draft
from rollouts.planner.scaling import Delay, Resize, after_delay, newest_first, pending, write
from rollouts.planner.serving import HANDOVER
from rollouts.planner.snapshot import Snapshot, available, deadline_of, hash_of
from rollouts.wire.durations import rfc3339


def side_sizes(snapshot: Snapshot, draft: Draft, now: datetime, *, stage: str) -> Draft:
    """Bring every ReplicaSet to the size it should have."""
    strategy = strategy_of(snapshot)
    if strategy is None:
        return draft
    stable, preview = snapshot.stable, snapshot.canary
    if stable is not None and stable is not preview:
        change = Resize(stable, snapshot.replicas, "it is the stable revision", None)
        draft = write(snapshot, draft, change, stage)
    if preview is not None:
        change = _preview(snapshot, draft, preview, now)
        draft = write(snapshot, draft, change, stage).wake(pending(change, now))
    return _old_ones(snapshot, draft, strategy, now, stage)


def _preview(snapshot: Snapshot, draft: Draft, preview: ReplicaSet, now: datetime) -> Resize:
    wanted = preview_size(snapshot, draft)
    if draft.is_aborted and preview is not snapshot.stable:
        return _aborted(snapshot, preview, wanted, now)
    is_small = wanted < snapshot.replicas
    because = f"a preview of {wanted} pods is wanted" if is_small else f"{wanted} pods are wanted"
    # Its deadline is what tells a return to it from a release, so it stays until that return is promoted.
    at = deadline_of(preview)
    keeps = at is not None and now <= at and not draft.is_promoted and keys.ABORTED not in preview.metadata.annotations
    return Resize(preview, wanted, because, "" if keeps else None)


def _aborted(snapshot: Snapshot, preview: ReplicaSet, wanted: int, now: datetime) -> Resize:
    """The preview after an abort: it stays until users have left it, stable is whole and its delay is over."""
    strategy = strategy_of(snapshot)
    delay = strategy.abort_scale_down_delay if strategy else None
    size = preview.spec.replicas
    if delay is None:
        return Resize(preview, wanted, "abortScaleDownDelaySeconds is 0: it stays", None)
    have = available(snapshot.stable)
    if carries_users(snapshot, preview):
        return Resize(preview, size, "users are still led to it", None)
    at = deadline_of(preview)
    # Seen as aborted before: then the deadline is the abort's, also if Argo Rollouts wrote it. Else it is a return's.
    if at is not None and (keys.ABORTED in preview.metadata.annotations or snapshot.status.aborted_at is not None):
        left = aborted_count(size, is_expired=now > at)
        why = f"aborted: stays until {rfc3339(at)}" if left else "aborted, and its delay is over"
        return Resize(preview, left, why)
    if size == 0:
        return Resize(preview, 0, "aborted", None)
    if have < snapshot.replicas:
        return Resize(preview, size, f"stable has {have} of {snapshot.replicas} pods", None)
    return Resize(preview, size, "aborted: its delay begins", rfc3339(now + max(delay, HANDOVER)))


def _old_ones(snapshot: Snapshot, draft: Draft, strategy: BlueGreenStrategy, now: datetime, stage: str) -> Draft:
    """What is neither active, preview nor stable; nothing goes while it is open whether the release is good."""
    if _is_open(draft, strategy):
        return draft
    delay = Delay(max(strategy.scale_down_delay, HANDOVER), strategy.scale_down_delay_revision_limit)
    for revision in _unreferenced(snapshot, draft, strategy):
        change = after_delay(revision, _kept(snapshot, revision), delay, now)
        if delay.limit is not None and delay.taken >= delay.limit:
            change = _beyond(revision, delay.limit, now)
        delay = replace(delay, taken=delay.taken + (change.replicas > 0))
        draft = write(snapshot, draft, change, stage).wake(pending(change, now))
    return draft


def _beyond(revision: ReplicaSet, limit: int, now: datetime) -> Resize:
    """One revision too many stays only as long as proxies need to leave it."""
    size, at = revision.spec.replicas, deadline_of(revision)
    if at is None:
        return Resize(revision, size, "requests on their way end first", rfc3339(now + HANDOVER))
    if now <= at <= now + HANDOVER:
        return Resize(revision, size, f"stays until {rfc3339(at)}")
    return Resize(revision, 0, f"{limit} old revisions keep their pods", None)


def _is_open(draft: Draft, strategy: BlueGreenStrategy) -> bool:
    if any(p.reason == reasons.INCONCLUSIVE_ANALYSIS_RUN for p in draft.status.pause_conditions):
        return True
    post = draft.status.blue_green.post_promotion_analysis_run_status
    running = post is not None and post.status in {"", "Pending", "Running"}
    return strategy.scale_down_delay_seconds is None and running


def _unreferenced(snapshot: Snapshot, draft: Draft, strategy: BlueGreenStrategy) -> Iterator[ReplicaSet]:
    known = {
        draft.status.stable_rs,
        draft.status.current_pod_hash,
        active_hash(snapshot),
        selected(snapshot, strategy.preview_service),
    }
    for revision in newest_first(snapshot.others):
        empty = revision.spec.replicas == 0 or hash_of(revision) in known
        if not empty and not carries_users(snapshot, revision):
            yield revision


def _kept(snapshot: Snapshot, revision: ReplicaSet) -> int:
    """A whole revision follows `spec.replicas`, to be whole when one returns to it; a small preview stays small."""
    size = revision.spec.replicas
    was_whole = revision.metadata.annotations.get(keys.DESIRED_REPLICAS) == str(size)
    return snapshot.replicas if was_whole else size
