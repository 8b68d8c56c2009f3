"""The objects every sandbox starts with: classes, the node, accounts and their rights, CRDs."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from rollouts.sandbox.accounts import CONTROLLER_ACCOUNT, CONTROLLER_NAMESPACE
from rollouts.sandbox.errors import SandboxError

Manifest = Mapping[str, Any]

_RBAC: Final = "rbac.authorization.k8s.io/v1"
CONTROLLER_ROLE: Final = "rollouts"
_READ_ALL_OF_OURS: Final = {"apiGroups": ["argoproj.io"], "resources": ["*"], "verbs": ["get", "list", "watch"]}


def basics() -> list[Manifest]:
    """Objects that need no CRD."""
    group = "rbac.authorization.k8s.io"
    viewer = {"kind": "User", "name": "sandbox-viewer", "apiGroup": group}
    return [
        _object("v1", "Namespace", CONTROLLER_NAMESPACE),
        {**_object("networking.k8s.io/v1", "IngressClass", "nginx"), "spec": {"controller": "k8s.io/ingress-nginx"}},
        {**_object(_RBAC, "ClusterRole", "sandbox-viewer"), "rules": [_READ_ALL_OF_OURS]},
        _binding("sandbox-viewer", "sandbox-viewer", viewer),
        _binding("sandbox-viewer-of-the-rest", "view", viewer),
    ]


def account() -> Manifest:
    """The controller's ServiceAccount; its namespace must exist."""
    manifest = _object("v1", "ServiceAccount", CONTROLLER_ACCOUNT)
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": CONTROLLER_NAMESPACE}}


def gateway_class() -> Manifest:
    """Traefik's GatewayClass; Gateway API's CRDs must be established."""
    spec = {"controllerName": "traefik.io/gateway-controller"}
    return {**_object("gateway.networking.k8s.io/v1", "GatewayClass", "traefik"), "spec": spec}


def role_and_binding(cluster_role: Manifest) -> list[Manifest]:
    """The controller's rights: the rules of *cluster_role* and nothing else."""
    role = {**_object(_RBAC, "ClusterRole", CONTROLLER_ROLE), "rules": cluster_role["rules"]}
    subject = {"kind": "ServiceAccount", "name": CONTROLLER_ACCOUNT, "namespace": CONTROLLER_NAMESPACE}
    return [role, _binding(CONTROLLER_ROLE, CONTROLLER_ROLE, subject)]


def read_cluster_role(path: Path) -> Manifest:
    """The ClusterRole of a chart's template (its Helm directives are taken out) or of a plain file."""
    without_lines = re.sub(r"(?m)^\s*\{\{.*\}\}\s*$\n?", "", path.read_text())
    plain = re.sub(r"\{\{.*?\}\}", "sandbox", without_lines)
    for document in yaml.safe_load_all(plain):
        if document and document.get("kind") == "ClusterRole":
            return dict(document)
    raise SandboxError(f"no ClusterRole in {path}")


def read_crds(paths: Sequence[Path]) -> Iterator[Manifest]:
    """Every CustomResourceDefinition in the files; other kinds in them are passed over."""
    for path in paths:
        for document in _documents(path):
            if document and document.get("kind") == "CustomResourceDefinition":
                yield document


def _documents(path: Path) -> Iterator[Any]:
    text = path.read_text()
    if path.suffix == ".json":
        yield json.loads(text)
    else:
        yield from yaml.load_all(text, _LOADER)


_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _object(api_version: str, kind: str, name: str) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}}


def _binding(name: str, role: str, subject: Manifest) -> Manifest:
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
    return {**_object(_RBAC, "ClusterRoleBinding", name), "roleRef": reference, "subjects": [subject]}
