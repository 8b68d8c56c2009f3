"""From observed objects to a view of one Rollout. Objects are its own by the uid of their owner, never by name."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from rollouts.api import keys
from rollouts.api.analysis import AnalysisRun, MetricResult
from rollouts.api.kinds import CONTROLLER_REVISION, REPLICA_SET
from rollouts.api.meta import Json, Metadata
from rollouts.api.rollout import Rollout, RolloutStatus
from rollouts.api.workloads import ControllerRevision, ReplicaSet, StatefulSet
from rollouts.cli.views.model import (
    ImageView,
    MetricView,
    ReplicaCounts,
    ReplicaSetView,
    RevisionView,
    RolloutView,
    RunView,
)
from rollouts.cli.views.partitioned import revisions_of, workload_of
from rollouts.cli.views.phase import shown_phase
from rollouts.cli.views.pods import SeenPod, pod_view
from rollouts.cli.views.progress import canary_of, step_view, strategy_of, weight_view
from rollouts.planner.snapshot import deadline_of, hash_of, revision_of

_OTHER_SIDE: Final = {"ping": "pong", "pong": "ping"}


@dataclass(frozen=True, slots=True)
class Seen:
    """A Rollout and the objects among which its own are."""

    rollout: Rollout
    replica_sets: Sequence[ReplicaSet] = ()
    pods: Sequence[SeenPod] = ()
    runs: Sequence[AnalysisRun] = ()
    stateful_sets: Sequence[StatefulSet] = ()
    revisions: Sequence[ControllerRevision] = ()

    @property
    def workload(self) -> StatefulSet | None:
        """The StatefulSet that the Rollout releases."""
        return workload_of(self.rollout, self.stateful_sets)


def rollout_view(seen: Seen, now: datetime) -> RolloutView:
    """The view of *seen* at *now*."""
    rollout = seen.rollout
    phase, message = shown_phase(rollout)
    owned = _owned(seen, now)
    return RolloutView(
        namespace=rollout.metadata.namespace,
        name=rollout.metadata.name,
        at=now,
        created_at=rollout.metadata.creation_timestamp,
        phase=phase,
        message=message,
        strategy=strategy_of(rollout.spec),
        replicas=_counts(rollout, seen.workload),
        step=step_view(rollout),
        weight=weight_view(rollout, owned),
        images=tuple(_images(rollout, owned)),
        revisions=_revisions(seen, owned),
    )


def _owned(seen: Seen, now: datetime) -> list[ReplicaSet]:
    workload = seen.workload
    if workload is not None:
        return revisions_of(seen.rollout, workload, seen.pods, seen.revisions, now)
    return [rs for rs in seen.replica_sets if owner_of(rs.metadata) == seen.rollout.metadata.uid]


def owner_of(metadata: Metadata) -> str:
    """The uid of the object's controller, or ""."""
    return metadata.controller.uid if metadata.controller else ""


def _counts(rollout: Rollout, workload: StatefulSet | None) -> ReplicaCounts:
    status = rollout.status
    wanted = workload.spec.replicas if workload else rollout.spec.get("replicas")
    return ReplicaCounts(
        desired=1 if wanted is None else int(wanted),
        current=status.replicas,
        updated=status.updated_replicas,
        ready=status.ready_replicas,
        available=status.available_replicas,
    )


def tags_of(pod_hash: str, status: RolloutStatus, *, is_canary: bool) -> tuple[str, ...]:
    """The roles of the revision with *pod_hash*, as Argo Rollouts' clients name them."""
    stable, current = status.stable_rs, status.current_pod_hash
    side = status.canary.stable_ping_pong
    roles = {
        "canary": is_canary and pod_hash == current and pod_hash != stable,
        "stable": pod_hash == stable,
        "active": not is_canary and pod_hash == status.blue_green.active_selector,
        "preview": not is_canary and pod_hash == status.blue_green.preview_selector,
        side: bool(side) and pod_hash == stable,
        _OTHER_SIDE.get(side, ""): bool(side) and pod_hash == current != stable,
    }
    return tuple(role for role, holds in roles.items() if role and holds and pod_hash)


def _images(rollout: Rollout, owned: Iterable[ReplicaSet]) -> Iterable[ImageView]:
    """Images of revisions that have pods; of the template while none has."""
    is_canary = canary_of(rollout.spec) is not None
    tags: dict[str, dict[str, None]] = {}
    running = [rs for rs in owned if rs.spec.replicas or rs.status.replicas]
    for rs in sorted(running, key=lambda rs: -revision_of(rs.metadata)):
        for image in _images_of(rs.spec.template):
            tags.setdefault(image, {}).update(dict.fromkeys(tags_of(hash_of(rs), rollout.status, is_canary=is_canary)))
    if not running:
        tags = {image: {} for image in _images_of(rollout.spec.get("template") or {})}
    return (ImageView(image, tuple(roles)) for image, roles in sorted(tags.items()))


def _images_of(template: Json) -> list[str]:
    containers: list[dict[str, Any]] = (template.get("spec") or {}).get("containers") or []
    return [str(container.get("image", "")) for container in containers]


def _revisions(seen: Seen, owned: Iterable[ReplicaSet]) -> tuple[RevisionView, ...]:
    """Newest first; a revision without pods or runs worth showing is still shown."""
    is_canary = canary_of(seen.rollout.spec) is not None
    sets: dict[int, list[ReplicaSetView]] = {}
    runs: dict[int, list[RunView]] = {}
    for rs in sorted(owned, key=lambda rs: rs.metadata.name):
        tags = tags_of(hash_of(rs), seen.rollout.status, is_canary=is_canary)
        sets.setdefault(revision_of(rs.metadata), []).append(_replica_set_view(rs, tags, seen))
    for run in sorted(seen.runs, key=_begun):
        if owner_of(run.metadata) == seen.rollout.metadata.uid:
            runs.setdefault(revision_of(run.metadata), []).append(run_view(run))
    numbers = sorted(sets.keys() | runs.keys(), reverse=True)
    return tuple(RevisionView(n, tuple(sets.get(n, ())), tuple(runs.get(n, ()))) for n in numbers)


def _begun(run: AnalysisRun) -> tuple[float, str]:
    at = run.metadata.creation_timestamp
    return at.timestamp() if at else 0.0, run.metadata.name


def _replica_set_view(rs: ReplicaSet, tags: tuple[str, ...], seen: Seen) -> ReplicaSetView:
    workload = seen.workload
    mine = sorted((pod for pod in seen.pods if _is_of(pod, rs, workload)), key=_made)
    return ReplicaSetView(
        name=rs.metadata.name,
        hash=hash_of(rs),
        status=_replica_set_status(rs),
        tags=tags,
        desired=rs.spec.replicas,
        ready=rs.status.ready_replicas,
        available=rs.status.available_replicas,
        created_at=rs.metadata.creation_timestamp,
        scale_down_at=deadline_of(rs) if rs.spec.replicas else None,
        kind=CONTROLLER_REVISION.name if workload else REPLICA_SET.name,
        pods=tuple(pod_view(pod) for pod in mine),
    )


def _is_of(pod: SeenPod, rs: ReplicaSet, workload: StatefulSet | None) -> bool:
    """A ReplicaSet owns its pods; a StatefulSet owns those of all its revisions, which are told apart by a label."""
    if workload is None:
        return owner_of(pod.metadata) == rs.metadata.uid
    is_of_revision = pod.metadata.labels.get(keys.REVISION_LABEL) == rs.metadata.name
    return is_of_revision and owner_of(pod.metadata) == workload.metadata.uid


def _made(pod: SeenPod) -> tuple[float, str]:
    at = pod.metadata.creation_timestamp
    return at.timestamp() if at else 0.0, pod.metadata.name


def _replica_set_status(rs: ReplicaSet) -> str:
    if any(c.type == "ReplicaFailure" and c.status == "True" for c in rs.status.conditions):
        return "Degraded"
    if rs.spec.replicas == 0 and rs.status.replicas == 0:
        return "ScaledDown"
    return "Healthy" if rs.status.available_replicas == rs.spec.replicas == rs.status.replicas else "Progressing"


def run_view(run: AnalysisRun) -> RunView:
    """One AnalysisRun with its metrics in the order of their names."""
    results = sorted(run.status.metric_results, key=lambda result: result.name)
    return RunView(
        name=run.metadata.name,
        kind=run.metadata.labels.get(keys.RUN_TYPE_LABEL, ""),
        phase=run.status.phase or "Pending",
        message=run.status.message,
        created_at=run.metadata.creation_timestamp,
        metrics=tuple(_metric_view(result) for result in results),
    )


def _metric_view(result: MetricResult) -> MetricView:
    newest = result.measurements[-1] if result.measurements else None
    last = (newest.value or newest.message) if newest else result.message
    return MetricView(
        result.name, result.phase, result.successful, result.failed, result.inconclusive, result.error, last
    )


def later(view: RolloutView, now: datetime) -> RolloutView:
    """The same facts seen at a later moment: only ages and countdowns differ."""
    return RolloutView(**{name: getattr(view, name) for name in view.__struct_fields__ if name != "at"}, at=now)


def left_until(moment: datetime | None, now: datetime) -> timedelta | None:
    """How long until *moment*; None when there is none or it is over."""
    return moment - now if moment is not None and moment > now else None
