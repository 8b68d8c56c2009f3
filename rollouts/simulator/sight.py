"""What the controller would see of a simulated cluster: a Snapshot of one Rollout, without delay."""

from collections.abc import Callable, Hashable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any, TypeVar

from rollouts import plugins
from rollouts.api import keys
from rollouts.api.analysis import AnalysisRun, AnalysisTemplate
from rollouts.api.autoscaling import Autoscaler
from rollouts.api.kinds import (
    ANALYSIS_RUN,
    AUTOSCALER,
    CONTROLLER_REVISION,
    DEPLOYMENT,
    POD,
    POD_DISRUPTION_BUDGET,
    POD_TEMPLATE,
    REPLICA_SET,
    ROLLOUT,
    SERVICE,
    STATEFUL_SET,
)
from rollouts.api.meta import Json, Key, Kind, Metadata, Object, Ref
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
from rollouts.planner.assembly import assemble
from rollouts.planner.binding import Settling
from rollouts.planner.neighbours import Neighbour, labels_in, oldest_first
from rollouts.planner.reading import Plugins
from rollouts.planner.snapshot import Snapshot
from rollouts.simulator.world import World
from rollouts.wire.decode import decode

Made = TypeVar("Made")


class Sight:
    """A world's objects, decoded, for `assemble`; what was made of a specification is kept as long as that stays."""

    def __init__(self, world: World, settle: timedelta | None) -> None:
        self._world = world
        self._objects = world.objects
        self._endpoints = world.endpoints
        self._plugins = _plugins(settle)
        self._made: dict[tuple[str, int, str, Hashable], Any] = {}

    def snapshot(self, ref: Ref) -> Snapshot | None:
        """The Rollout and all it refers to, None when there is none."""
        raw = self._objects.get(ref)
        return assemble(decode(Rollout, raw), self, self._plugins, recall=self.recall) if raw else None

    def recall(self, rollout: Rollout, slot: str, stamp: Hashable, make: Callable[[], Made]) -> Made:
        """What was made before of this generation, or what *make* gives."""
        key = (rollout.metadata.uid, rollout.metadata.generation, slot, stamp)
        if key not in self._made:
            self._made[key] = make()
        found: Made = self._made[key]
        return found

    def replica_sets(self, owner: str) -> tuple[ReplicaSet, ...]:
        """Those that the owner of that uid controls."""
        every = (decode(ReplicaSet, raw) for raw in self._objects.of(REPLICA_SET))
        return tuple(found for found in every if _owner(found.metadata) == owner)

    def orphans(self, namespace: str) -> tuple[ReplicaSet, ...]:
        """Those of a namespace that nobody controls."""
        every = (decode(ReplicaSet, raw) for raw in self._objects.of(REPLICA_SET))
        return tuple(found for found in every if (found.metadata.namespace, _owner(found.metadata)) == (namespace, ""))

    def replica_set(self, key: Key) -> ReplicaSet | None:
        """Any ReplicaSet."""
        return self._found(ReplicaSet, Ref(REPLICA_SET, *key))

    def run(self, key: Key) -> AnalysisRun | None:
        """Any AnalysisRun."""
        return self._found(AnalysisRun, Ref(ANALYSIS_RUN, *key))

    def runs(self, owner: str) -> tuple[AnalysisRun, ...]:
        """Those that the owner of that uid controls."""
        every = (decode(AnalysisRun, raw) for raw in self._objects.of(ANALYSIS_RUN))
        return tuple(found for found in every if _owner(found.metadata) == owner)

    def service(self, key: Key) -> Service | None:
        """A Service."""
        return self._found(Service, Ref(SERVICE, *key))

    def endpoints(self, service: Key) -> tuple[str, ...]:
        """Names of the ready pods behind a Service."""
        return tuple(pod.partition("/")[0] for pod in self._endpoints.get(service.name, ()))

    def deployment(self, key: Key) -> Deployment | None:
        """A Deployment."""
        return self._found(Deployment, Ref(DEPLOYMENT, *key))

    def plain_replica_set(self, key: Key) -> ReplicaSet | None:
        """A ReplicaSet that neither a Rollout nor a Deployment made."""
        found = self._found(ReplicaSet, Ref(REPLICA_SET, *key))
        return None if found is None or keys.HASH_LABEL in found.metadata.labels else found

    def pod_template(self, key: Key) -> PodTemplate | None:
        """A PodTemplate."""
        return self._found(PodTemplate, Ref(POD_TEMPLATE, *key))

    def autoscalers(self, namespace: str) -> tuple[Autoscaler, ...]:
        """Every HorizontalPodAutoscaler of a namespace."""
        every = (decode(Autoscaler, raw) for raw in self._objects.of(AUTOSCALER))
        return tuple(found for found in every if found.metadata.namespace == namespace)

    def neighbours(self, rollout: Key, labels: Mapping[str, str]) -> tuple[Neighbour, ...]:
        """Every other Rollout of the namespace that has a template of its own."""
        every = (decode(Rollout, raw) for raw in self._objects.of(ROLLOUT))
        others = (one for one in every if one.metadata.namespace == rollout.namespace and one.metadata.key != rollout)
        made = (
            Neighbour(one.metadata.name, labels_in(one.spec.get("template")), one.metadata.creation_timestamp)
            for one in others
            if one.metadata.deletion_timestamp is None
        )
        return oldest_first(one for one in made if labels.items() <= one.labels.items())

    def services_of(self, rollout: Key) -> tuple[Service, ...]:
        """Services whose annotation says that they are a Rollout's."""
        every = (decode(Service, raw) for raw in self._objects.of(SERVICE))
        marked = (found for found in every if found.metadata.annotations.get(keys.MANAGED_BY) == rollout.name)
        return tuple(found for found in marked if found.metadata.namespace == rollout.namespace)

    def stateful_set(self, key: Key) -> StatefulSet | None:
        """A StatefulSet."""
        return self._found(StatefulSet, Ref(STATEFUL_SET, *key))

    def pods(self, owner: str) -> tuple[Pod, ...]:
        """Those that the owner of that uid controls."""
        every = (decode(Pod, raw) for raw in self._objects.of(POD))
        return tuple(found for found in every if _owner(found.metadata) == owner) or self._of_set(owner)

    def _of_set(self, owner: str) -> tuple[Pod, ...]:
        """The pods of a ReplicaSet, which are no objects here."""
        named = (raw["metadata"] for raw in self._objects.of(REPLICA_SET))
        found = next((one for one in named if one["uid"] == owner), None)
        if found is None:
            return ()
        return tuple(pod.observed(found["namespace"], owner) for pod in self._world.pods.get(found["name"], ()))

    def controller_revisions(self, owner: str) -> tuple[ControllerRevision, ...]:
        """Those that the owner of that uid controls."""
        every = (decode(ControllerRevision, raw) for raw in self._objects.of(CONTROLLER_REVISION))
        return tuple(found for found in every if _owner(found.metadata) == owner)

    def budgets(self, namespace: str) -> tuple[PodDisruptionBudget, ...]:
        """Every PodDisruptionBudget of a namespace."""
        every = (decode(PodDisruptionBudget, raw) for raw in self._objects.of(POD_DISRUPTION_BUDGET))
        return tuple(found for found in every if found.metadata.namespace == namespace)

    def template(self, kind: Kind, key: Key) -> AnalysisTemplate | None:
        """An AnalysisTemplate or ClusterAnalysisTemplate."""
        return self._found(AnalysisTemplate, Ref(kind, *key))

    def route(self, ref: Ref) -> Object | None:
        """Whatever a router reads."""
        raw: Json | None = self._objects.get(ref)
        return Object(decode(Metadata, raw["metadata"]), raw) if raw else None

    def serves(self, kind: Kind) -> bool:
        """Every kind exists here."""
        return bool(kind)

    def _found(self, form: type[Made], ref: Ref) -> Made | None:
        raw = self._objects.get(ref)
        return decode(form, raw) if raw else None


def _owner(metadata: Metadata) -> str:
    return metadata.controller.uid if metadata.controller else ""


@lru_cache(maxsize=64)
def _plugins(settle: timedelta | None) -> Plugins:
    settling = Settling() if settle is None else Settling({"": settle})
    return Plugins(plugins.steps(), plugins.routers(), plugins.providers().keys(), settling)
