"""The parts of a status that follow from what is observed and from the pause algebra (contract §2.1, §2.2)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from rollouts.api import keys
from rollouts.api.meta import Json
from rollouts.api.rollout import (
    BlueGreenStatus,
    BlueGreenStrategy,
    CanaryStatus,
    LabelSelector,
    PauseCondition,
    RolloutStatus,
)
from rollouts.api.workloads import ReplicaSet
from rollouts.planner.bluegreen import selected, selected_soon, strategy_of
from rollouts.planner.draft import Draft
from rollouts.planner.snapshot import Snapshot

replace = msgspec.structs.replace


def counted(snapshot: Snapshot, draft: Draft) -> RolloutStatus:
    """Pods counted, and what of the specification this status speaks of."""
    every = [rs.status for rs in snapshot.replica_sets]
    served = _served(snapshot, draft)
    annotations = snapshot.rollout.metadata.annotations
    return replace(
        draft.status,
        replicas=sum(rs.replicas for rs in every),
        updated_replicas=snapshot.canary.status.replicas if snapshot.canary else 0,
        ready_replicas=sum(rs.status.ready_replicas for rs in served),
        available_replicas=sum(rs.status.available_replicas for rs in served),
        hpa_replicas=sum(rs.status.replicas for rs in served),
        selector=selector_text(LabelSelector.model_validate(dict(_selector(snapshot, draft)))),
        observed_generation=str(snapshot.rollout.metadata.generation),
        workload_observed_generation=annotations.get(keys.WORKLOAD_GENERATION, "") if snapshot.workload else "",
        **_of_strategy(snapshot, draft),
    )


def _active(snapshot: Snapshot, draft: Draft) -> ReplicaSet | None:
    strategy = strategy_of(snapshot)
    return snapshot.of_hash(_active_hash(snapshot, draft, strategy)) if strategy else None


def _active_hash(snapshot: Snapshot, draft: Draft, strategy: BlueGreenStrategy) -> str:
    """A first deploy is whole with its switch; of a release the switch is told when it is seen."""
    if draft.is_promoted:
        return selected_soon(snapshot, draft, strategy.active_service)
    return selected(snapshot, strategy.active_service)


def _served(snapshot: Snapshot, draft: Draft) -> tuple[ReplicaSet, ...]:
    """Revisions whose pods count as the Rollout's: in blue-green the active one, once there is one."""
    current = _active(snapshot, draft)
    return snapshot.replica_sets if current is None else (current,)


def _selector(snapshot: Snapshot, draft: Draft) -> Json:
    current = _active(snapshot, draft)
    return snapshot.selector if current is None else current.spec.selector


def _of_strategy(snapshot: Snapshot, draft: Draft) -> dict[str, Any]:
    """What only one strategy keeps; nothing is left of the other when a Rollout changes it."""
    strategy = strategy_of(snapshot)
    if strategy is None:
        return {"blue_green": BlueGreenStatus()}
    selectors = {
        "active_selector": _active_hash(snapshot, draft, strategy),
        "preview_selector": selected_soon(snapshot, draft, strategy.preview_service),
    }
    kept = replace(draft.status.blue_green, **selectors)
    return {"canary": CanaryStatus(), "blue_green": kept, "current_step_index": None}


def refreshed(snapshot: Snapshot, draft: Draft) -> RolloutStatus:
    """Only what autoscalers read."""
    served = _served(snapshot, draft)
    return replace(
        draft.status,
        available_replicas=sum(rs.status.available_replicas for rs in served),
        hpa_replicas=sum(rs.status.replicas for rs in served),
        observed_generation=str(snapshot.rollout.metadata.generation),
    )


def selector_text(selector: LabelSelector) -> str:
    """A label selector as Kubernetes writes it: `app=web,tier in (a,b)`, sorted by key; `<none>` when empty."""
    parts = [(key, f"{key}={value}") for key, value in selector.match_labels.items()]
    parts += [(e.key, _expression(e.key, e.operator, e.values)) for e in selector.match_expressions]
    return ",".join(text for _, text in sorted(parts)) or "<none>"


def _expression(key: str, operator: str, values: Iterable[str]) -> str:
    match operator:
        case "Exists":
            return key
        case "DoesNotExist":
            return f"!{key}"
    word = "in" if operator == "In" else "notin"
    return f"{key} {word} ({','.join(sorted(values))})"


def settled(snapshot: Snapshot, draft: Draft, now: datetime) -> dict[str, Any]:
    """abort, abortedAt, pauseConditions and controllerPause after everything that stages asked for."""
    pauses, status = draft.pauses, draft.status
    if draft.is_aborted and not draft.is_promoted:
        since = snapshot.status.aborted_at or now
        return {"abort": True, "aborted_at": since, "pause_conditions": (), "controller_pause": False}
    over = {"abort": False, "aborted_at": None}
    if pauses.clear_all:
        return {**over, "pause_conditions": (), "controller_pause": False}
    kept = tuple(p for p in status.pause_conditions if p.reason not in pauses.removed)
    have = {p.reason for p in kept}
    added = tuple(PauseCondition(reason, now) for reason in pauses.added if reason not in have)
    conditions = kept + added
    ended = not conditions and bool(pauses.removed or pauses.added)
    controller = bool(added) or (status.controller_pause and not ended)
    return {**over, "pause_conditions": conditions, "controller_pause": controller}
