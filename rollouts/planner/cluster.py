"""What assembling a Snapshot needs of the world: objects of one moment, and a memory for what was made of them."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import NamedTuple, Protocol, TypeVar

from rollouts.api.analysis import AnalysisRun, AnalysisTemplate
from rollouts.api.autoscaling import Autoscaler
from rollouts.api.meta import Key, Kind, Object, Ref
from rollouts.api.rollout import Rollout
from rollouts.api.workloads import (
    ControllerRevision,
    Deployment,
    Pod,
    PodDisruptionBudget,
    PodTemplate,
    ReplicaSet,
    Service,
    StatefulSet,
)
from rollouts.planner.neighbours import Neighbour
from rollouts.planner.reading import Plugins, Reading

Made = TypeVar("Made")


class Cluster(Protocol):
    """Objects as they are at one moment, None or () where there is none."""

    def replica_sets(self, owner: str) -> tuple[ReplicaSet, ...]:
        """Those that the owner of that uid controls."""

    def orphans(self, namespace: str) -> tuple[ReplicaSet, ...]:
        """Those of a namespace that nobody controls."""

    def replica_set(self, key: Key) -> ReplicaSet | None:
        """Any ReplicaSet."""

    def runs(self, owner: str) -> tuple[AnalysisRun, ...]:
        """Those that the owner of that uid controls."""

    def run(self, key: Key) -> AnalysisRun | None:
        """Any AnalysisRun."""

    def service(self, key: Key) -> Service | None:
        """A Service."""

    def endpoints(self, service: Key) -> tuple[str, ...]:
        """Names of the ready pods behind a Service."""

    def deployment(self, key: Key) -> Deployment | None:
        """A Deployment."""

    def plain_replica_set(self, key: Key) -> ReplicaSet | None:
        """A ReplicaSet that neither a Rollout nor a Deployment made."""

    def pod_template(self, key: Key) -> PodTemplate | None:
        """A PodTemplate."""

    def autoscalers(self, namespace: str) -> tuple[Autoscaler, ...]:
        """Every HorizontalPodAutoscaler of a namespace."""

    def neighbours(self, rollout: Key, labels: Mapping[str, str]) -> Iterable[Neighbour]:
        """Other Rollouts of its namespace that are not being deleted, oldest first; at least all with *labels*."""

    def services_of(self, rollout: Key) -> tuple[Service, ...]:
        """Services whose annotation says that they are a Rollout's."""

    def stateful_set(self, key: Key) -> StatefulSet | None:
        """A StatefulSet."""

    def pods(self, owner: str) -> tuple[Pod, ...]:
        """Those that the owner of that uid controls."""

    def controller_revisions(self, owner: str) -> tuple[ControllerRevision, ...]:
        """Those that the owner of that uid controls."""

    def budgets(self, namespace: str) -> tuple[PodDisruptionBudget, ...]:
        """Every PodDisruptionBudget of a namespace."""

    def template(self, kind: Kind, key: Key) -> AnalysisTemplate | None:
        """An AnalysisTemplate or ClusterAnalysisTemplate."""

    def route(self, ref: Ref) -> Object | None:
        """Whatever a router reads."""

    def serves(self, kind: Kind) -> bool:
        """Whether objects of that kind can exist and be seen."""


class Recall(Protocol):
    """Remembers what was made for a Rollout under *slot*, as long as *stamp* stays the same."""

    def __call__(self, rollout: Rollout, slot: str, stamp: Hashable, make: Callable[[], Made]) -> Made:
        """What was made before, or what *make* gives."""


def forgetful(rollout: Rollout, slot: str, stamp: Hashable, make: Callable[[], Made]) -> Made:  # noqa: ARG001
    """Remembers nothing."""
    return make()


class Work(NamedTuple):
    """One Rollout on its way to a Snapshot."""

    rollout: Rollout
    reading: Reading
    cluster: Cluster
    plugins: Plugins
    recall: Recall

    def key(self, name: str) -> Key:
        """Of an object in the Rollout's namespace."""
        return Key(self.rollout.metadata.namespace, name)
