"""Stores filled by hand, as after a first list."""

from rollouts.api import kinds
from rollouts.api.analysis import AnalysisRun, AnalysisTemplate
from rollouts.api.autoscaling import Autoscaler
from rollouts.api.meta import Metadata, Object
from rollouts.api.workloads import (
    ControllerRevision,
    Deployment,
    EndpointSlice,
    Pod,
    PodDisruptionBudget,
    PodTemplate,
    ReplicaSet,
    Service,
    StatefulSet,
)
from rollouts.controllers.stores import (
    BY_LABEL,
    BY_MARK,
    BY_NAMESPACE,
    BY_OWNER,
    BY_SERVICE,
    Stores,
    labelled,
    marked_for,
    namespace_of,
    owners,
    service_of,
)
from rollouts.kube.store import Store
from rollouts.wire.decode import decode

FORMS = {
    "services": (kinds.SERVICE, Service),
    "replica_sets": (kinds.REPLICA_SET, ReplicaSet),
    "plain_replica_sets": (kinds.REPLICA_SET, ReplicaSet),
    "endpoint_slices": (kinds.ENDPOINT_SLICE, EndpointSlice),
    "deployments": (kinds.DEPLOYMENT, Deployment),
    "pod_templates": (kinds.POD_TEMPLATE, PodTemplate),
    "autoscalers": (kinds.AUTOSCALER, Autoscaler),
    "stateful_sets": (kinds.STATEFUL_SET, StatefulSet),
    "controller_revisions": (kinds.CONTROLLER_REVISION, ControllerRevision),
    "budgets": (kinds.POD_DISRUPTION_BUDGET, PodDisruptionBudget),
    "runs": (kinds.ANALYSIS_RUN, AnalysisRun),
    "templates": (kinds.ANALYSIS_TEMPLATE, AnalysisTemplate),
    "cluster_templates": (kinds.CLUSTER_ANALYSIS_TEMPLATE, AnalysisTemplate),
}
INDEXES = {
    "replica_sets": {BY_OWNER: owners, BY_NAMESPACE: namespace_of},
    "runs": {BY_OWNER: owners},
    "endpoint_slices": {BY_SERVICE: service_of},
    "controller_revisions": {BY_OWNER: owners},
    "budgets": {BY_NAMESPACE: namespace_of},
    "autoscalers": {BY_NAMESPACE: namespace_of},
    "services": {BY_MARK: marked_for},
}
ROUTES = {"Ingress": kinds.INGRESS, "HTTPRoute": kinds.HTTP_ROUTE, "Gateway": kinds.GATEWAY}
VERSION = "10"


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def shelf(clock, *found, indexes=None):
    store = Store(indexes, clock=clock)
    store.replace(found, VERSION)
    return store


def decoded(form, raw):
    return decode(form, {**raw, "metadata": {"resourceVersion": VERSION, **raw["metadata"]}})


def stores_of(*objects, clock=None, **replaced):
    """Stores with Rollouts (decoded) and everything else (JSON)."""
    clock = clock or Clock()
    rollouts = [found for found in objects if not isinstance(found, dict)]
    raws = [found for found in objects if isinstance(found, dict)]
    fields = {
        name: shelf(clock, *(decoded(form, raw) for raw in raws if raw["kind"] == kind.name), indexes=INDEXES.get(name))
        for name, (kind, form) in FORMS.items()
    }
    pods = shelf(clock, *(decoded(Pod, raw) for raw in raws if raw["kind"] == "Pod"), indexes={BY_OWNER: owners})
    routes = {
        kind: shelf(
            clock, *(Object(decoded(Metadata, {**raw, **raw["metadata"]}), raw) for raw in raws if raw["kind"] == name)
        )
        for name, kind in ROUTES.items()
    }
    return Stores(
        **{
            "rollouts": shelf(clock, *rollouts, indexes={BY_LABEL: labelled, BY_NAMESPACE: namespace_of}),
            "routes": routes,
            "pods": (pods,),
            **fields,
            **replaced,
        }
    )
