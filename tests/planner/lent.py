"""A Cluster for assembling snapshots from objects written as JSON, and the Rollouts tests begin with."""

from msgspec import structs

from rollouts import plugins
from rollouts.api import keys, kinds
from rollouts.api.analysis import AnalysisRun, AnalysisTemplate
from rollouts.api.autoscaling import Autoscaler
from rollouts.api.meta import Metadata, Object, Ref
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
from rollouts.planner.neighbours import Neighbour, labels_in, oldest_first
from rollouts.planner.reading import Plugins
from rollouts.wire.decode import decode

SPACE = "shop"
TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "web:1"}]}}
NGINX = {
    "stableService": "web-stable",
    "canaryService": "web-canary",
    "trafficRouting": {"nginx": {"stableIngress": "web"}},
}
FORMS = {
    "Service": (kinds.SERVICE, Service),
    "ReplicaSet": (kinds.REPLICA_SET, ReplicaSet),
    "Deployment": (kinds.DEPLOYMENT, Deployment),
    "PodTemplate": (kinds.POD_TEMPLATE, PodTemplate),
    "HorizontalPodAutoscaler": (kinds.AUTOSCALER, Autoscaler),
    "StatefulSet": (kinds.STATEFUL_SET, StatefulSet),
    "Pod": (kinds.POD, Pod),
    "ControllerRevision": (kinds.CONTROLLER_REVISION, ControllerRevision),
    "PodDisruptionBudget": (kinds.POD_DISRUPTION_BUDGET, PodDisruptionBudget),
    "AnalysisRun": (kinds.ANALYSIS_RUN, AnalysisRun),
    "AnalysisTemplate": (kinds.ANALYSIS_TEMPLATE, AnalysisTemplate),
    "ClusterAnalysisTemplate": (kinds.CLUSTER_ANALYSIS_TEMPLATE, AnalysisTemplate),
    "Ingress": (kinds.INGRESS, None),
    "HTTPRoute": (kinds.HTTP_ROUTE, None),
    "Gateway": (kinds.GATEWAY, None),
}


def named(kind, name, *, spec=None, owner="", **more):
    metadata = {"name": name, "namespace": "" if kind.startswith("Cluster") else SPACE, "uid": f"{kind}-{name}", **more}
    if owner:
        controller = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web", "uid": owner}
        metadata["ownerReferences"] = [{**controller, "controller": True}]
    return {"kind": kind, "metadata": metadata, "spec": spec or {}}


def service(name, **more):
    return named("Service", name, spec={"selector": {"app": "web"}, "ports": [{"port": 80}]}, **more)


def ingress(name="web", backend="web-stable"):
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": backend, "port": {"number": 80}}}}
    return named("Ingress", name, spec={"rules": [{"host": "web", "http": {"paths": [path]}}]})


def template(name, *metrics, kind="AnalysisTemplate", **more):
    return named(kind, name, spec={"metrics": list(metrics), **more})


def metric(name="m", **more):
    return {"name": name, "provider": {"prometheus": {"query": "up"}}, **more}


def rollout(canary=None, *, name="web", status=None, labels=None, **spec):
    written = {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "web"}},
        "template": TEMPLATE,
        "strategy": {"canary": {} if canary is None else canary},
        **spec,
    }
    metadata = {"name": name, "namespace": SPACE, "uid": "uid-1", "generation": 1, "labels": labels or {}}
    kept = {key: value for key, value in written.items() if value is not None}
    return decode(Rollout, {"metadata": metadata, "spec": kept, "status": status or {}})


def with_metadata(found, **metadata):
    """The Rollout with other metadata."""
    return structs.replace(found, metadata=structs.replace(found.metadata, **metadata))


class Lent:
    """Objects by kind and key."""

    def __init__(self, *objects, endpoints=None, unserved=()):
        self._found = {}
        self._endpoints = endpoints or {}
        self._unserved = unserved
        self._rollouts = [one for one in objects if isinstance(one, Rollout)]
        for raw in (one for one in objects if not isinstance(one, Rollout)):
            kind, form = FORMS[raw["kind"]]
            body = decode(form, raw) if form else Object(decode(Metadata, raw["metadata"]), raw)
            self._found[kind, body.metadata.key] = body

    def replica_sets(self, owner):
        return self._owned(kinds.REPLICA_SET, owner)

    def orphans(self, namespace):
        found = (
            body for (kind, key), body in self._found.items() if (kind, key.namespace) == (kinds.REPLICA_SET, namespace)
        )
        return tuple(body for body in found if body.metadata.controller is None)

    def runs(self, owner):
        return self._owned(kinds.ANALYSIS_RUN, owner)

    def replica_set(self, key):
        return self._found.get((kinds.REPLICA_SET, key))

    def run(self, key):
        return self._found.get((kinds.ANALYSIS_RUN, key))

    def service(self, key):
        return self._found.get((kinds.SERVICE, key))

    def endpoints(self, service):
        return self._endpoints.get(service.name, ())

    def deployment(self, key):
        return self._found.get((kinds.DEPLOYMENT, key))

    def plain_replica_set(self, key):
        found = self.replica_set(key)
        return None if found is None or keys.HASH_LABEL in found.metadata.labels else found

    def pod_template(self, key):
        return self._found.get((kinds.POD_TEMPLATE, key))

    def autoscalers(self, namespace):
        return tuple(
            one for (kind, key), one in self._found.items() if (kind, key.namespace) == (kinds.AUTOSCALER, namespace)
        )

    def neighbours(self, rollout, labels):
        return oldest_first(
            Neighbour(one.metadata.name, labels_in(one.spec["template"]), one.metadata.creation_timestamp)
            for one in self._rollouts
            if one.metadata.key != rollout and labels.items() <= labels_in(one.spec["template"]).items()
        )

    def services_of(self, rollout):
        found = (one for (kind, key), one in self._found.items() if kind == kinds.SERVICE)
        return tuple(one for one in found if one.metadata.annotations.get(keys.MANAGED_BY) == rollout.name)

    def stateful_set(self, key):
        return self._found.get((kinds.STATEFUL_SET, key))

    def pods(self, owner):
        return self._owned(kinds.POD, owner)

    def controller_revisions(self, owner):
        return self._owned(kinds.CONTROLLER_REVISION, owner)

    def budgets(self, namespace):
        found = self._found.items()
        return tuple(
            one for (kind, key), one in found if (kind, key.namespace) == (kinds.POD_DISRUPTION_BUDGET, namespace)
        )

    def template(self, kind, key):
        return self._found.get((kind, key))

    def route(self, ref: Ref):
        return self._found.get((ref.kind, ref.key))

    def serves(self, kind):
        return kind not in self._unserved

    def _owned(self, wanted, owner):
        found = (body for (kind, _), body in self._found.items() if kind == wanted)
        return tuple(body for body in found if body.metadata.controller and body.metadata.controller.uid == owner)


def all_plugins():
    return Plugins(plugins.steps(), plugins.routers(), plugins.providers())


def snapshot(found, *objects, **more):
    return assemble(found, Lent(*objects, **more), all_plugins())


def said(found, *objects, **more):
    """The first problem's text, "" for a valid Rollout."""
    problems = snapshot(found, *objects, **more).problems
    return str(problems[0]) if problems else ""
