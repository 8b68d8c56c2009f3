"""From wanted counts to writes: sizes, deadlines and the events that tell of them (contract §3.6)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rollouts.api import keys, reasons
from rollouts.api.workloads import ReplicaSet
from rollouts.planner.actions import Announcement, UpdateReplicaSet
from rollouts.planner.arithmetic import Size, basic_canary, delayed_count, shrink_others
from rollouts.planner.conditions import get
from rollouts.planner.draft import Draft
from rollouts.planner.dynamic import is_dynamic, regained
from rollouts.planner.replicaset import merged
from rollouts.planner.serving import GRAIN, settling
from rollouts.planner.sizes import index_of, is_whole, planned, size_of, wanted_counts, weight_in_force
from rollouts.planner.snapshot import Snapshot, available, deadline_of, has_deadline, hash_of, revision_of, target
from rollouts.planner.takeover import room_beside
from rollouts.wire.durations import rfc3339


@dataclass(frozen=True, slots=True)
class Resize:
    """What becomes of one ReplicaSet: its size, and its scale-down deadline (None: none, "": as it is)."""

    revision: ReplicaSet
    replicas: int
    because: str
    deadline: str | None = ""


@dataclass(frozen=True, slots=True)
class Delay:
    """How long old pods stay, in how many old ReplicaSets at most (None: in all), and in how many they stay already."""

    length: timedelta
    limit: int | None
    taken: int = 0


def canary_sizes(snapshot: Snapshot, draft: Draft, now: datetime, *, stage: str) -> Draft:
    """Bring every ReplicaSet of a canary release one safe step closer to the size it should have."""
    if snapshot.routers:
        return _routed(snapshot, draft, now, stage)
    return _basic(snapshot, draft, stage)


def _basic(snapshot: Snapshot, draft: Draft, stage: str) -> Draft:
    """Without a router: stable first, the canary by what that leaves, then the others."""
    canary, stable = snapshot.canary, snapshot.stable
    if canary is None:
        return draft
    if stable is not None and stable is not canary:
        wanted = _basic_sizes(snapshot, draft)[1]
        draft = write(snapshot, draft, Resize(stable, wanted, _because(snapshot, draft), None), stage)
    wanted = _basic_sizes(snapshot, draft)[0]
    if draft.is_aborted and canary is not stable:
        # Ours: pods that are not available and never will be wanted must not take the room that stable needs.
        wanted = min(wanted, available(canary))
    wanted = room_beside(snapshot, draft, wanted)
    draft = write(snapshot, draft, Resize(canary, wanted, _because(snapshot, draft), None), stage)
    return draft if draft.sizes else _basic_others(snapshot, draft, stage)


def _because(snapshot: Snapshot, draft: Draft) -> str:
    if draft.is_aborted:
        return "the release is aborted"
    if draft.status.stable_rs == "":
        return "first deploy"
    if draft.is_promoted:
        return f"{snapshot.replicas} pods are wanted"
    if draft.status.promote_full:
        return "full promotion"
    index = index_of(snapshot, draft)
    if index is None or index == len(snapshot.steps):
        return "all steps are complete"
    return f"step {index + 1} of {len(snapshot.steps)}, {snapshot.steps[index].describe()}"


def _basic_sizes(snapshot: Snapshot, draft: Draft) -> tuple[int, int]:
    # What this plan already resized counts as resized: the arithmetic then says what the next pass would.
    canary, stable = snapshot.canary, snapshot.stable
    whole = is_whole(snapshot, draft)
    counts = basic_canary(
        snapshot.limits,
        snapshot.total if whole else weight_in_force(snapshot, draft),
        snapshot.total,
        _planned_size(canary, draft),
        None if stable is None or stable is canary else _planned_size(stable, draft),
        tuple(size_of(rs) for rs in snapshot.others),
    )
    return counts.canary, counts.stable


def _planned_size(revision: ReplicaSet | None, draft: Draft) -> Size:
    size = size_of(revision)
    return Size(planned(revision, draft), size.available)


def _basic_others(snapshot: Snapshot, draft: Draft, stage: str) -> Draft:
    """Older revisions: first what is not available anyway, then as much as availability allows, newest first."""
    active = [rs for rs in snapshot.others if rs.spec.replicas > 0]
    unhealthy = [rs for rs in active if rs.status.available_replicas < rs.spec.replicas]
    for revision in unhealthy:
        cut = Resize(revision, revision.status.available_replicas, "its missing pods are not waited for", None)
        draft = write(snapshot, draft, cut, stage)
    ordered = newest_first(active)
    every = sum(available(rs) for rs in snapshot.replica_sets)
    sizes = [Size(planned(rs, draft), rs.status.available_replicas) for rs in ordered]
    for revision, wanted in zip(ordered, shrink_others(snapshot.limits, every, sizes), strict=True):
        if wanted != planned(revision, draft):
            draft = write(snapshot, draft, Resize(revision, wanted, "its revision is no longer wanted", None), stage)
    return draft


def _routed(snapshot: Snapshot, draft: Draft, now: datetime, stage: str) -> Draft:
    """With a router: whole sizes, and old pods stay until traffic has left them and their delay is over."""
    canary, stable = snapshot.canary, snapshot.stable
    counts = wanted_counts(snapshot, draft)
    if stable is not None and stable is not canary:
        # One pod stays until the stable Service is switched: nginx answers 503 for a primary without endpoints.
        wanted = max(counts.stable, regained(snapshot, draft, stable), min(1, snapshot.replicas))
        change = Resize(stable, wanted, "it carries the stable traffic", None)
        draft = write(snapshot, draft, _unless_shifting(change, draft), stage)
    if canary is not None:
        wanted = room_beside(snapshot, draft, counts.canary)
        change = _unless_shifting(_aborted_canary(snapshot, draft, canary, wanted, now), draft)
        change, heard = _unless_left_just_now(snapshot, change, now)
        draft = write(snapshot, draft, change, stage).wake(pending(change, now)).wake(heard)
    return _routed_others(snapshot, draft, now, stage)


def _unless_shifting(change: Resize, draft: Draft) -> Resize:
    """Traffic before capacity when moving away: nothing shrinks while a shift is outstanding."""
    if draft.routing is None or draft.routing.is_in_effect or change.replicas >= change.revision.spec.replicas:
        return change
    return replace(change, replicas=change.revision.spec.replicas, because=draft.routing.hold)


def _unless_left_just_now(snapshot: Snapshot, change: Resize, now: datetime) -> tuple[Resize, datetime | None]:
    """A canary that may have been stable a moment ago keeps its pods until every proxy has heard who is stable now."""
    completed, size = get(snapshot.status.conditions, reasons.COMPLETED), change.revision.spec.replicas
    begun = completed.last_transition_time if completed and completed.status == "False" else None
    if begun is None or change.replicas >= size or change.revision is snapshot.stable or not settling(snapshot):
        return change, None
    at = begun + GRAIN + settling(snapshot)
    if now >= at:
        return change, None
    return replace(change, replicas=size, because=f"proxies may still take it for stable until {rfc3339(at)}"), at


def _aborted_canary(snapshot: Snapshot, draft: Draft, canary: ReplicaSet, wanted: int, now: datetime) -> Resize:
    """The canary's size; after an abort it stays until weight 0 is in effect, stable is whole and its delay is over."""
    delay = snapshot.strategy.abort_scale_down_delay
    if not draft.is_aborted or canary is snapshot.stable:
        return Resize(canary, wanted, _because(snapshot, draft), None)
    if is_dynamic(snapshot) and snapshot.strategy.abort_scale_down_delay_seconds is None:
        return Resize(canary, wanted, "aborted: its pods go as traffic leaves them", None)
    if delay is None:
        return Resize(canary, max(wanted, canary.spec.replicas), "abortScaleDownDelaySeconds is 0: it stays", None)
    at = deadline_of(canary)
    if at is not None:
        if now > at:
            return Resize(canary, 0, "aborted, and its delay is over")
        return Resize(canary, canary.spec.replicas, f"aborted: stays until {rfc3339(at)}")
    if canary.spec.replicas == 0:
        return Resize(canary, 0, "aborted", None)
    have = available(snapshot.stable)
    if have < snapshot.replicas:
        return Resize(canary, canary.spec.replicas, f"stable has {have} of {snapshot.replicas} pods", None)
    if draft.routing is None or not draft.routing.is_in_effect or draft.routing.split.canary > 0:
        return Resize(canary, canary.spec.replicas, "weight 0 is not in effect yet", None)
    return Resize(canary, canary.spec.replicas, "aborted: its delay begins", rfc3339(now + delay))


def pending(change: Resize, now: datetime) -> datetime | None:
    """When the delay of a ReplicaSet that still has pods is over."""
    at = deadline_of(change.revision)
    return at + timedelta(seconds=1) if at is not None and at >= now and change.replicas > 0 else None


def _routed_others(snapshot: Snapshot, draft: Draft, now: datetime, stage: str) -> Draft:
    if draft.routing is None or not draft.routing.is_in_effect:
        return draft
    strategy = snapshot.strategy
    delay = Delay(strategy.scale_down_delay, strategy.scale_down_delay_revision_limit)
    for revision in newest_first(snapshot.others):
        if revision.spec.replicas == 0 or _is_referenced(snapshot, draft, revision):
            continue
        change = _old(draft, revision, delay, now)
        if is_dynamic(snapshot):
            change = Resize(revision, 0, "dynamicStableScale: no traffic is left for it", None)
        delay = replace(delay, taken=delay.taken + (change.replicas > 0))
        draft = write(snapshot, draft, change, stage).wake(pending(change, now))
    return draft


def newest_first(revisions: Iterable[ReplicaSet]) -> list[ReplicaSet]:
    """By their numbers, the highest first."""
    return sorted(revisions, key=lambda rs: revision_of(rs.metadata), reverse=True)


def _is_referenced(snapshot: Snapshot, draft: Draft, revision: ReplicaSet) -> bool:
    """A Service of ours still points at it, or weights as they were still name it while traffic flows to the canary."""
    names = (snapshot.strategy.stable_service, snapshot.strategy.canary_service)
    found = (snapshot.services.get(name) for name in names if name)
    pointed = {service.spec.selector.get(keys.HASH_LABEL) for service in found if service}
    return hash_of(revision) in {*pointed, draft.status.stable_rs, draft.status.current_pod_hash}


def _old(draft: Draft, revision: ReplicaSet, delay: Delay, now: datetime) -> Resize:
    """An old revision after promotion keeps its pods for a delay; one abandoned in mid-release goes at once."""
    if not (draft.is_promoted or has_deadline(revision)):
        return Resize(revision, 0, "its release was superseded", None)
    return after_delay(revision, revision.spec.replicas, delay, now)


def after_delay(revision: ReplicaSet, kept: int, delay: Delay, now: datetime) -> Resize:
    """The ReplicaSet of an old revision: *kept* pods until its deadline, which begins now if it has none; then 0."""
    at = deadline_of(revision)
    is_over_limit = delay.limit is not None and delay.taken >= delay.limit
    is_expired = now > at if at is not None else not delay.length
    size = delayed_count(revision.spec.replicas, kept, is_over_limit=is_over_limit, is_expired=is_expired)
    if is_over_limit:
        return Resize(revision, size, f"{delay.limit} old revisions keep their pods", None)
    if is_expired:
        return Resize(revision, size, "its delay is over" if at else "no delay is wanted", None)
    if at is None:
        return Resize(revision, size, "its delay begins", rfc3339(now + delay.length))
    return Resize(revision, size, f"stays until {rfc3339(at)}")


def write(snapshot: Snapshot, draft: Draft, change: Resize, stage: str) -> Draft:
    """One write for size, `desired-replicas` and deadline together; nothing when all are as wanted."""
    revision = change.revision
    annotations = _annotations(snapshot, draft, change)
    scaled = change.replicas != planned(revision, draft)
    if not scaled and not annotations:
        return draft
    events = (_told(revision, change.replicas),) if scaled else ()
    update = UpdateReplicaSet(
        target(revision.metadata),
        _sentence(revision, change),
        change.replicas if scaled else None,
        annotations,
        events=events,
    )
    if scaled:
        draft = replace(draft, sizes={**draft.sizes, revision.metadata.name: change.replicas})
    return merged(draft, update, stage)


def _annotations(snapshot: Snapshot, draft: Draft, change: Resize) -> dict[str, str | None]:
    current = change.revision.metadata.annotations
    wanted = _verdict(snapshot, draft, change.revision)
    if change.revision.spec.replicas > 0 or change.replicas > 0:
        wanted[keys.DESIRED_REPLICAS] = str(snapshot.replicas)
        if change.deadline != "":
            wanted[keys.SCALE_DOWN_DEADLINE] = change.deadline
    return {key: value for key, value in wanted.items() if current.get(key) != value}


def _verdict(snapshot: Snapshot, draft: Draft, revision: ReplicaSet) -> dict[str, str | None]:
    """Whether its release was aborted: until it is promoted, no return to it is a quick one."""
    if revision is not snapshot.canary:
        return {}
    if draft.is_promoted:
        return {keys.ABORTED: None}
    return {keys.ABORTED: "true"} if draft.is_aborted else {}


def _sentence(revision: ReplicaSet, change: Resize) -> str:
    name, old = revision.metadata.name, revision.spec.replicas
    size = f"{old} → {change.replicas}" if change.replicas != old else f"stays {old}"
    return f"{name} {size}: {change.because}"


def _told(revision: ReplicaSet, replicas: int) -> Announcement:
    old = revision.spec.replicas
    way = "up" if replicas > old else "down"
    number = revision_of(revision.metadata)
    text = f"Scaled {way} ReplicaSet {revision.metadata.name} (revision {number}) from {old} to {replicas}"
    return Announcement("ScalingReplicaSet", text)
