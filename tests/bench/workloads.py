"""What is rolled, and when it counts as done. Pure."""

from typing import Any

Json = dict[str, Any]

PODS = 2
PAUSE_SECONDS = 1
WEIGHT = "nginx.ingress.kubernetes.io/canary-weight"


def timed_steps() -> list[Json]:
    """The release that is measured."""
    return [{"setWeight": 50}, {"pause": {"duration": PAUSE_SECONDS}}]


def endless_steps() -> list[Json]:
    """A release that somebody has to end."""
    return [{"setWeight": 50}, {"pause": {}}]


def rollout(name: str, strategy: Json) -> Json:
    """A Rollout of two pods."""
    return _workload("argoproj.io/v1alpha1", "Rollout", name, {"strategy": {"canary": strategy}})


def deployment(name: str) -> Json:
    """A Deployment of as many, with the limits a Rollout has by default."""
    return _workload("apps/v1", "Deployment", name, {})


def _workload(api_version: str, kind: str, name: str, more: Json) -> Json:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers("web:v1")}}
    spec = {"replicas": PODS, "selector": {"matchLabels": labels}, "template": template, **more}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def containers(image: str) -> list[Json]:
    """Those of every template."""
    return [{"name": "web", "image": image, "ports": [{"name": "http", "containerPort": 8080}]}]


def bump(image: str) -> Json:
    """The patch for another image."""
    return {"spec": {"template": {"spec": {"containers": containers(image)}}}}


def routed(name: str) -> tuple[Json, ...]:
    """A Rollout behind nginx, with all it needs."""
    strategy = {
        "stableService": f"{name}-stable",
        "canaryService": f"{name}-canary",
        "trafficRouting": {"nginx": {"stableIngress": name}},
        "steps": endless_steps(),
    }
    services = (_service(name, f"{name}-stable"), _service(name, f"{name}-canary"))
    return (*services, _ingress(name, f"{name}-stable"), rollout(name, strategy))


def _service(app: str, name: str) -> Json:
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    spec = {"selector": {"app": app}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def _ingress(name: str, backend: str) -> Json:
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": backend, "port": {"number": 80}}}}
    spec = {"ingressClassName": "nginx", "rules": [{"host": f"{name}.example.com", "http": {"paths": [path]}}]}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name}, "spec": spec}


def canary_ingress(name: str) -> str:
    """The Ingress that carries the weight of `routed`."""
    return f"{name}-{name}-canary"


# When it is done.


def is_rolled(found: Json) -> bool:
    """A Deployment of which all pods are new and there, and no other."""
    status = found.get("status", {})
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    return status.get("observedGeneration") == found["metadata"]["generation"] and counts == [PODS] * 3


def is_released(found: Json) -> bool:
    """The same of a Rollout, and its phase says so."""
    status = found.get("status", {})
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    is_stable = status.get("stableRS") == status.get("currentPodHash")
    return _is_in(found, "Healthy") and is_stable and counts == [PODS] * 3


def is_paused(found: Json) -> bool:
    """A release in the middle."""
    return _is_in(found, "Paused") and found["status"].get("currentStepIndex") == 1


def is_degraded(found: Json) -> bool:
    """What an abort leads to, whatever generation the status speaks of."""
    return found.get("status", {}).get("phase") == "Degraded"


def has_no_weight(found: Json) -> bool:
    """A canary Ingress that sends nothing."""
    return found["metadata"].get("annotations", {}).get(WEIGHT) == "0"


def _is_in(found: Json, phase: str) -> bool:
    status = found.get("status", {})
    return status.get("observedGeneration") == str(found["metadata"]["generation"]) and status.get("phase") == phase
