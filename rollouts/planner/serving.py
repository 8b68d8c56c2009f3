"""Since when a revision stands behind its Service, noted on its ReplicaSet: proxies hear of it later than we do.

Data planes learn of endpoints and of routes by separate watches. A weight must not arrive before the pods that it is
for, so it is written a settling time after they became endpoints. A note on the ReplicaSet survives every crash.
"""

from datetime import datetime, timedelta

from rollouts.api import keys
from rollouts.api.workloads import ReplicaSet
from rollouts.planner.actions import UpdateReplicaSet
from rollouts.planner.draft import Draft
from rollouts.planner.partition import keeping
from rollouts.planner.snapshot import Snapshot, target
from rollouts.wire.durations import parse_rfc3339, rfc3339

STAGE = "route_traffic"
# Times are noted in whole seconds.
GRAIN = timedelta(seconds=1)
# Proxies learn of endpoints and of routes by separate watches: nothing is given back or goes before they know of both.
# Counted from a whole second, so between one and two.
HANDOVER = timedelta(seconds=2)


def settling(snapshot: Snapshot) -> timedelta:
    """The longest time any of the routers' data planes needs."""
    return max((bound.scope.settle for bound in snapshot.routers), default=timedelta())


def heard_at(snapshot: Snapshot, revision: ReplicaSet, service: str) -> datetime | None:
    """When proxies have certainly heard that *revision* stands behind *service*; None when it is not noted."""
    name, _, time = revision.metadata.annotations.get(keys.SERVING, "").partition("@")
    try:
        return parse_rfc3339(time) + GRAIN + settling(snapshot) if name == service else None
    except ValueError:
        return None


def unheard(snapshot: Snapshot, revision: ReplicaSet, service: str, now: datetime) -> str:
    """Why proxies may not know yet that *revision* stands behind *service*."""
    if not settling(snapshot):
        return ""
    at = heard_at(snapshot, revision, service)
    if at is None or now < at:
        when = f"until {rfc3339(at)}" if at else "from now on"
        return f"Service {service}: proxies hear of the pods of {revision.metadata.name} {when}"
    return ""


def note(snapshot: Snapshot, draft: Draft, revision: ReplicaSet, service: str, now: datetime) -> Draft:
    """Note that *revision* stands behind *service*; wake when proxies have heard of it."""
    if not settling(snapshot):
        return draft
    at = heard_at(snapshot, revision, service)
    if at is not None:
        return draft.wake(at) if now < at else draft
    why = f"{revision.metadata.name} stands behind Service {service}"
    return _annotate(snapshot, draft, revision, f"{service}@{rfc3339(now)}", why)


def forget(snapshot: Snapshot, draft: Draft, revision: ReplicaSet, service: str) -> Draft:
    """Take back that *revision* stands behind *service*."""
    if heard_at(snapshot, revision, service) is None:
        return draft
    why = f"{revision.metadata.name} no longer stands behind Service {service}"
    return _annotate(snapshot, draft, revision, None, why)


def _annotate(snapshot: Snapshot, draft: Draft, revision: ReplicaSet, value: str | None, why: str) -> Draft:
    if snapshot.ordinals is not None:
        # A StatefulSet's revisions have no object of ours.
        return keeping(draft, serving=f"{revision.metadata.name} {value}" if value else "")
    return draft.act(UpdateReplicaSet(target(revision.metadata), why, annotations={keys.SERVING: value}), stage=STAGE)
