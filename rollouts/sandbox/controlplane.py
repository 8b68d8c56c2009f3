"""Command lines of etcd, the API server and the controller manager, and the files they read."""

import json
from pathlib import Path
from typing import Final

from rollouts.sandbox.accounts import SERVER
from rollouts.sandbox.state import Programs

ETCD: Final = "http://127.0.0.1:2379"
_CONTROLLERS: Final = (
    "deployment-controller", "replicaset-controller", "statefulset-controller", "daemonset-controller",
    "job-controller", "endpointslice-controller", "endpoints-controller", "garbage-collector-controller",
    "namespace-controller", "serviceaccount-controller", "disruption-controller", "pod-garbage-collector-controller",
    "cronjob-controller", "ttl-after-finished-controller", "clusterrole-aggregation-controller",
    "horizontal-pod-autoscaler-controller",
)  # fmt: skip
_UNCOUNTED: Final = ("sandbox-player", "sandbox-traefik", "system:apiserver")
_AUDIT_POLICY: Final = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "users": _UNCOUNTED},
        {"level": "None", "nonResourceURLs": ["/healthz*", "/readyz*", "/livez*", "/openapi*", "/api*", "/version"]},
        {"level": "Metadata"},
    ],
}


def write_control_plane_files(directory: Path) -> None:
    """Write what the API server reads besides keys and tokens."""
    (directory / "audit-policy.json").write_text(json.dumps(_AUDIT_POLICY))


def etcd(programs: Programs, directory: Path) -> list[str]:
    """Durability is given up for speed: a sandbox does not outlive its machine."""
    return [
        str(programs.etcd),
        f"--data-dir={directory / 'etcd'}",
        f"--listen-client-urls={ETCD}",
        f"--advertise-client-urls={ETCD}",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--unsafe-no-fsync",
        "--log-level=error",
        "--quota-backend-bytes=4294967296",
    ]


def api_server(programs: Programs, directory: Path) -> list[str]:
    """RBAC on; loopback only, hence no endpoint reconciler (it refuses 127.0.0.0/8) and an explicit address."""
    return [
        str(programs.api_server),
        f"--etcd-servers={ETCD}",
        f"--secure-port={SERVER.rpartition(':')[2]}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--endpoint-reconciler-type=none",
        f"--cert-dir={directory / 'certs'}",
        f"--tls-cert-file={directory / 'server.crt'}",
        f"--tls-private-key-file={directory / 'server.key'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={directory / 'sa.pub'}",
        f"--service-account-signing-key-file={directory / 'sa.key'}",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--service-node-port-range=30000-39999",
        "--authorization-mode=RBAC",
        f"--token-auth-file={directory / 'tokens.csv'}",
        "--anonymous-auth=true",
        f"--audit-policy-file={directory / 'audit-policy.json'}",
        # megabytes; by default it is put aside at 100, and whoever counts requests in it loses its place
        "--audit-log-maxsize=100000",
        f"--audit-log-path={directory / 'audit.log'}",
        "--audit-log-maxsize=4096",
    ]


def controllers(programs: Programs, directory: Path) -> list[str]:
    """Without node-lifecycle, so that the made-up node needs no heartbeats."""
    return [
        str(programs.controllers),
        f"--kubeconfig={directory / 'controller-manager.kubeconfig'}",
        "--bind-address=127.0.0.1",
        "--secure-port=10257",
        f"--cert-dir={directory / 'certs'}",
        "--use-service-account-credentials=false",
        "--leader-elect=false",
        f"--service-account-private-key-file={directory / 'sa.key'}",
        f"--controllers={','.join(_CONTROLLERS)}",
        "--kube-api-qps=400",
        "--kube-api-burst=800",
    ]
