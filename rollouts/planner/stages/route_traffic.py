"""The split wanted now, written where it differs, and whether it is in effect.

Weights follow pods: no weight to a revision before its Service points at it and has its pods, and no weight back to
the stable side faster than its available pods carry it. When nothing is being released routes are as users wrote them.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from rollouts.api import keys
from rollouts.api.rollout import SetHeaderRoute, SetMirrorRoute, TrafficWeights, WeightDestination
from rollouts.api.workloads import ReplicaSet
from rollouts.planner.actions import Announcement, ChangeRoute
from rollouts.planner.conditions import get
from rollouts.planner.draft import Draft, Routing
from rollouts.planner.dynamic import full_share, is_dynamic, returned
from rollouts.planner.places import relief, too_few
from rollouts.planner.serving import HANDOVER, forget, note, settling, unheard
from rollouts.planner.sizes import index_of, is_whole
from rollouts.planner.snapshot import Snapshot, available
from rollouts.steps.base import goal_of
from trafficrouters.base import BoundRouter, TrafficSplit

STAGE: Final = "route_traffic"


def route_traffic(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Decide the split, write it through every router, and say whether it is in effect."""
    if not snapshot.routers:
        return draft.with_canary(weights=None)
    draft = _note_serving(snapshot, draft, now)
    wanted, why = _wanted(snapshot, draft, now)
    weight, capped = _within_capacity(snapshot, draft, wanted)
    split = _split(snapshot, draft, weight, now)
    if split is None:
        return draft.say(STAGE, "hold", capped or "no traffic before the first pods are available")
    draft = _write(snapshot, draft, split)
    hold, until = _outstanding(snapshot, split, now)
    draft = replace(draft, routing=Routing(split, hold or capped, wanted))
    draft = draft.wake(until).wake(_handover(snapshot, draft, now))
    draft = _record(snapshot, draft, split, is_verified=not hold)
    return draft.say(
        STAGE, "hold" if hold or capped else "pass", hold or capped or f"weight {weight} is in effect: {why}"
    )


def _note_serving(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Keep the note of the revision to which weight is to move: the canary, or what was promoted."""
    revision = snapshot.canary
    if revision is None:
        return draft
    strategy = snapshot.strategy
    name = strategy.stable_service if draft.is_promoted else strategy.canary_service
    late = _not_with_stable(snapshot, draft, name) if draft.is_promoted else _not_pointed(snapshot, revision)
    return forget(snapshot, draft, revision, name) if late else note(snapshot, draft, revision, name, now)


def _wanted(snapshot: Snapshot, draft: Draft, now: datetime) -> tuple[int, str]:
    """The canary's weight by the contract's table (§3.8), and the row that applied."""
    canary = snapshot.canary
    if draft.is_promoted:
        return _after_promotion(snapshot, draft, now)
    if _nobody_else(snapshot, draft):
        return snapshot.total, "no pod of the stable revision is left"
    if draft.is_aborted:
        return (returned(snapshot, draft) if is_dynamic(snapshot) else 0), "the release is aborted"
    if canary is None or available(canary) == 0:
        return 0, "the canary has no available pod"
    unready = _not_pointed(snapshot, canary)
    if unready:
        return 0, unready
    if draft.status.promote_full and snapshot.ordinals is None:
        return _fully_promoting(snapshot)
    index = _step(snapshot, draft)
    if index is None:
        return 0, "there are no steps: traffic moves with the Service at promotion"
    is_last = index == len(snapshot.steps)
    target = snapshot.total if is_last else goal_of(snapshot.steps[: index + 1]).weight
    missing = too_few(snapshot, draft)
    unknown = unheard(snapshot, canary, snapshot.strategy.canary_service, now)
    if unknown and target > _current(snapshot):
        return _current(snapshot), unknown
    if missing and target > _current(snapshot):
        least = max(_current(snapshot), goal_of(snapshot.steps[:index]).weight, relief(snapshot, draft))
        return min(target, least), missing
    return target, "all steps are complete" if is_last else f"step {index + 1} of {len(snapshot.steps)}"


def _fully_promoting(snapshot: Snapshot) -> tuple[int, str]:
    if is_dynamic(snapshot):
        return max(_current(snapshot), full_share(snapshot)), "a full promotion moves weight as pods come"
    return _current(snapshot), "a full promotion keeps the split until all pods are there"


def _step(snapshot: Snapshot, draft: Draft) -> int | None:
    """The current step's index, their number for none left; None where traffic follows no steps.

    The last place of a StatefulSet is given up only when all weight has left it, also where no step says so.
    """
    index = index_of(snapshot, draft)
    if snapshot.ordinals is not None and (index is None or draft.status.promote_full):
        return len(snapshot.steps)
    return index


def _nobody_else(snapshot: Snapshot, draft: Draft) -> bool:
    """All places of a StatefulSet are the canary's: only there anybody can answer."""
    stable, canary = snapshot.of_hash(draft.status.stable_rs), snapshot.canary
    if snapshot.ordinals is None or stable is None or canary is None or stable.spec.replicas:
        return False
    return available(canary) > 0 and not _not_pointed(snapshot, canary)


def _current(snapshot: Snapshot) -> int:
    weights = snapshot.status.canary.weights
    return weights.canary.weight if weights else 0


def _not_pointed(snapshot: Snapshot, canary: ReplicaSet) -> str:
    """Why the canary's Service cannot carry weight yet."""
    name = snapshot.strategy.canary_service
    service = snapshot.services.get(name)
    if service is None or service.spec.selector.get(keys.HASH_LABEL) != snapshot.canary_hash:
        return f"Service {name} does not point at the canary yet"
    if snapshot.ready_pods(name, canary) == 0:
        return f"Service {name} has no ready endpoint of the canary yet"
    return ""


def _after_promotion(snapshot: Snapshot, draft: Draft, now: datetime) -> tuple[int, str]:
    """Weight stays with the canary's Service until the stable Service has the same pods behind it."""
    name = snapshot.strategy.stable_service
    late = _not_with_stable(snapshot, draft, name)
    if not late and snapshot.canary is not None:
        late = unheard(snapshot, snapshot.canary, name, now)
    current = _current(snapshot)
    if late and current and snapshot.stable is snapshot.canary:
        return current, late
    return 0, "nothing is being released"


def _not_with_stable(snapshot: Snapshot, draft: Draft, name: str) -> str:
    """Why Service *name* does not lead to the stable revision alone; "" when it does."""
    service = snapshot.services.get(name)
    stable = snapshot.of_hash(draft.status.stable_rs)
    if service is None or stable is None:
        return f"Service {name} has nothing to point at yet"
    if service.spec.selector.get(keys.HASH_LABEL) != draft.status.stable_rs:
        return f"Service {name} does not point at the stable revision yet"
    if snapshot.ready_pods(name, stable) == 0 and snapshot.replicas > 0:
        return f"Service {name} has no ready endpoint of the stable revision yet"
    left = snapshot.foreign_pods(name, stable)
    return f"Service {name} still has {left} endpoints of another revision" if left else ""


def _within_capacity(snapshot: Snapshot, draft: Draft, wanted: int) -> tuple[int, str]:
    """*wanted*, or the least canary weight that leaves the stable side no more than its pods can carry."""
    if snapshot.ordinals is not None:
        # Places are shared: the stable side regains pods only after traffic has left the canary's.
        return wanted, ""
    total = snapshot.total
    have = available(snapshot.of_hash(draft.status.stable_rs))
    current = _current(snapshot)
    if have >= (total - wanted) * snapshot.replicas // total or wanted >= current:
        return wanted, ""
    carried = have * total // snapshot.replicas
    least = min(current, max(wanted, total - carried))
    text = f"weight stays {least}, going to {wanted}: stable has {have} of {snapshot.replicas} pods available"
    return least, text if least > wanted else ""


def _split(snapshot: Snapshot, draft: Draft, weight: int, now: datetime) -> TrafficSplit | None:
    """The whole split; None while nothing was ever routed and the first pods are not all there."""
    have = available(snapshot.of_hash(draft.status.stable_rs))
    if snapshot.status.canary.weights is None and not _has_first_pods(snapshot, draft, have):
        return None
    split = TrafficSplit(
        canary=weight,
        total=snapshot.total,
        canary_service=snapshot.strategy.canary_service,
        stable_service=snapshot.strategy.stable_service,
        canary_hash=draft.status.current_pod_hash,
        stable_hash=draft.status.stable_rs,
        routes=_routes(snapshot, draft),
        managed=snapshot.routers[0].scope.managed,
    )
    idle = replace(split, is_idle=True)
    return idle if weight == 0 and _is_idle(snapshot, draft, idle, now) else split


def _has_first_pods(snapshot: Snapshot, draft: Draft, have: int) -> bool:
    """All of the stable revision; of a StatefulSet, which was there before us, any of either.

    Ours: a stable revision that never came up does not block a canary that did.
    """
    if snapshot.ordinals is not None:
        return have + available(snapshot.canary) > 0 or snapshot.replicas == 0
    if have >= snapshot.replicas:
        return True
    canary = snapshot.canary
    is_releasing = draft.status.stable_rs != "" and not draft.is_promoted and not draft.is_aborted
    return is_releasing and canary is not None and available(canary) > 0 and not _not_pointed(snapshot, canary)


def _routes(snapshot: Snapshot, draft: Draft) -> tuple[SetHeaderRoute | SetMirrorRoute, ...]:
    """Header and mirror routes in force: none once released or aborted, and none before the canary has pods."""
    canary = snapshot.canary
    if draft.is_aborted or is_whole(snapshot, draft) or canary is None or _not_pointed(snapshot, canary):
        return ()
    index = index_of(snapshot, draft) or 0
    return goal_of(snapshot.steps[: index + 1]).routes


def _is_idle(snapshot: Snapshot, draft: Draft, idle: TrafficSplit, now: datetime) -> bool:
    """Nothing is being released, and the user's routes are given back already or may be by now.

    They may be once both Services lead to the stable pods alone, long enough for proxies to know.
    """
    if not (draft.is_promoted or draft.is_aborted):
        return False
    if not any(bound.router.render(bound.config, bound.scope, idle, snapshot.routes) for bound in snapshot.routers):
        return True
    names = (snapshot.strategy.stable_service, snapshot.strategy.canary_service)
    if any(_not_with_stable(snapshot, draft, name) for name in names):
        return False
    since = _ended(snapshot, draft, now)
    return since is None or now >= since + max(HANDOVER, settling(snapshot))


def _handover(snapshot: Snapshot, draft: Draft, now: datetime) -> datetime | None:
    """When the user's routes may be given back, if that is still to come."""
    since = _ended(snapshot, draft, now)
    handover = max(HANDOVER, settling(snapshot))
    return since + handover if since is not None and since + handover > now else None


def _ended(snapshot: Snapshot, draft: Draft, now: datetime) -> datetime | None:
    """When the last release ended; None when there was none.

    An abort without a time is new, though a crash may have come after Services and weights had followed it.
    """
    if draft.is_aborted:
        return draft.status.aborted_at or now
    completed = get(snapshot.status.conditions, "Completed")
    return completed.last_transition_time if completed else None


def _write(snapshot: Snapshot, draft: Draft, split: TrafficSplit) -> Draft:
    for bound in snapshot.routers:
        for change in bound.router.render(bound.config, bound.scope, split, snapshot.routes):
            said = (Announcement(change.event.reason, change.event.message),) if change.event else ()
            draft = draft.act(ChangeRoute(change, change.because, said), stage=STAGE)
    return draft


def _outstanding(snapshot: Snapshot, split: TrafficSplit, now: datetime) -> tuple[str, datetime | None]:
    """Why the split is not in effect, and when time alone may change that."""
    for bound in snapshot.routers:
        text, until = _router_waits(bound, split, snapshot, now)
        if text:
            return text, until
    return "", None


def _router_waits(
    bound: BoundRouter[Any], split: TrafficSplit, snapshot: Snapshot, now: datetime
) -> tuple[str, datetime | None]:
    router, config, scope = bound.router, bound.config, bound.scope
    if router.render(config, scope, split, snapshot.routes):
        return f"{bound.key}: weight {split.canary} is being written", None
    waits = router.waits(config, scope, split, snapshot.routes)
    if waits:
        return waits[0], None
    until = router.settles_at(config, scope, snapshot.routes)
    if until is not None and now < until:
        left = (until - now).total_seconds()
        return f"{bound.key}: weight {split.canary} settles for another {left:.1f} s", until
    return "", None


def _record(snapshot: Snapshot, draft: Draft, split: TrafficSplit, *, is_verified: bool) -> Draft:
    """Weights as clients read them, and the Event that tells of a change."""
    strategy, old = snapshot.strategy, snapshot.status.canary.weights
    new = TrafficWeights(
        canary=WeightDestination(split.canary, strategy.canary_service, split.canary_hash),
        stable=WeightDestination(split.stable, strategy.stable_service, split.stable_hash),
        verified=is_verified,
    )
    told = _told(old, new)
    events = [Announcement("TrafficWeightUpdated", told)] * len(snapshot.routers) if told is not None else []
    return draft.with_canary(weights=new).announce(*events)


def _told(old: TrafficWeights | None, new: TrafficWeights) -> str | None:
    if old is None:
        return f"Traffic weight updated to {new.canary.weight}"
    if old.canary.weight != new.canary.weight:
        return f"Traffic weight updated from {old.canary.weight} to {new.canary.weight}"
    changed = (old.canary, old.stable) != (new.canary, new.stable)
    return "Traffic weight updated " if changed else None
