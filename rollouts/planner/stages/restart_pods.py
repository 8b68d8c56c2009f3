"""spec.restartAt: pods made before that time go, a few at a time, by eviction (contract §3.10)."""

from datetime import datetime, timedelta
from typing import Final

from rollouts.api.workloads import Pod, ReplicaSet
from rollouts.planner.actions import EvictPod
from rollouts.planner.bluegreen import strategy_of
from rollouts.planner.draft import Draft, Extent
from rollouts.planner.evicting import refusal_by
from rollouts.planner.snapshot import Snapshot, created, target
from rollouts.wire.durations import rfc3339
from rollouts.wire.intorstring import resolve

STAGE: Final = "restart_pods"
# Budgets and pods that come up wake nobody here; ReplicaSets that count them do.
AGAIN: Final = timedelta(seconds=30)


def restart_pods(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Evict as many old pods as availability and PodDisruptionBudgets allow."""
    at = snapshot.spec.restart_at
    if at is None or draft.status.restarted_at == at:
        return draft
    if now < at:
        return draft.say(STAGE, "wait", f"pods restart at {rfc3339(at)}").wake(at)
    old = [pod for revision in _ordered(snapshot) for pod in _older(snapshot, revision, at)]
    if not old:
        text = f"every pod is younger than restartAt {rfc3339(at)}"
        return draft.with_status(restarted_at=at).say(STAGE, "act", text)
    draft = draft.wake(now + AGAIN)
    room = _room(snapshot)
    if room <= 0:
        return draft.say(STAGE, "wait", f"{len(old)} pods are to restart once all others are available")
    return _evicted(snapshot, draft, old, room)


def _ordered(snapshot: Snapshot) -> list[ReplicaSet]:
    first = [rs for rs in (snapshot.stable, snapshot.canary) if rs is not None]
    return [*{rs.metadata.uid: rs for rs in first}.values(), *sorted(snapshot.others, key=created)]


def _older(snapshot: Snapshot, revision: ReplicaSet, at: datetime) -> list[Pod]:
    found = snapshot.pods.get(revision.metadata.uid, ())
    aged = [pod for pod in found if not pod.is_deleting and (pod.metadata.creation_timestamp or at) < at]
    return sorted(aged, key=lambda pod: pod.metadata.name)


def _room(snapshot: Snapshot) -> int:
    """How many pods may be missing now."""
    every = snapshot.replica_sets
    have = sum(rs.status.available_replicas for rs in every)
    wanted = max(snapshot.replicas, sum(rs.spec.replicas for rs in every))
    return have - (wanted - max(_unavailable(snapshot), 1))


def _unavailable(snapshot: Snapshot) -> int:
    other = strategy_of(snapshot)
    if other is None:
        return snapshot.limits.unavailable
    return min(snapshot.replicas, resolve(other.max_unavailable, snapshot.replicas, round_up=False))


def _evicted(snapshot: Snapshot, draft: Draft, old: list[Pod], room: int) -> Draft:
    for pod in old[:room]:
        refused = refusal_by(snapshot.budgets, pod)
        if refused:
            draft = draft.say(STAGE, "wait", f"{pod.metadata.name} stays for now: {refused}")
            continue
        draft = draft.act(EvictPod(target(pod.metadata), f"{pod.metadata.name} restarts"), stage=STAGE)
    evicts = any(isinstance(action, EvictPod) for action in draft.actions)
    if not evicts or strategy_of(snapshot) is not None:
        return draft
    # What was counted is no longer so: the next pass counts anew.
    return draft.stop("pods restart", Extent.NOTHING)
