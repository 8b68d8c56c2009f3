"""Manifests of which situations are made."""

from copy import deepcopy
from typing import Any

Manifest = dict[str, Any]

ARGO = "argoproj.io/v1alpha1"
WEB = "http://127.0.0.1:18999"
WORKED = ("/gist", "result == 'It worked!'")
NEVER = ("/gist", "result == 'never'")


def rollout(strategy: Manifest, replicas: int = 4, **spec: Any) -> Manifest:
    """The Rollout `web`, image web:1."""
    rules = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template()}
    return {
        "apiVersion": ARGO,
        "kind": "Rollout",
        "metadata": {"name": "web"},
        "spec": rules | {"strategy": strategy} | spec,
    }


def canary(*steps: Manifest, **settings: Any) -> Manifest:
    """A canary strategy."""
    return {"canary": {**settings, "steps": list(steps)}}


def template() -> Manifest:
    """Pods of `web`."""
    container = {"name": "c", "image": "web:1", "ports": [{"name": "http", "containerPort": 8080}]}
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}


def deployment(replicas: int) -> Manifest:
    """The Deployment `dep`, to which a workloadRef leads."""
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template()}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "dep"}, "spec": spec}


def referring(strategy: Manifest, replicas: int, scale_down: str) -> Manifest:
    """The Rollout `web` with the template of the Deployment `dep`."""
    made = rollout(strategy, replicas)
    del made["spec"]["template"], made["spec"]["selector"]
    made["spec"]["workloadRef"] = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "dep",
        "scaleDown": scale_down,
    }
    return made


def service(name: str) -> Manifest:
    """A Service of all pods of `web`."""
    spec = {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def services() -> tuple[Manifest, Manifest]:
    """The pair that a router needs."""
    return service("web-stable"), service("web-canary")


def backend(name: str) -> Manifest:
    """Where a path of an Ingress leads."""
    return {"service": {"name": name, "port": {"number": 80}}}


def ingress(name: str = "web") -> Manifest:
    """An Ingress of class nginx with a path that is ours, one that is not, and an annotation to be kept."""
    paths = [
        {"path": "/", "pathType": "Prefix", "backend": backend("web-stable")},
        {"path": "/other", "pathType": "Prefix", "backend": backend("other")},
    ]
    spec = {
        "ingressClassName": "nginx",
        "tls": [{"hosts": ["web.example.com"], "secretName": "t"}],
        "rules": [{"host": "web.example.com", "http": {"paths": paths}}],
    }
    metadata = {"name": name, "annotations": {"example.com/keep": "1"}}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec}


def http_route() -> Manifest:
    """An HTTPRoute whose Gateway does not exist, with a rule that is ours and one that is not."""
    ours = {"name": "main", "backendRefs": [{"name": "web-stable", "port": 80}, {"name": "web-canary", "port": 80}]}
    other = {
        "matches": [{"path": {"type": "PathPrefix", "value": "/x"}}],
        "backendRefs": [{"name": "other", "port": 80}],
    }
    spec = {"parentRefs": [{"name": "gw"}], "rules": [ours, other]}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "web"},
        "spec": spec,
    }


def routed(**routers: Any) -> Manifest:
    """The part of a canary strategy that says how traffic is split."""
    return {"stableService": "web-stable", "canaryService": "web-canary", "trafficRouting": routers}


def nginx() -> Manifest:
    """Split by the Ingress `web`."""
    return routed(nginx={"stableIngress": "web"})


def web_metric(path: str, condition: str, **limits: Any) -> Manifest:
    """The metric `m`: *path* of the web server (or a whole URL), its field `message` judged by *condition*."""
    url = path if "://" in path else WEB + path
    provider = {"web": {"url": url, "jsonPath": "{$.message}"}}
    return {"name": "m", "successCondition": condition, "provider": provider, **limits}


def job_metric(script: str) -> Manifest:
    """The metric `j`: a Job whose container runs *script*, once."""
    container = {"name": "s", "image": "alpine:3.8", "command": ["sh", "-c"], "args": [script]}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    return {"name": "j", "provider": {"job": {"spec": {"backoffLimit": 0, "template": template}}}}


def analysis_template(name: str, *metrics: Manifest, **spec: Any) -> Manifest:
    """An AnalysisTemplate."""
    return {
        "apiVersion": ARGO,
        "kind": "AnalysisTemplate",
        "metadata": {"name": name},
        "spec": {"metrics": list(metrics), **spec},
    }


def analysis_run(name: str, *metrics: Manifest, **spec: Any) -> Manifest:
    """An AnalysisRun that nobody but its author made."""
    return {
        "apiVersion": ARGO,
        "kind": "AnalysisRun",
        "metadata": {"name": name},
        "spec": {"metrics": list(metrics), **spec},
    }


def weight(percent: int) -> Manifest:
    """A setWeight step."""
    return {"setWeight": percent}


def pause(duration: float | str | None = None) -> Manifest:
    """A pause step, endless by default."""
    return {"pause": {} if duration is None else {"duration": duration}}


def canary_scale(**size: Any) -> Manifest:
    """A setCanaryScale step."""
    return {"setCanaryScale": size}


def analysis(*templates: str, **more: Any) -> Manifest:
    """An inline analysis step."""
    return {"analysis": {"templates": [{"templateName": name} for name in templates], **more}}


def named(manifest: Manifest, name: str, **metadata: Any) -> Manifest:
    """The same under another name."""
    copy = deepcopy(manifest)
    copy["metadata"] = {**copy["metadata"], "name": name, **metadata}
    return copy
