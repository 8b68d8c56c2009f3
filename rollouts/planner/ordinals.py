"""A StatefulSet as a release sees it: numbered places, the pods that stand in them, and the revisions these are of.

A place's *index* counts from 0, whatever `ordinals.start` is: a partition is counted so too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from rollouts.api import keys
from rollouts.api.meta import Json, Metadata
from rollouts.api.rollout import LabelSelector
from rollouts.api.workloads import ControllerRevision, Pod, PodDisruptionBudget, Service, ServicePort, StatefulSet
from rollouts.planner.validation.labels import matches

# Above every number of replicas there is; what Kubernetes' own tools write for "nothing".
PINNED: Final = 32767


@dataclass(frozen=True)
class Ordinals:
    """A StatefulSet with its pods, its ControllerRevisions, and the PodDisruptionBudgets that select its pods.

    *governing*: the Service that its spec names, None where there is none.
    """

    stateful_set: StatefulSet
    pods: tuple[Pod, ...] = ()
    revisions: tuple[ControllerRevision, ...] = ()
    budgets: tuple[PodDisruptionBudget, ...] = ()
    governing: Service | None = None

    @property
    def replicas(self) -> int:
        """How many places there are: the StatefulSet's own number, the only one that counts."""
        return self.stateful_set.spec.replicas

    @property
    def partition(self) -> int:
        """The first index that belongs to the newest revision, as it stands in the StatefulSet."""
        return self.stateful_set.spec.update_strategy.rolling_update.partition

    @property
    def written(self) -> int | None:
        """The partition as we last wrote it; None before."""
        text = self.stateful_set.metadata.annotations.get(keys.PARTITION_WRITTEN, "")
        return int(text) if text.isascii() and text.isdigit() else None

    @property
    def is_observed(self) -> bool:
        """The StatefulSet controller has seen the specification: its status and its next deed are by that."""
        found = self.stateful_set
        return bool(found.status.update_revision) and found.status.observed_generation >= found.metadata.generation

    @property
    def is_ordered(self) -> bool:
        """Places are filled from below: none while a pod further down is not ready."""
        return self.stateful_set.spec.pod_management_policy != "Parallel"

    @property
    def ports(self) -> tuple[Json, ...]:
        """Ports for Services of our own: those of the governing Service, else those of the containers."""
        if self.governing is not None and self.governing.spec.ports:
            return tuple(_service_port(port) for port in self.governing.spec.ports)
        containers = (self.stateful_set.spec.template.get("spec") or {}).get("containers") or ()
        found = [port for container in containers for port in container.get("ports") or ()]
        return tuple(
            {
                "port": port["containerPort"],
                "protocol": port.get("protocol", "TCP"),
                **({"name": port["name"]} if port.get("name") else {}),
            }
            for port in found
        )

    @cached_property
    def places(self) -> tuple[Pod | None, ...]:
        """The pod at each index; None where it is missing."""
        found = {self.index_of(pod): pod for pod in self.pods}
        return tuple(found.get(index) for index in range(self.replicas))

    @property
    def surplus(self) -> tuple[Pod, ...]:
        """Pods beyond the last place: they are about to go."""
        return tuple(pod for pod in self.pods if self.index_of(pod) >= self.replicas)

    def index_of(self, pod: Pod) -> int:
        """The pod's place; below 0 for one that `ordinals.start` leaves out."""
        text = pod.metadata.name.rpartition("-")[2]
        number = int(text) if text.isascii() and text.isdigit() else 0
        return number - self.stateful_set.spec.ordinals.start

    def made_at(self, index: int) -> str:
        """The revision that a pod made anew at *index* would be of."""
        status = self.stateful_set.status
        return status.update_revision if index >= self.partition else status.current_revision

    def of_revision(self, revision: str) -> Iterator[Pod]:
        """The pods of *revision* that stand at a place and are not going."""
        return (pod for pod in self.places if pod and revision_of(pod) == revision and not pod.is_deleting)

    def is_available(self, pod: Pod, now: datetime | None) -> bool:
        """Ready for minReadySeconds at *now*; just ready where *now* is None."""
        at = self.available_at(pod)
        return at is not None and (now is None or at <= now)

    def available_at(self, pod: Pod) -> datetime | None:
        """When the pod is or was available, as long as it stays ready; None while it is not."""
        ready = next((c for c in pod.status.conditions if c.type == "Ready" and c.status == "True"), None)
        if ready is None or pod.is_deleting:
            return None
        since = ready.last_transition_time or pod.metadata.creation_timestamp
        wait = timedelta(seconds=self.stateful_set.spec.min_ready_seconds)
        return since + wait if since else None


def _service_port(port: ServicePort) -> Json:
    given = {"name": port.name, "targetPort": port.target_port, "appProtocol": port.app_protocol}
    return {"port": port.port, "protocol": port.protocol, **{key: value for key, value in given.items() if value}}


def revision_of(pod: Pod) -> str:
    """The name of the pod's ControllerRevision."""
    return pod.metadata.labels.get(keys.REVISION_LABEL, "")


def selecting(budgets: tuple[PodDisruptionBudget, ...], metadata: Metadata) -> tuple[PodDisruptionBudget, ...]:
    """Those of *budgets* that select a pod of *metadata*."""
    return tuple(found for found in budgets if _selects(found, metadata))


def _selects(budget: PodDisruptionBudget, metadata: Metadata) -> bool:
    selector = budget.spec.selector
    return selector is not None and matches(LabelSelector.model_validate(dict(selector)), metadata.labels)
