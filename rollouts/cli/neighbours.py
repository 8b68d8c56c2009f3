"""Other Rollouts around one that is looked at: as much of them as a decision depends on."""

from collections.abc import Mapping
from typing import Any, Final

from rollouts.api.kinds import POD_TEMPLATE, ROLLOUT
from rollouts.api.meta import Json, Key, Kind
from rollouts.controllers.stores import Settings
from rollouts.kube.client import Client
from rollouts.planner.neighbours import labels_in
from rollouts.planner.validation.references import KINDS as LENDERS

KEPT: Final = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "labels")


async def read_neighbours(client: Client, rollout: Key, label: str, settings: Settings) -> list[dict[str, Any]]:
    """Rollouts of the namespace that make pods with *label* (`key=value`; "" for any): metadata and those labels."""
    listed = await client.list(ROLLOUT, rollout.namespace, selector=settings.selector)
    others = [item for item in listed if item["metadata"]["name"] != rollout.name]
    lent = await _lent(client, rollout.namespace, others)
    found = ((item, labels_in(_template(item, lent))) for item in others)
    return [_excerpt(item, labels) for item, labels in found if not label or label in map("=".join, labels.items())]


async def _lent(client: Client, namespace: str, borrowers: list[dict[str, Any]]) -> dict[tuple[str, str], Json]:
    """Pod templates that workloadRefs name, by kind and name."""
    kinds = sorted({LENDERS[ref["kind"]] for item in borrowers if (ref := _ref(item)).get("kind") in LENDERS})
    return {
        (kind.name, one["metadata"]["name"]): _lendable(kind, one)
        for kind in kinds
        for one in await client.list(kind, namespace)
    }


def _lendable(kind: Kind, one: Json) -> Json:
    """The pod template in *one*; a PodTemplate has no specification around it."""
    holder: Json = one if kind == POD_TEMPLATE else one["spec"]
    found: Json = holder.get("template") or {}
    return found


def _ref(item: Json) -> Mapping[str, Any]:
    found: Mapping[str, Any] = item["spec"].get("workloadRef") or {}
    return found


def _template(item: Json, lent: Mapping[tuple[str, str], Json]) -> Json | None:
    ref = _ref(item)
    return lent.get((ref.get("kind", ""), ref.get("name", ""))) if ref else item["spec"].get("template")


def _excerpt(item: Json, labels: Mapping[str, str]) -> dict[str, Any]:
    metadata = {name: item["metadata"][name] for name in KEPT if name in item["metadata"]}
    return {"metadata": metadata, "spec": {"template": {"metadata": {"labels": dict(labels)}}}}
