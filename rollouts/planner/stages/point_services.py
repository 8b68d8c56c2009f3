"""Each Service points at its revision, and not before that revision can serve.

With a router the canary's Service follows only while no weight leads to it; to the stable revision it may always go.
"""

from datetime import datetime

from rollouts.api import keys
from rollouts.api.workloads import ReplicaSet, Service
from rollouts.planner.draft import Draft
from rollouts.planner.dynamic import is_dynamic
from rollouts.planner.places import share
from rollouts.planner.snapshot import Snapshot, available, hash_of, is_available
from rollouts.planner.switching import switch

STAGE = "point_services"


def point_services(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Stable first, then canary."""
    _ = now
    strategy = snapshot.strategy
    stable = snapshot.of_hash(draft.status.stable_rs)
    if strategy.stable_service:
        ahead = _goes_ahead(snapshot, draft, stable)
        draft = _point(snapshot, draft, strategy.stable_service, snapshot.canary if ahead else stable)
    if not strategy.canary_service:
        return draft
    if draft.is_aborted:
        return _give_back(snapshot, draft, strategy.canary_service, stable)
    held = _held_by_traffic(snapshot, draft)
    if held and (snapshot.canary is not stable or _overloads(snapshot, draft)):
        return draft.say(STAGE, "hold", held)
    return _point(snapshot, draft, strategy.canary_service, snapshot.canary)


def _goes_ahead(snapshot: Snapshot, draft: Draft, stable: ReplicaSet | None) -> bool:
    """The stable Service of a StatefulSet leads to the new revision before promotion: no old pod will be left."""
    if snapshot.ordinals is None or draft.is_promoted or stable is None:
        return False
    if stable.spec.replicas == 0:
        return available(snapshot.canary) > 0
    routing = draft.routing
    if routing is None or not routing.is_in_effect or routing.split.canary < routing.split.total:
        return False
    return share(snapshot, draft).exposed >= snapshot.replicas


def _overloads(snapshot: Snapshot, draft: Draft) -> bool:
    """The weight of the canary's Service would come down on a stable side that gave its pods up."""
    return is_dynamic(snapshot) and draft.routing is not None and draft.routing.split.canary > 0


def _held_by_traffic(snapshot: Snapshot, draft: Draft) -> str:
    routing = draft.routing
    name = snapshot.strategy.canary_service
    service = snapshot.services.get(name)
    if routing is None or service is None or _hash(service) == snapshot.canary_hash:
        return ""
    if routing.split.canary > 0:
        return f"Service {name} stays: {routing.split.canary} of {routing.split.total} of the traffic goes to it"
    return f"Service {name} stays until weight 0 is in effect: {routing.hold}" if routing.hold else ""


def _give_back(snapshot: Snapshot, draft: Draft, name: str, stable: ReplicaSet | None) -> Draft:
    """Aborted: the canary's Service goes to the stable pods at once, unless they could not carry what comes along."""
    service = snapshot.services.get(name)
    if stable is None or service is None or _hash(service) == hash_of(stable):
        return draft
    if draft.routing is not None and draft.routing.split.canary > 0:
        have, want = available(stable), snapshot.replicas
        return draft.say(STAGE, "hold", f"Service {name} stays: stable has {have} of {want} pods available")
    return switch(snapshot, draft, name, stable, f"Service {name} goes to stable: aborted", stage=STAGE)


def _point(snapshot: Snapshot, draft: Draft, name: str, revision: ReplicaSet | None) -> Draft:
    service = snapshot.services.get(name)
    if service is None or revision is None or _hash(service) == hash_of(revision):
        return draft
    is_ours = keys.MANAGED_BY in service.metadata.annotations
    have, want = available(revision), revision.spec.replicas
    # A Service that already points at a revision needs one pod of the next; the first time all of them, since
    # until then it selects every pod.
    is_ready = (have > 0 or snapshot.replicas == 0) if is_ours else is_available(revision)
    if not is_ready:
        need = 1 if is_ours else want
        return draft.say(STAGE, "hold", f"Service {name} waits: {revision.metadata.name} has {have} of {need} pods")
    why = f"Service {name} goes to {revision.metadata.name}: {have} of {want} pods available"
    return switch(snapshot, draft, name, revision, why, stage=STAGE)


def _hash(service: Service) -> str:
    return service.spec.selector.get(keys.HASH_LABEL, "")
