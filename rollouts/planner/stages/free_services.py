"""A Service that this Rollout no longer names selects every pod again (contract §8.2), once that changes no traffic."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rollouts.api.keys import HASH_LABEL
from rollouts.api.workloads import Service
from rollouts.planner.actions import FreeService
from rollouts.planner.bluegreen import strategy_of
from rollouts.planner.draft import Draft
from rollouts.planner.snapshot import Snapshot, target

STAGE = "free_services"


def free_services(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Take the hash selector and the mark from Services that are marked as this Rollout's and that it does not name."""
    _ = now
    for service in snapshot.abandoned:
        name = service.metadata.name
        if why := _needed(snapshot, draft, service):
            draft = draft.say(STAGE, "hold", f"Service {name}, no longer named here, keeps its selector: {why}")
            continue
        free = FreeService(target(service.metadata), f"Service {name} is no longer named here: it selects every pod")
        draft = draft.act(free, stage=STAGE)
    return draft


def _needed(snapshot: Snapshot, draft: Draft, service: Service) -> str:
    """Why pods of other revisions may not come behind the Service yet; "" when they may."""
    name = service.metadata.name
    if route := next(_own_routes_to(snapshot, name), ""):
        return f"{route} leads to it"
    if draft.is_promoted or _is_mixed_anyway(snapshot):
        return ""
    selected = snapshot.of_hash(service.spec.selector[HASH_LABEL])
    if selected is None or selected.spec.replicas == 0:
        return ""
    return "a release is under way, of which it would get a part"


def _is_mixed_anyway(snapshot: Snapshot) -> bool:
    """Without a router every Service of a canary selects old and new pods."""
    return strategy_of(snapshot) is None and not snapshot.routers


def _own_routes_to(snapshot: Snapshot, name: str) -> Iterator[str]:
    """Routes that this Rollout made and that have Service *name* as a backend."""
    for ref, route in snapshot.routes.items():
        owners = route.metadata.owner_references
        is_ours = any(owner.uid == snapshot.rollout.metadata.uid for owner in owners)
        if is_ours and name in _backends(route.raw.get("spec")):
            yield f"{ref.kind.name} {ref.name}"


def _backends(part: Any) -> Iterator[str]:
    """Names that stand under a backend anywhere in a route: of an Ingress, or of a route of Gateway API."""
    if isinstance(part, Mapping):
        for key, value in part.items():
            if key in {"service", "backendRefs"}:
                yield from _names(value)
            yield from _backends(value)
    elif isinstance(part, Sequence) and not isinstance(part, str):
        for member in part:
            yield from _backends(member)


def _names(part: Any) -> Iterator[str]:
    for member in part if isinstance(part, Sequence) else [part]:
        if isinstance(member, Mapping):
            yield str(member.get("name", ""))
