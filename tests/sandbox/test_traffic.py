"""The data plane with real pods behind it: shares, discovery, and no request lost."""

import sys

import pytest

pytestmark = pytest.mark.e2e

NGINX = "nginx.ingress.kubernetes.io"


def deployment(name: str, image: str, replicas: int = 1) -> dict:
    container = {"name": "web", "image": image, "ports": [{"name": "http", "containerPort": 8080}]}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template, "strategy": rolling}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def service(name: str) -> dict:
    spec = {"selector": {"app": name}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def ingress(name: str, host: str, backend: str, **annotations: str) -> dict:
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": backend, "port": {"number": 80}}}}
    spec = {"ingressClassName": "nginx", "rules": [{"host": host, "http": {"paths": [path]}}]}
    metadata = {"name": name, "annotations": {f"{NGINX}/{key.replace('_', '-')}": v for key, v in annotations.items()}}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec}


def gateway() -> dict:
    listener = {"name": "http", "protocol": "HTTP", "port": 80, "allowedRoutes": {"namespaces": {"from": "Same"}}}
    spec = {"gatewayClassName": "traefik", "listeners": [listener]}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "gw"}, "spec": spec}


def route(host: str, **weights: int) -> dict:
    backends = [{"name": name, "port": 80, "weight": weight} for name, weight in weights.items()]
    spec = {"parentRefs": [{"name": "gw"}], "hostnames": [host], "rules": [{"backendRefs": backends}]}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "r"}, "spec": spec}


def two_versions(inside) -> None:
    inside.apply(deployment("old", "web:v1", 2), deployment("new", "web:v2"), service("old"), service("new"))
    for name in ("old", "new"):
        inside.kubectl("rollout", "status", "deployment", name)


def test_ingress_weights_are_exact(inside, eventually):
    def shares() -> dict:
        return inside.load(inside.sandbox.web_url, "i.example.com", 100)["versions"]

    two_versions(inside)
    inside.apply(ingress("main", "i.example.com", "old"))
    inside.apply(ingress("canary", "i.example.com", "new", canary="true", canary_weight="20"))
    eventually(lambda: shares() == {"v1": 80, "v2": 20})
    inside.kubectl("annotate", "--overwrite", "ingress", "canary", f"{NGINX}/canary-weight=50")
    eventually(lambda: shares() == {"v1": 50, "v2": 50})


def test_route_weights_are_exact(inside, eventually):
    def shares() -> dict:
        return inside.load(inside.sandbox.gateway_url, "r.example.com", 100)["versions"]

    two_versions(inside)
    inside.apply(gateway(), route("r.example.com", old=70, new=30))
    eventually(lambda: shares() == {"v1": 70, "v2": 30})
    inside.apply(route("r.example.com", old=0, new=100))
    eventually(lambda: shares() == {"v2": 100})


def test_a_rolling_update_loses_no_request(inside, eventually):
    updated = deployment("web", "web:v1", 3)
    # so that the update is under way when the load begins, however long that takes to start
    updated["spec"]["minReadySeconds"] = 1
    inside.apply(updated, service("web"), ingress("web", "u.example.com", "web"))
    inside.kubectl("rollout", "status", "deployment", "web")
    eventually(lambda: inside.load(inside.sandbox.web_url, "u.example.com", 10)["failed"] == 0)
    script = (
        f"kubectl -n {inside.namespace} set image deployment/web web=web:v2 >/dev/null & "
        f"{sys.executable} -m rollouts.cli.sandbox load {inside.sandbox.web_url} --host u.example.com --requests 100000000 "
        "--seconds 6 --rate 500; wait"
    )
    done = inside.sandbox.exec(["sh", "-c", script], capture_output=True)
    assert done.returncode == 0, done.stdout
    assert '"v1":' in done.stdout
    assert '"v2":' in done.stdout


def test_an_erring_version_fails_every_twentieth_request(inside, eventually):
    inside.apply(deployment("web", "web:v3-errors5"), service("web"), ingress("web", "e.example.com", "web"))
    eventually(lambda: inside.load(inside.sandbox.web_url, "e.example.com", 1)["lost"] == 0)
    # as many of any 200 in a row that one pod answers
    seen = inside.load(inside.sandbox.web_url, "e.example.com", 200)
    assert (seen["failed"], seen["lost"]) == (10, 0)


def test_prometheus_scrapes_pods_with_their_labels(inside, eventually):
    def series() -> dict:
        query = "http_requests_total%7Bnamespace=%22" + inside.namespace + "%22%7D"
        answer = inside.fetch(f"{inside.sandbox.prometheus_url}/api/v1/query?query={query}")
        return {one["metric"]["code"]: one for one in answer["data"]["result"]}

    inside.apply(deployment("web", "web:v3-errors50"), service("web"), ingress("web", "p.example.com", "web"))
    found = eventually(lambda: (seen := series()).keys() == {"200", "500"} and seen)
    assert {one["value"][1] for one in found.values()} == {"0"}
    inside.load(inside.sandbox.web_url, "p.example.com", 10)
    eventually(lambda: {code: one["value"][1] for code, one in series().items()} == {"200": "5", "500": "5"})
    (pod,) = inside.get("pods")["items"]
    labels = found["200"]["metric"]
    assert labels["pod"] == pod["metadata"]["name"]
    assert labels["pod_template_hash"] == pod["metadata"]["labels"]["pod-template-hash"]
