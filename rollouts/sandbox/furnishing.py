"""Puts the sandbox's first objects in place, and gives the controller its rights."""

import asyncio
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from rollouts.sandbox.accounts import CONTROLLER_NAMESPACE
from rollouts.sandbox.apiclient import Api, connect, path_of
from rollouts.sandbox.furniture import (
    CONTROLLER_ROLE,
    Manifest,
    account,
    basics,
    gateway_class,
    read_cluster_role,
    read_crds,
    role_and_binding,
)
from rollouts.sandbox.readiness import eventually
from rollouts.sandbox.state import Blueprint

_REVIEW: Final = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


async def furnish(api: Api, blueprint: Blueprint) -> None:
    """Everything `up` promises to be there, CRDs established."""
    options = blueprint.options
    own = sorted(path for path in options.crds.iterdir() if path.suffix in {".yaml", ".yml"}) if options.crds else []
    crds = list(read_crds([*blueprint.gateway_api, *own]))
    await apply_all(api, [*basics(), *crds])
    await apply_all(api, [account()])
    for crd in crds:
        await established(api, crd)
    await apply_all(api, [gateway_class()])
    if options.cluster_role:
        await grant(api, blueprint.directory, read_cluster_role(options.cluster_role))


async def apply_all(api: Api, manifests: Iterable[Manifest]) -> None:
    """Apply objects that do not need one another, at once."""
    async with asyncio.TaskGroup() as group:
        for manifest in manifests:
            group.create_task(api.apply(manifest), name=f"apply {manifest['metadata']['name']}")


async def established(api: Api, crd: Manifest) -> None:
    """Return when the API server serves the kind."""

    async def holds() -> bool:
        status = (await api.request("GET", path_of(crd))).get("status", {})
        # null, and not absent, before the API server has looked at it
        conditions = status.get("conditions") or ()
        return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)

    await eventually(f"CRD {crd['metadata']['name']}", holds)


async def grant(api: Api, directory: Path, cluster_role: Manifest) -> None:
    """Give the controller the rules of *cluster_role* and take all others away; returns when they are in force."""
    await apply_all(api, role_and_binding(cluster_role))
    async with connect(directory, "controller") as controller:
        await eventually("the controller's rights", lambda: _allowed(controller, cluster_role))


async def revoke(api: Api) -> None:
    """Take the controller's rights away."""
    path = f"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{CONTROLLER_ROLE}"
    await api.request("DELETE", path)


async def _grant_from(directory: Path, role: Manifest) -> None:
    async with connect(directory, "admin") as api:
        await grant(api, directory, role)


async def _allowed(controller: Api, cluster_role: Manifest) -> bool:
    """Asked of the last rule that names a resource: the API server learns of all rules at once."""
    rules = [rule for rule in cluster_role["rules"] if rule.get("resources")]
    if not rules:
        return True
    rule = rules[-1]
    resource, _, subresource = rule["resources"][0].partition("/")
    attributes = {
        "group": rule["apiGroups"][0],
        "resource": resource,
        "subresource": subresource,
        "verb": rule["verbs"][0],
        "namespace": CONTROLLER_NAMESPACE,
        "name": rule.get("resourceNames", [""])[0],
    }
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    answer = await controller.request("POST", _REVIEW, review)
    return bool(answer["status"]["allowed"])


if __name__ == "__main__":  # DIRECTORY, the ClusterRole as JSON on standard input
    asyncio.run(_grant_from(Path(sys.argv[1]), json.load(sys.stdin)))
