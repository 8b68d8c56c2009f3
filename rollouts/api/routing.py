"""`trafficRouting`: what each router needs to know, as people write it. Contract of Argo Rollouts, and two of ours."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from rollouts.api.model import Model
from rollouts.api.steps import LabelSelector


class ManagedRoute(Model):
    """A route that steps may create and remove; earlier ones in the list take precedence."""

    name: str


class TLSRoute(Model):
    """Selects routes of a VirtualService by port, hosts, or both."""

    port: int | None = None
    sni_hosts: tuple[str, ...] = ()


class TCPRoute(Model):
    """Selects routes of a VirtualService by port."""

    port: int | None = None


class VirtualService(Model):
    """An Istio VirtualService and which of its routes to weigh (all, if there is just one)."""

    name: str = Field(description="Name, or name.namespace")
    routes: tuple[str, ...] = ()
    tls_routes: tuple[TLSRoute, ...] = ()
    tcp_routes: tuple[TCPRoute, ...] = ()


class DestinationRule(Model):
    """An Istio DestinationRule whose subsets stand for stable and canary."""

    name: str
    canary_subset_name: str
    stable_subset_name: str
    additional_subset_names: tuple[str, ...] = ()


class Istio(Model):
    """Istio: one of the two ways to name VirtualServices."""

    virtual_service: VirtualService | None = None
    virtual_services: tuple[VirtualService, ...] = ()
    destination_rule: DestinationRule | None = None


class Nginx(Model):
    """ingress-nginx: one of the two ways to name Ingresses."""

    annotation_prefix: str = Field("", description="nginx.ingress.kubernetes.io when absent")
    stable_ingress: str = ""
    stable_ingresses: tuple[str, ...] = ()
    additional_ingress_annotations: Mapping[str, str] = Field({}, description="Keys without the prefix")
    canary_ingress_annotations: Mapping[str, str] = Field({}, description="Keys as they are")


class Stickiness(Model):
    """Cookies that keep a client at one target group."""

    enabled: bool
    duration_seconds: int


class ALB(Model):
    """AWS load balancer controller: one of the two ways to name Ingresses."""

    ingress: str = ""
    ingresses: tuple[str, ...] = ()
    service_port: int
    root_service: str = ""
    annotation_prefix: str = Field("", description="alb.ingress.kubernetes.io when absent")
    stickiness_config: Stickiness | None = None


class SMI(Model):
    """Service Mesh Interface's TrafficSplit."""

    root_service: str = Field("", description="stableService when absent")
    traffic_split_name: str = Field("", description="The Rollout's name when absent")


class Ambassador(Model):
    """Ambassador's Mappings."""

    mappings: tuple[str, ...]


class AppMeshVirtualService(Model):
    """An App Mesh VirtualService and which routes of its router to weigh."""

    name: str
    routes: tuple[str, ...] = ()


class AppMeshVirtualNode(Model):
    """An App Mesh VirtualNode."""

    name: str


class AppMeshVirtualNodeGroup(Model):
    """The two VirtualNodes that traffic is split between."""

    canary_virtual_node_ref: AppMeshVirtualNode
    stable_virtual_node_ref: AppMeshVirtualNode


class AppMesh(Model):
    """AWS App Mesh."""

    virtual_service: AppMeshVirtualService | None = None
    virtual_node_group: AppMeshVirtualNodeGroup | None = None


class Traefik(Model):
    """Traefik's own TraefikService."""

    weighted_traefik_service_name: str


class ApisixRoute(Model):
    """An ApisixRoute and which of its rules to weigh."""

    name: str
    rules: tuple[str, ...] = ()


class Apisix(Model):
    """Apache APISIX."""

    route: ApisixRoute | None = None


class GatewayRoute(Model):
    """A Gateway API route by name."""

    name: str
    use_header_routes: bool = Field(default=False, description="Steps may add header routes to it")


class GatewayAPI(Model):
    """Routes of the Gateway API, by name or selector, built in (not in Argo Rollouts, where it is a plugin)."""

    http_route: str = ""
    grpc_route: str = ""
    tcp_route: str = ""
    tls_route: str = ""
    http_routes: tuple[GatewayRoute, ...] = ()
    grpc_routes: tuple[GatewayRoute, ...] = ()
    tcp_routes: tuple[GatewayRoute, ...] = ()
    tls_routes: tuple[GatewayRoute, ...] = ()
    http_route_selector: LabelSelector | None = None
    grpc_route_selector: LabelSelector | None = None
    tcp_route_selector: LabelSelector | None = None
    tls_route_selector: LabelSelector | None = None
    namespace: str = Field("", description="The Rollout's when absent")


class StatefulSetRouting(Model):
    """Moves the partition of the StatefulSet that workloadRef names (not in Argo Rollouts)."""


class TrafficRouting(Model):
    """Who splits the traffic; several routers may be given and are kept in step."""

    managed_routes: tuple[ManagedRoute, ...] = ()
    max_traffic_weight: int | None = Field(None, description="What all weights sum to; 100 when absent")
    istio: Istio | None = None
    nginx: Nginx | None = None
    alb: ALB | None = None
    smi: SMI | None = None
    ambassador: Ambassador | None = None
    app_mesh: AppMesh | None = None
    traefik: Traefik | None = None
    apisix: Apisix | None = None
    gateway_api: GatewayAPI | None = Field(None, alias="gatewayAPI")
    stateful_set: StatefulSetRouting | None = None
    plugins: Mapping[str, Any] | None = Field(None, description="Name of a plugin to whatever it understands")

    @property
    def total_weight(self) -> int:
        """What all weights sum to."""
        return 100 if self.max_traffic_weight is None else self.max_traffic_weight
