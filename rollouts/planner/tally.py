"""The parts of a status that follow from what is observed and from the pause algebra (contract §2.1, §2.2)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from rollouts.api import keys
from rollouts.api.rollout import LabelSelector, PauseCondition, RolloutStatus
from rollouts.planner.draft import Draft
from rollouts.planner.snapshot import Snapshot

replace = msgspec.structs.replace


def counted(snapshot: Snapshot, status: RolloutStatus) -> RolloutStatus:
    """Pods of all revisions counted, and what of the specification this status speaks of."""
    every = [rs.status for rs in snapshot.replica_sets]
    replicas = sum(rs.replicas for rs in every)
    annotations = snapshot.rollout.metadata.annotations
    return replace(
        status,
        replicas=replicas,
        updated_replicas=snapshot.canary.status.replicas if snapshot.canary else 0,
        ready_replicas=sum(rs.ready_replicas for rs in every),
        available_replicas=sum(rs.available_replicas for rs in every),
        hpa_replicas=replicas,
        selector=selector_text(LabelSelector.model_validate(dict(snapshot.selector))),
        observed_generation=str(snapshot.rollout.metadata.generation),
        workload_observed_generation=annotations.get(keys.WORKLOAD_GENERATION, "") if snapshot.workload else "",
    )


def refreshed(snapshot: Snapshot, status: RolloutStatus) -> RolloutStatus:
    """Only what autoscalers read."""
    every = [rs.status for rs in snapshot.replica_sets]
    return replace(
        status,
        available_replicas=sum(rs.available_replicas for rs in every),
        hpa_replicas=sum(rs.replicas for rs in every),
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
