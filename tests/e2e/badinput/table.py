"""The table of bad input: what is applied to which good Rollout, what is said of it, and how it is mended."""

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from tests.e2e.bad import canary, metric, template
from tests.e2e.scene import ingress, pause, service, weight

TABLES = sorted(Path(__file__).parent.glob("*.yaml"))
ROLLOUT = "Rollout/web"


class Row(BaseModel):
    """One kind of bad input: a good setting, changed in one place; and one of the ways in which that is told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: str = "plain"
    at: str = ROLLOUT
    set: dict[str, Any] = {}
    unset: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    also: tuple[dict[str, Any], ...] = ()
    edit: bool = False
    """The good setting is applied first, and changed when it is Healthy."""
    release: bool = False
    """The mistake shows only in a release, which is made."""
    mend: tuple[str, ...] = ()
    """Arguments of kubectl that mend it; by default the good setting is written."""

    refused: str = ""
    """The API server does not let it in, with these words."""
    invalid: str = ""
    """Condition InvalidSpec, with exactly these words after the Rollout's name."""
    aborts: str = ""
    """The release is aborted, in whose message these words are."""
    held: str = ""
    """The pods cannot be made; the words of ReplicaSetCreateError."""
    warned: str = ""
    """Condition SelectorOverlap, which begins with these words; what is asked for is done all the same."""
    status: dict[str, Any] = {}
    """What a person writes into the status in the middle of a release, which is survived without a word."""
    told: str = "web"
    """The Rollout of which it is told."""


def times(loader: yaml.SafeLoader, node: yaml.SequenceNode) -> str:
    """`!times [x, 70]`: seventy of them."""
    text, count = loader.construct_sequence(node)
    return text * count


class Loader(yaml.SafeLoader):
    """YAML with `!times`."""


Loader.add_constructor("!times", times)


@cache
def rows() -> dict[str, Row]:
    """All rows by name. Raises ValueError for a name that stands twice."""
    found: dict[str, Row] = {}
    for path in TABLES:
        for name, row in yaml.load(path.read_text(), Loader).items():
            if name in found:
                raise ValueError(f"two rows are named {name!r}")
            found[name] = Row.model_validate(row)
    return found


def good(base: str, host: str) -> list[dict[str, Any]]:
    """The manifests of a setting with which nothing is wrong; the Rollout comes last."""
    manifests = deepcopy(BASES[base])
    for manifest in manifests:
        for rule in manifest["spec"].get("rules", ()) if manifest["kind"] == "Ingress" else ():
            rule["host"] = host
    return manifests


def bad(row: Row, host: str) -> list[dict[str, Any]]:
    """The manifests of *row*'s setting with its mistake in them."""
    manifests = [one for one in good(row.base, host) if name_of(one) not in row.without]
    for manifest in manifests:
        if name_of(manifest) == row.at:
            for path, value in row.set.items():
                change(manifest, path, value)
            for path in row.unset:
                change(manifest, path, None)
    return [*row.also, *manifests]


def name_of(manifest: dict[str, Any]) -> str:
    """`Kind/name`."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def change(manifest: dict[str, Any], path: str, value: Any) -> None:
    """Write *value* at *path*, or with None take away what stands there."""
    found: Any = manifest
    *above, last = path.split(".")
    for name in above:
        found = found[int(name)] if isinstance(found, list) else found.setdefault(name, {})
    where = int(last) if isinstance(found, list) else last
    if value is None:
        del found[where]
    else:
        found[where] = deepcopy(value)


def routed(**routing: Any) -> dict[str, Any]:
    """A Rollout whose traffic is split."""
    return canary(
        stableService="stable",
        canaryService="canary",
        trafficRouting={**routing, "managedRoutes": [{"name": "hdr"}]},
        steps=[weight(50), pause()],
    )


def http_route(*rules: list[str]) -> dict[str, Any]:
    """An HTTPRoute with the backends of each rule."""
    written = [{"backendRefs": [{"name": name, "port": 80} for name in names]} for names in rules]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "web"},
        "spec": {"parentRefs": [{"name": "nowhere"}], "rules": written},
    }


ANALYSIS = {"analysis": {"templates": [{"templateName": "check"}]}}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {k: v for k, v in canary()["spec"].items() if k in {"selector", "template"}} | {"replicas": 0},
}
REFERRING = canary() | {
    "spec": {
        "replicas": 1,
        "workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "strategy": {"canary": {}},
    }
}
BASES: dict[str, list[dict[str, Any]]] = {
    "plain": [canary(steps=[weight(50), pause()])],
    "nginx": [
        service("stable"),
        service("canary"),
        ingress("web", "web.example.com", "stable"),
        routed(nginx={"stableIngress": "web"}),
    ],
    "gateway": [
        service("stable"),
        service("canary"),
        http_route(["stable", "canary"]),
        routed(gatewayAPI={"httpRoute": "web"}),
    ],
    "analysis": [template("check", metric()), canary(steps=[weight(50), ANALYSIS])],
    "workload": [DEPLOYMENT, REFERRING],
}
