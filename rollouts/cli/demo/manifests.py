"""What the demo applies: Services, a route, a template that judges errors, and the Rollout. Pure."""

from typing import Any, Final

NAMESPACE: Final = "demo"
NAME: Final = "web"
HOST: Final = "demo.example.com"
REPLICAS: Final = 5
ROUTERS: Final = ("gateway", "nginx")
STABLE, CANARY = "web-stable", "web-canary"

Manifest = dict[str, Any]

# The share of the revision's own requests that failed. A revision nobody asked yet gives no number: neither success
# nor failure, but one more measurement.
QUERY: Final = (
    'sum(rate(http_requests_total{rollouts_pod_template_hash="{{args.hash}}",code=~"5.."}[8s]) or vector(0))'
    ' / (sum(rate(http_requests_total{rollouts_pod_template_hash="{{args.hash}}"}[8s])) > 0)'
)


def everything(router: str, image: str, prometheus: str) -> list[Manifest]:
    """All manifests in the order in which they are applied."""
    route = [_gateway(), _http_route()] if router == "gateway" else [_ingress()]
    return [_namespace(), _service(STABLE), _service(CANARY), *route, template(prometheus), rollout(router, image)]


def _namespace() -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}


def _named(api_version: str, kind: str, name: str, spec: Manifest) -> Manifest:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


def _service(name: str) -> Manifest:
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    return _named("v1", "Service", name, {"selector": {"app": NAME}, "ports": ports})


def _gateway() -> Manifest:
    listener = {"name": "http", "protocol": "HTTP", "port": 80, "allowedRoutes": {"namespaces": {"from": "Same"}}}
    spec = {"gatewayClassName": "traefik", "listeners": [listener]}
    return _named("gateway.networking.k8s.io/v1", "Gateway", NAME, spec)


def _http_route() -> Manifest:
    backends = [{"name": STABLE, "port": 80}, {"name": CANARY, "port": 80}]
    spec = {"parentRefs": [{"name": NAME}], "hostnames": [HOST], "rules": [{"backendRefs": backends}]}
    return _named("gateway.networking.k8s.io/v1", "HTTPRoute", NAME, spec)


def _ingress() -> Manifest:
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": STABLE, "port": {"number": 80}}}}
    spec = {"ingressClassName": "nginx", "rules": [{"host": HOST, "http": {"paths": [path]}}]}
    return _named("networking.k8s.io/v1", "Ingress", NAME, spec)


def template(prometheus: str) -> Manifest:
    """The judge: at most 2 % errors; four good measurements in a row suffice, one bad one is enough."""
    metric = {
        "name": "error-rate",
        "interval": "1s",
        "count": 30,
        "consecutiveSuccessLimit": 4,
        "inconclusiveLimit": 25,
        "successCondition": "len(result) > 0 and result[0] < 0.02",
        "failureCondition": "len(result) > 0 and result[0] >= 0.02",
        "provider": {"prometheus": {"address": prometheus, "query": QUERY}},
    }
    return _named(
        "argoproj.io/v1alpha1", "AnalysisTemplate", "error-rate", {"args": [{"name": "hash"}], "metrics": [metric]}
    )


def rollout(router: str, image: str) -> Manifest:
    """20 % of the traffic and a judgement, half of it, all of it."""
    argument = {"name": "hash", "valueFrom": {"podTemplateHashValue": "Latest"}}
    analysis = {"templates": [{"templateName": "error-rate"}], "args": [argument]}
    steps = [
        {"setWeight": 20},
        {"analysis": analysis},
        {"setWeight": 50},
        {"pause": {"duration": "3s"}},
        {"setWeight": 100},
    ]
    routing = {"gatewayAPI": {"httpRoute": NAME}} if router == "gateway" else {"nginx": {"stableIngress": NAME}}
    canary = {
        "stableService": STABLE,
        "canaryService": CANARY,
        "trafficRouting": routing,
        "steps": steps,
        "scaleDownDelaySeconds": 3,
        "abortScaleDownDelaySeconds": 3,
    }
    container = {"name": NAME, "image": f"{image}:v1", "ports": [{"name": "http", "containerPort": 8080}]}
    pod = {"metadata": {"labels": {"app": NAME}}, "spec": {"containers": [container]}}
    spec = {
        "replicas": REPLICAS,
        "selector": {"matchLabels": {"app": NAME}},
        "template": pod,
        "strategy": {"canary": canary},
    }
    return _named("argoproj.io/v1alpha1", "Rollout", NAME, spec)
