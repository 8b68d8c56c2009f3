"""Every API kind the controller can speak of."""

from typing import Final

from rollouts.api.meta import Kind

GROUP: Final = "argoproj.io"

ROLLOUT: Final = Kind(GROUP, "v1alpha1", "Rollout", "rollouts")
ANALYSIS_RUN: Final = Kind(GROUP, "v1alpha1", "AnalysisRun", "analysisruns")
ANALYSIS_TEMPLATE: Final = Kind(GROUP, "v1alpha1", "AnalysisTemplate", "analysistemplates")
CLUSTER_ANALYSIS_TEMPLATE: Final = Kind(
    GROUP, "v1alpha1", "ClusterAnalysisTemplate", "clusteranalysistemplates", namespaced=False
)
EXPERIMENT: Final = Kind(GROUP, "v1alpha1", "Experiment", "experiments")

REPLICA_SET: Final = Kind("apps", "v1", "ReplicaSet", "replicasets")
DEPLOYMENT: Final = Kind("apps", "v1", "Deployment", "deployments")
STATEFUL_SET: Final = Kind("apps", "v1", "StatefulSet", "statefulsets")
CONTROLLER_REVISION: Final = Kind("apps", "v1", "ControllerRevision", "controllerrevisions")
POD: Final = Kind("", "v1", "Pod", "pods")
POD_TEMPLATE: Final = Kind("", "v1", "PodTemplate", "podtemplates")
SERVICE: Final = Kind("", "v1", "Service", "services")
SECRET: Final = Kind("", "v1", "Secret", "secrets")
CONFIG_MAP: Final = Kind("", "v1", "ConfigMap", "configmaps")
NODE: Final = Kind("", "v1", "Node", "nodes", namespaced=False)
NAMESPACE: Final = Kind("", "v1", "Namespace", "namespaces", namespaced=False)
POD_DISRUPTION_BUDGET: Final = Kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets")
AUTOSCALER: Final = Kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
ENDPOINT_SLICE: Final = Kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices")
INGRESS: Final = Kind("networking.k8s.io", "v1", "Ingress", "ingresses")
INGRESS_CLASS: Final = Kind("networking.k8s.io", "v1", "IngressClass", "ingressclasses", namespaced=False)
HTTP_ROUTE: Final = Kind("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes")
GATEWAY: Final = Kind("gateway.networking.k8s.io", "v1", "Gateway", "gateways")
GATEWAY_CLASS: Final = Kind("gateway.networking.k8s.io", "v1", "GatewayClass", "gatewayclasses", namespaced=False)
LEASE: Final = Kind("coordination.k8s.io", "v1", "Lease", "leases")
EVENT: Final = Kind("", "v1", "Event", "events")
JOB: Final = Kind("batch", "v1", "Job", "jobs")
CUSTOM_RESOURCE_DEFINITION: Final = Kind(
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False
)
CLUSTER_ROLE: Final = Kind("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", namespaced=False)
CLUSTER_ROLE_BINDING: Final = Kind(
    "rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", namespaced=False
)
