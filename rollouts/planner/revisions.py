"""Revisions of a StatefulSet in the form that stages read: as ReplicaSets that exist nowhere and are never written.

Each has the ControllerRevision's name as its name and hash, its number as its revision, and the pods that carry the
label `controller-revision-hash` of that name as its pods.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from rollouts.api import keys
from rollouts.api.meta import Metadata
from rollouts.api.rollout import RolloutStatus
from rollouts.api.workloads import ControllerRevision, Pod, ReplicaSet, ReplicaSetSpec, ReplicaSetStatus
from rollouts.planner.ordinals import Ordinals, revision_of
from rollouts.planner.snapshot import Snapshot


def presented(ordinals: Ordinals, status: RolloutStatus, now: datetime | None = None) -> tuple[ReplicaSet, ...]:
    """Every revision there is or that *status* speaks of; pods count as available by *now*, if it is given."""
    known = {found.metadata.name: found for found in ordinals.revisions}
    return tuple(
        _presented(ordinals, name, known.get(name), status, now)
        for name in sorted({*known, *_mentioned(ordinals, status)})
    )


def seen_at(snapshot: Snapshot, now: datetime) -> Snapshot:
    """*snapshot* with pods that are available at *now*: only then minReadySeconds count."""
    if snapshot.ordinals is None:
        return snapshot
    return replace(snapshot, replica_sets=presented(snapshot.ordinals, snapshot.status, now))


def newest(ordinals: Ordinals, status: RolloutStatus) -> str:
    """The revision of the template in force, as far as the StatefulSet controller has seen it."""
    if ordinals.is_observed or not status.current_pod_hash:
        return ordinals.stateful_set.status.update_revision
    return status.current_pod_hash


def _mentioned(ordinals: Ordinals, status: RolloutStatus) -> Iterator[str]:
    found = ordinals.stateful_set.status
    names = (found.current_revision, found.update_revision, status.stable_rs, status.current_pod_hash)
    return (name for name in (*names, *map(revision_of, ordinals.pods)) if name)


def _presented(
    ordinals: Ordinals, name: str, known: ControllerRevision | None, status: RolloutStatus, now: datetime | None
) -> ReplicaSet:
    metadata = known.metadata if known else Metadata(namespace=ordinals.stateful_set.metadata.namespace, uid=name)
    pods = tuple(ordinals.of_revision(name))
    return ReplicaSet(
        Metadata(
            name=name,
            namespace=metadata.namespace,
            uid=metadata.uid,
            creation_timestamp=metadata.creation_timestamp,
            labels={keys.HASH_LABEL: name},
            annotations={keys.REVISION: str(known.revision if known else 0), **_serving(name, status)},
        ),
        ReplicaSetSpec(replicas=len(pods)),
        ReplicaSetStatus(
            replicas=len(pods),
            ready_replicas=sum(pod.is_ready for pod in pods),
            available_replicas=_available(ordinals, pods, now),
        ),
    )


def _available(ordinals: Ordinals, pods: tuple[Pod, ...], now: datetime | None) -> int:
    return sum(ordinals.is_available(pod, now) for pod in pods)


def _serving(name: str, status: RolloutStatus) -> dict[str, str]:
    revision, _, serving = (status.partition.serving if status.partition else "").partition(" ")
    return {keys.SERVING: serving} if revision == name else {}
