"""What a real API server makes of sparse pod templates is the same template to us."""

import json
import os

import pytest

from rollouts.api.kinds import DEPLOYMENT
from rollouts.api.meta import Key
from rollouts.kube.client import Client
from rollouts.wire.templates import same_template

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif("KUBECONFIG" not in os.environ, reason="needs a cluster: KUBECONFIG is not set"),
]

LABELS = {"app": "defaulting"}
PROBES = {
    "readinessProbe": {"httpGet": {"port": "http"}},
    "livenessProbe": {"grpc": {"port": 9000}, "failureThreshold": 5},
    "startupProbe": {"exec": {"command": ["true"]}},
}
ENVIRONMENT = [
    {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
    {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
    {"name": "EMPTY", "value": ""},
]
PROJECTIONS = [
    {"serviceAccountToken": {"path": "token"}},
    {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
]
VOLUMES = [
    {"name": "bare"},
    {"name": "host", "hostPath": {"path": "/tmp"}},
    {"name": "secret", "secret": {"secretName": "s"}},
    {"name": "config", "configMap": {"name": "c", "optional": True}},
    {"name": "projected", "projected": {"sources": PROJECTIONS}},
    {"name": "image", "image": {"reference": "web:1"}},
    {"name": "space", "emptyDir": {"sizeLimit": "1024Mi"}},
    {
        "name": "claim",
        "ephemeral": {
            "volumeClaimTemplate": {
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1.5Gi"}}}
            }
        },
    },
]
SPECS = {
    "least": {},
    "account": {"serviceAccount": "default", "terminationGracePeriodSeconds": 0, "tolerations": []},
    "volumes": {"volumes": VOLUMES},
    "scheduling": {
        "tolerations": [{"key": "k", "operator": "Exists"}],
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {}}
        ],
        "initContainers": [{"name": "first", "image": "web", "restartPolicy": "Always"}],
    },
    "host network": {"hostNetwork": True},
}
CONTAINERS = {
    "least": {},
    "ports and probes": {"ports": [{"containerPort": 8080, "name": "http", "hostPort": 8080}], **PROBES},
    "environment": {"env": ENVIRONMENT, "envFrom": [{"configMapRef": {"name": "c", "optional": True}}]},
    "resources": {"resources": {"limits": {"cpu": 0.5, "memory": "1024Mi"}, "requests": {"cpu": "100u"}}},
    "hooks": {"lifecycle": {"preStop": {"httpGet": {"port": 8080}}}, "image": "localhost:5000/web"},
}


def template(spec, container):
    containers = [{"name": "web", "image": "web:1", **CONTAINERS[container]}]
    return {"metadata": {"labels": LABELS}, "spec": {"containers": containers, **SPECS[spec]}}


async def stored(written):
    """The template of a Deployment made of *written*, as the server gives it back."""
    name = f"defaulting-{os.getpid()}"
    spec = {"replicas": 0, "selector": {"matchLabels": LABELS}, "template": written}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}
    key = Key("default", name)
    async with Client.connect(user_agent="rollouts-tests") as client:
        await client.create(DEPLOYMENT, key.namespace, body)
        try:
            return json.loads(await client.get(DEPLOYMENT, key))["spec"]["template"]
        finally:
            await client.delete(DEPLOYMENT, key, propagation="Background")


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("spec", SPECS)
async def test_a_stored_template_is_the_one_written(spec, container):
    written = template(spec, container)
    found = await stored(written)
    assert found != written
    assert same_template(written, found)
