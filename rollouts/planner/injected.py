"""What is put into a revision's pods beyond the template that people wrote: metadata by role, and anti-affinity.

Neither enters the hash, and both are taken out again before templates are compared (contract §3.11, §3.12).
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from rollouts.api import keys
from rollouts.api.meta import Json
from rollouts.api.rollout import AntiAffinity, PodTemplateMetadata, Rollout, RolloutSpec
from rollouts.api.workloads import ReplicaSet
from rollouts.planner.additions import noted, with_affinity
from rollouts.planner.snapshot import Snapshot, hash_of

HOSTNAME: Final = "kubernetes.io/hostname"
REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED: Final = "preferredDuringSchedulingIgnoredDuringExecution"
NONE: Final = PodTemplateMetadata()


class Roles(NamedTuple):
    """Metadata of pods under test, and of those that users rely on."""

    fresh: PodTemplateMetadata
    settled: PodTemplateMetadata


def roles_of(snapshot: Snapshot) -> Roles:
    """What the strategy wants for each role."""
    return _roles(snapshot.spec)


def _roles(spec: RolloutSpec) -> Roles:
    canary, other = spec.strategy.canary, spec.strategy.blue_green
    if other is not None:
        return Roles(other.preview_metadata or NONE, other.active_metadata or NONE)
    return Roles(canary.canary_metadata or NONE, canary.stable_metadata or NONE) if canary else Roles(NONE, NONE)


def wants_metadata(spec: RolloutSpec, sets: Iterable[ReplicaSet]) -> bool:
    """The strategy names metadata, or some is left from one that did."""
    noted = any(keys.EPHEMERAL_METADATA in found.metadata.annotations for found in sets)
    return noted or any(part.labels or part.annotations for part in _roles(spec))


def is_restarting(spec: RolloutSpec, rollout: Rollout) -> bool:
    """A restart is asked for and not done."""
    return spec.restart_at is not None and spec.restart_at != rollout.status.restarted_at


def metadata_of(snapshot: Snapshot, revision: ReplicaSet, stable_hash: str) -> PodTemplateMetadata:
    """What the pods of *revision* should carry now: none, once it is neither canary nor stable."""
    fresh, settled = roles_of(snapshot)
    if hash_of(revision) == stable_hash or (stable_hash == "" and revision is snapshot.canary):
        return settled
    return fresh if revision is snapshot.canary else NONE


def injected_at_birth(snapshot: Snapshot, template: Json) -> tuple[Json, dict[str, str]]:
    """*template* with what the revision starts with, and the note of it for the ReplicaSet's annotations."""
    fresh, settled = roles_of(snapshot)
    wanted = fresh if snapshot.stable is not None else settled
    term = affinity_term(snapshot, snapshot.hash)
    template = with_affinity(template, term) if term else template
    if not (wanted.labels or wanted.annotations):
        return template, {}
    metadata = template.get("metadata") or {}
    parts = {
        "labels": {**(metadata.get("labels") or {}), **wanted.labels},
        "annotations": {**(metadata.get("annotations") or {}), **wanted.annotations},
    }
    return {**template, "metadata": {**metadata, **parts}}, {keys.EPHEMERAL_METADATA: noted(wanted)}


def affinity_term(snapshot: Snapshot, own_hash: str) -> Json | None:
    """The anti-affinity term that keeps pods of *own_hash* off nodes of the stable pods; None when none is wanted."""
    wanted, stable = _anti_affinity(snapshot), snapshot.status.stable_rs
    if wanted is None or not stable or stable == own_hash:
        return None
    selector = {"matchExpressions": [{"key": keys.HASH_LABEL, "operator": "In", "values": [stable]}]}
    term = {"labelSelector": selector, "namespaces": [snapshot.key.namespace], "topologyKey": HOSTNAME}
    preferred = wanted.preferred_during_scheduling_ignored_during_execution
    if preferred is not None:
        return {PREFERRED: {"weight": preferred.weight, "podAffinityTerm": term}}
    return {REQUIRED: term}


def _anti_affinity(snapshot: Snapshot) -> AntiAffinity | None:
    other = snapshot.spec.strategy.blue_green
    return other.anti_affinity if other is not None else snapshot.strategy.anti_affinity
