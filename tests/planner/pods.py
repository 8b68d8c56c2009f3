"""Pods of a situation's revisions, which its ReplicaSets only count; and the ages of these."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from msgspec import structs

from rollouts.api import keys
from rollouts.api.meta import Metadata
from rollouts.api.workloads import Pod, PodDisruptionBudget, ReplicaSet
from rollouts.planner.snapshot import Snapshot
from rollouts.wire.decode import decode
from tests.given import HASHES, LONG_AGO, Given


def pod(name: str, made: datetime = LONG_AGO, **labels: str) -> Pod:
    """A pod that is ready."""
    metadata = {"name": name, "namespace": "default", "uid": name, "labels": labels}
    conditions = [{"type": "Ready", "status": "True"}]
    found = decode(Pod, {"metadata": metadata, "status": {"phase": "Running", "conditions": conditions}})
    return structs.replace(found, metadata=structs.replace(found.metadata, creation_timestamp=made))


def going(found: Pod) -> Pod:
    """The same, deleted already."""
    return structs.replace(found, metadata=structs.replace(found.metadata, deletion_timestamp=LONG_AGO))


def of(situation: Given, **pods: tuple[Pod, ...]) -> Snapshot:
    """The situation with pods by role."""
    snapshot = situation.snapshot
    owned = ((snapshot.of_hash(HASHES[role]), found) for role, found in pods.items())
    return replace(snapshot, pods={rs.metadata.uid: found for rs, found in owned if rs})


def born(snapshot: Snapshot, ages: Mapping[str, int]) -> Snapshot:
    """The ReplicaSets with ages in minutes, greater is older."""
    made = []
    for found in snapshot.replica_sets:
        role = next(role for role, pod_hash in HASHES.items() if found.metadata.name.endswith(pod_hash))
        at = LONG_AGO - timedelta(minutes=ages[role])
        made.append(structs.replace(found, metadata=structs.replace(found.metadata, creation_timestamp=at)))
    return replace(snapshot, replica_sets=tuple(made))


def budget(allowed: int, **selector: str) -> PodDisruptionBudget:
    """A PodDisruptionBudget that allows so many."""
    spec = {"selector": {"matchLabels": selector}}
    counts = {"disruptionsAllowed": allowed, "currentHealthy": 4, "desiredHealthy": 4 - allowed, "expectedPods": 4}
    return decode(PodDisruptionBudget, {"metadata": {"name": "web"}, "spec": spec, "status": counts})


def injecting(snapshot: Snapshot, role: str, note: str, **template: Any) -> Snapshot:
    """The snapshot whose ReplicaSet of *role* has *note* of what was injected, and *template* merged in."""

    def changed(found: ReplicaSet) -> ReplicaSet:
        if found.metadata.labels[keys.HASH_LABEL] != HASHES[role]:
            return found
        annotations = {**found.metadata.annotations, **({keys.EPHEMERAL_METADATA: note} if note else {})}
        metadata: Metadata = structs.replace(found.metadata, annotations=annotations)
        merged = {name: _merged(found.spec.template.get(name) or {}, part) for name, part in template.items()}
        spec = structs.replace(found.spec, template={**found.spec.template, **merged})
        return structs.replace(found, metadata=metadata, spec=spec)

    return replace(snapshot, replica_sets=tuple(changed(found) for found in snapshot.replica_sets))


def _merged(has: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    both = {k: {**has[k], **v} if isinstance(has.get(k), dict) and isinstance(v, dict) else v for k, v in part.items()}
    return {**has, **both}
