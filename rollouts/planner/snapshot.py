"""Everything one decision may know, read at one moment; and what follows from it without deciding anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from analysis.templates import Flattened
from rollouts.api import keys
from rollouts.api.analysis import AnalysisRun
from rollouts.api.meta import Json, Key, Metadata
from rollouts.api.model import Problem
from rollouts.api.rollout import CanaryStrategy, Rollout, RolloutSpec, RolloutStatus
from rollouts.api.workloads import Pod, PodDisruptionBudget, ReplicaSet, Service, Workload
from rollouts.planner.actions import Target
from rollouts.planner.additions import as_written
from rollouts.planner.arithmetic import Limits
from rollouts.planner.neighbours import Neighbour
from rollouts.planner.ordinals import Ordinals
from rollouts.steps.base import BoundStep
from rollouts.wire.durations import parse_rfc3339
from rollouts.wire.intorstring import resolve_fenceposts
from rollouts.wire.templates import same_template, without_hash_label
from trafficrouters.base import BoundRouter, Observed


@dataclass(frozen=True)
class Snapshot:
    """One Rollout and all it refers to.

    *template* and *selector* are those in force (of the workload, if there is a workloadRef); *hash* is the template's.
    *replica_sets* are those this Rollout controls. *endpoints*: names of ready pods behind each Service.
    *analyses*: flattened templates by the field path of the analysis that names them. *background* likewise "".
    *orphans*: ReplicaSets of our selector that nobody controls.
    *ordinals*: the StatefulSet that workloadRef names, if it names one; *replica_sets* then stand for its revisions.
    *autoscaler*: the HorizontalPodAutoscaler of a Deployment that is to give its pods up.
    *overlaps*: the oldest other Rollouts whose pods *selector* selects too.
    *abandoned*: Services that are marked as this Rollout's and that it does not name.
    *pods*: those of each ReplicaSet by its uid, only where a restart or metadata asks for them. *budgets*: of the
    namespace, only for a restart.
    *taken*: another's ReplicaSet stands under the name ours would have; *taken_runs*: names that ours could have had.
    """

    rollout: Rollout
    spec: RolloutSpec
    template: Json
    selector: Json
    hash: str
    step_hash: str
    problems: tuple[Problem, ...] = ()
    replica_sets: tuple[ReplicaSet, ...] = ()
    orphans: tuple[ReplicaSet, ...] = ()
    taken: ReplicaSet | None = None
    services: Mapping[str, Service] = field(default_factory=dict)
    abandoned: tuple[Service, ...] = ()
    endpoints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    steps: tuple[BoundStep, ...] = ()
    routers: tuple[BoundRouter[Any], ...] = ()
    routes: Observed = field(default_factory=dict)
    runs: tuple[AnalysisRun, ...] = ()
    analyses: Mapping[str, Flattened] = field(default_factory=dict)
    taken_runs: frozenset[str] = frozenset()
    workload: Workload | None = None
    autoscaler: str = ""
    overlaps: tuple[Neighbour, ...] = ()
    pods: Mapping[str, tuple[Pod, ...]] = field(default_factory=dict)
    budgets: tuple[PodDisruptionBudget, ...] = ()
    ordinals: Ordinals | None = None
    instance_id: str = ""

    @property
    def key(self) -> Key:
        """The Rollout's namespace and name."""
        return self.rollout.metadata.key

    @property
    def status(self) -> RolloutStatus:
        """The status as it was: what is decided now is the Draft's."""
        return self.rollout.status

    @property
    def strategy(self) -> CanaryStrategy:
        """The canary strategy, or its defaults where there is none."""
        return self.spec.strategy.canary or CanaryStrategy()

    @property
    def replicas(self) -> int:
        """How many pods are wanted in all; of a StatefulSet, by its own word."""
        if self.ordinals is not None:
            return self.ordinals.replicas
        return 1 if self.spec.replicas is None else self.spec.replicas

    @property
    def total(self) -> int:
        """The weight that means everything."""
        return self.strategy.total_weight

    @cached_property
    def limits(self) -> Limits:
        """How far a basic canary may go above and below `spec.replicas`."""
        surge, unavailable = resolve_fenceposts(self.strategy.max_surge, self.strategy.max_unavailable, self.replicas)
        return Limits(self.replicas, surge, min(unavailable, self.replicas))

    @cached_property
    def canary(self) -> ReplicaSet | None:
        """The ReplicaSet of the template in force: by hash, else the oldest of equal template (contract §1.7)."""
        by_hash = next((rs for rs in self.replica_sets if hash_of(rs) == self.hash), None)
        return by_hash or self._adopted

    @property
    def _adopted(self) -> ReplicaSet | None:
        # A controller with another hash made it. Without this rule a change of controller restarts every workload.
        wanted = self.template
        oldest_first = sorted(self.replica_sets, key=created)
        return next((rs for rs in oldest_first if same_template(plain_template(rs), wanted)), None)

    @property
    def canary_hash(self) -> str:
        """The canary's label; the computed hash while there is no such ReplicaSet."""
        return hash_of(self.canary) if self.canary else self.hash

    @cached_property
    def stable(self) -> ReplicaSet | None:
        """The ReplicaSet last promoted; the same as `canary` between releases."""
        return self.of_hash(self.status.stable_rs)

    @cached_property
    def others(self) -> tuple[ReplicaSet, ...]:
        """All ReplicaSets that are neither canary nor stable."""
        known = {rs.metadata.uid for rs in (self.canary, self.stable) if rs}
        return tuple(rs for rs in self.replica_sets if rs.metadata.uid not in known)

    @property
    def older(self) -> tuple[ReplicaSet, ...]:
        """All ReplicaSets but the canary."""
        return tuple(rs for rs in self.replica_sets if rs is not self.canary)

    def of_hash(self, wanted: str) -> ReplicaSet | None:
        """The ReplicaSet whose label is *wanted*; None for ""."""
        return next((rs for rs in self.replica_sets if wanted and hash_of(rs) == wanted), None)

    @property
    def revision(self) -> int:
        """The Rollout's own revision annotation; 0 before the first."""
        return revision_of(self.rollout.metadata)

    def ready_pods(self, service: str, revision: ReplicaSet | None) -> int:
        """How many ready endpoints of *service* are pods of *revision*: by the names its pods have.

        A StatefulSet uses names again, in every revision: there the pods' labels tell.
        """
        if revision is None:
            return 0
        if self.ordinals is not None:
            own = {pod.metadata.name for pod in self.ordinals.of_revision(hash_of(revision))}
            return sum(1 for pod in self.endpoints.get(service, ()) if pod in own)
        prefix = pod_prefix(revision)
        return sum(1 for pod in self.endpoints.get(service, ()) if pod.startswith(prefix))

    def foreign_pods(self, service: str, revision: ReplicaSet | None) -> int:
        """How many ready endpoints of *service* are not pods of *revision*."""
        return len(self.endpoints.get(service, ())) - self.ready_pods(service, revision)


def pod_prefix(revision: ReplicaSet) -> str:
    """How names of its pods begin: the API server cuts a generated name's base to 58 characters."""
    return f"{revision.metadata.name}-"[:58]


def hash_of(revision: ReplicaSet) -> str:
    """The ReplicaSet's hash label."""
    return revision.metadata.labels.get(keys.HASH_LABEL, "")


def revision_of(metadata: Metadata) -> int:
    """The revision annotation as a number; 0 when absent or nonsense."""
    text = metadata.annotations.get(keys.REVISION, "0")
    return int(text) if text.isascii() and text.isdigit() else 0


def created(revision: ReplicaSet) -> tuple[str, str]:
    """Sorts ReplicaSets oldest first."""
    at = revision.metadata.creation_timestamp
    return (at.isoformat() if at else "", revision.metadata.name)


def deadline_of(revision: ReplicaSet) -> datetime | None:
    """When the ReplicaSet may be scaled down; None when it is not waiting for that, or the text does not parse."""
    text = revision.metadata.annotations.get(keys.SCALE_DOWN_DEADLINE, "")
    try:
        return parse_rfc3339(text) if text else None
    except ValueError:
        return None


def has_deadline(revision: ReplicaSet) -> bool:
    """A scale-down deadline is annotated."""
    return keys.SCALE_DOWN_DEADLINE in revision.metadata.annotations


def plain_template(revision: ReplicaSet) -> Json:
    """The ReplicaSet's template as the user wrote it: without the hash label and what else was added."""
    return as_written(revision, without_hash_label(revision.spec.template))


def is_deleting(revision: ReplicaSet) -> bool:
    """Somebody deleted the ReplicaSet."""
    return revision.metadata.deletion_timestamp is not None


def available(revision: ReplicaSet | None) -> int:
    """Its available pods, without those it was already told to give up, which are still reported for a while."""
    return min(revision.spec.replicas, revision.status.available_replicas) if revision else 0


def is_available(revision: ReplicaSet | None) -> bool:
    """All wanted pods are available, and at least one is wanted."""
    return revision is not None and 0 < revision.spec.replicas <= revision.status.available_replicas


def target(metadata: Metadata) -> Target:
    """The object as seen, as the precondition of a write."""
    return Target(metadata.key, metadata.uid, metadata.resource_version)
