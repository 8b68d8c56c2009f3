"""Situations of a StatefulSet that read as English: `placed.release(set_weight(40)).new(3, 4).partition(3).snapshot`.

A release is from revision db-old, which is stable, to db-new; five pods, all old and ready unless said otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rollouts.api import keys
from rollouts.planner.draft import Draft
from rollouts.planner.ordinals import PINNED
from rollouts.planner.snapshot import Snapshot
from rollouts.wire.durations import rfc3339
from rollouts.wire.podhash import step_hash
from tests.given import LONG_AGO, NOW
from tests.planner import lent

OLD, NEW, OLDER = "db-old", "db-new", "db-older"
LABELS = {"app": "db"}
TEMPLATE = {
    "metadata": {"labels": LABELS},
    "spec": {"containers": [{"name": "c", "image": "db:2", "ports": [{"name": "sql", "containerPort": 5432}]}]},
}
NGINX = {"trafficRouting": {"statefulSet": {}, "nginx": {"stableIngress": "web"}}}


@dataclass(frozen=True)
class Placed:
    """A Rollout of a StatefulSet, as raw as the API server has it. Pods by index: revision and state."""

    canary: Mapping[str, Any]
    status: Mapping[str, Any]
    pods: Mapping[int, tuple[str, str]]
    set_spec: Mapping[str, Any] = field(default_factory=dict)
    set_status: Mapping[str, Any] = field(default_factory=dict)
    set_metadata: Mapping[str, Any] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    at: int = PINNED
    written: int | None = PINNED
    others: tuple[Mapping[str, Any], ...] = ()
    endpoints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    young: frozenset[int] = frozenset()

    def new(self, *indexes: int, state: str = "ready", revision: str = NEW) -> "Placed":
        """Pods of the new revision, `ready`, `unready` or `going`."""
        return replace(self, pods={**self.pods, **dict.fromkeys(indexes, (revision, state))})

    def old(self, *indexes: int, state: str = "ready") -> "Placed":
        """Pods of the old one."""
        return self.new(*indexes, state=state, revision=OLD)

    def without(self, *indexes: int) -> "Placed":
        """Places without a pod."""
        return replace(self, pods={index: pod for index, pod in self.pods.items() if index not in indexes})

    def born_later(self, *indexes: int) -> "Placed":
        """Pods that are younger than all others."""
        return replace(self, young=frozenset(indexes))

    def partition(self, at: int, written: int | None = -1) -> "Placed":
        """As it stands; *written*: as we wrote it last, the same unless said otherwise."""
        return replace(self, at=at, written=at if written == -1 else written)

    def step(self, index: int) -> "Placed":
        """The current step."""
        return self.having(currentStepIndex=index)

    def having(self, **status: Any) -> "Placed":
        """Fields of the Rollout's status."""
        return replace(self, status={**self.status, **status})

    def wanting(self, **spec: Any) -> "Placed":
        """Fields of the Rollout's spec."""
        return replace(self, spec={**self.spec, **spec})

    def aborted(self) -> "Placed":
        """By a person, long ago."""
        return self.having(abort=True, abortedAt=rfc3339(LONG_AGO))

    def of_set(self, **spec: Any) -> "Placed":
        """Fields of the StatefulSet's spec."""
        return replace(self, set_spec={**self.set_spec, **spec})

    def counted(self, **status: Any) -> "Placed":
        """Fields of the StatefulSet's status."""
        return replace(self, set_status={**self.set_status, **status})

    def unseen(self) -> "Placed":
        """The StatefulSet controller has not seen the newest specification."""
        return self.counted(observedGeneration=6)

    def beside(self, *objects: Mapping[str, Any]) -> "Placed":
        """Further objects."""
        return replace(self, others=(*self.others, *objects))

    def budget(self, *, allowed: int, name: str = "pdb", **spec: Any) -> "Placed":
        """A PodDisruptionBudget for all pods."""
        counts = {"disruptionsAllowed": allowed, "currentHealthy": 5, "desiredHealthy": 5, "expectedPods": 5}
        found = lent.named("PodDisruptionBudget", name, spec={"selector": {"matchLabels": LABELS}, **spec})
        return self.beside({**found, "status": counts})

    def served(self, stable: str = OLD, canary: str = NEW) -> "Placed":
        """Both Services of ours, the revisions they lead to, and their pods behind them."""
        found = replace(self, endpoints={"db-stable": self._pods_of(stable), "db-canary": self._pods_of(canary)})
        return found.beside(
            service("db-stable", stable), service("db-canary", canary), lent.ingress(backend="db-stable")
        )

    def _pods_of(self, revision: str) -> tuple[str, ...]:
        ready = (index for index, pod in self.pods.items() if pod == (revision, "ready"))
        return tuple(f"db-{index}" for index in sorted(ready))

    @property
    def assembled(self) -> Snapshot:
        """What the controller sees of it, problems included."""
        raw = {
            "workloadRef": {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db"},
            "strategy": {"canary": dict(self.canary)},
            "replicas": None,
            **self.spec,
        }
        found = lent.rollout(name="db", status=dict(self.status), selector=None, template=None, **raw)
        metadata = {"finalizers": (keys.PARTITION_FINALIZER,), "annotations": {keys.REVISION: "2"}, **self.metadata}
        found = lent.with_metadata(found, **metadata)
        revisions = (revision(OLDER, 0), revision(OLD, 1), revision(NEW, 2))
        pods = (self._pod(index, *pod) for index, pod in self.pods.items())
        return lent.snapshot(found, self._set(), *pods, *revisions, *self.others, endpoints=self.endpoints)

    @property
    def snapshot(self) -> Snapshot:
        """The same, with nothing wrong."""
        found = self.assembled
        assert found.problems == ()
        return found

    def _set(self) -> dict[str, Any]:
        notes = (
            {} if self.written is None else {keys.PARTITION_WRITTEN: str(self.written), keys.PARTITION_MANAGED_BY: "db"}
        )
        spec = {
            "replicas": 5,
            "selector": {"matchLabels": LABELS},
            "template": TEMPLATE,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": self.at}},
            **self.set_spec,
        }
        status = {"currentRevision": OLD, "updateRevision": NEW, "observedGeneration": 7, **self.set_status}
        found = lent.named("StatefulSet", "db", spec=spec, generation=7, resourceVersion="70", annotations=notes)
        return {**found, "metadata": {**found["metadata"], **self.set_metadata}, "status": status}

    def _pod(self, index: int, revision: str, state: str) -> dict[str, Any]:
        going = {"deletionTimestamp": rfc3339(NOW)} if state == "going" else {}
        metadata = {
            "labels": {**LABELS, keys.REVISION_LABEL: revision},
            "creationTimestamp": rfc3339(NOW if index in self.young else LONG_AGO),
            "resourceVersion": f"5{index}",
            **going,
        }
        start = self.set_spec.get("ordinals", {}).get("start", 0)
        found = lent.named("Pod", f"db-{start + index}", owner="StatefulSet-db", **metadata)
        ready = {"type": "Ready", "status": str(state == "ready"), "lastTransitionTime": rfc3339(LONG_AGO)}
        return {**found, "status": {"phase": "Running", "conditions": [ready]}}


def service(name: str, leads_to: str) -> dict[str, Any]:
    """A Service of ours."""
    metadata = {"annotations": {keys.MANAGED_BY: "db"}, "owner": "uid-1"}
    spec = {"selector": {**LABELS, keys.REVISION_LABEL: leads_to}, "ports": [{"port": 5432}]}
    return lent.named("Service", name, spec=spec, **metadata)


def revision(name: str, number: int) -> dict[str, Any]:
    """A ControllerRevision."""
    found = lent.named("ControllerRevision", name, owner="StatefulSet-db")
    return {**found, "revision": number}


def release(*steps: Mapping[str, Any], replicas: int = 5, **canary: Any) -> Placed:
    """In mid-release at step 0: all pods are old, the partition is pinned."""
    strategy = {"trafficRouting": {"statefulSet": {}}, "steps": list(steps), **canary}
    status = {
        "currentPodHash": NEW,
        "stableRS": OLD,
        "currentStepHash": step_hash(steps),
        "observedGeneration": "1",
        "partition": {"original": 0, "workload": "db"},
        **({"currentStepIndex": 0} if steps else {}),
    }
    pods = dict.fromkeys(range(replicas), (OLD, "ready"))
    return Placed(strategy, status, pods, {"replicas": replicas})


def idle(*steps: Mapping[str, Any], **canary: Any) -> Placed:
    """Nothing is being released: all pods are of db-new, which is current."""
    there = release(*steps, **canary).having(stableRS=NEW, **({"currentStepIndex": len(steps)} if steps else {}))
    return there.counted(currentRevision=NEW).new(*range(5))


def routed(*steps: Mapping[str, Any], **canary: Any) -> Placed:
    """A release with nginx beside the partition."""
    return release(*steps, **{**NGINX, **canary})


def draft(snapshot: Snapshot) -> Draft:
    """What the first stage is given."""
    return Draft(snapshot.status)
