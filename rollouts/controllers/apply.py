"""Writes a plan: its actions in order up to the first that is refused, the status last. Nothing is read here.

Every write is bound to the version that was seen, or creates an object whose name follows from the plan: doing it
again does no harm.
"""

from dataclasses import dataclass
from typing import Final, assert_never

from rollouts.api.keys import HASH_LABEL, MANAGED_BY
from rollouts.api.kinds import ANALYSIS_RUN, DEPLOYMENT, REPLICA_SET, ROLLOUT, SERVICE
from rollouts.api.meta import Json
from rollouts.api.rollout import RolloutStatus, status_dict
from rollouts.controllers.writes import Writer, Written
from rollouts.kube.client import Client
from rollouts.kube.errors import AlreadyExists, ApiError, Conflict, Forbidden, Invalid, NotFound
from rollouts.planner.actions import (
    Action,
    AdoptReplicaSet,
    ChangeRoute,
    CreateAnalysisRun,
    CreateReplicaSet,
    DeleteAnalysisRun,
    DeleteReplicaSet,
    EditRollout,
    ReleaseReplicaSet,
    ScaleDeployment,
    SwitchService,
    Target,
    TerminateAnalysisRun,
    UpdateReplicaSet,
)
from rollouts.planner.draft import Plan
from rollouts.planner.snapshot import Snapshot, target
from rollouts.wire.mergepatch import diff
from trafficrouters.base import CreateRoute, PatchRoute, RouteChange

# What cannot be decoded into its kind (a number where text must stand), and what is too large.
UNREADABLE: Final = frozenset({400, 413})


@dataclass(frozen=True)
class Refusal:
    """What ended a plan early; *action* is None where it was the status."""

    action: Action | None
    error: ApiError

    @property
    def is_stale(self) -> bool:
        """The plan was made from a past that is over: the next snapshot decides, nobody has to hear of it."""
        return isinstance(self.error, Conflict | NotFound | AlreadyExists)

    @property
    def is_name_taken(self) -> bool:
        """A ReplicaSet of that name exists."""
        return isinstance(self.action, CreateReplicaSet) and isinstance(self.error, AlreadyExists)

    @property
    def is_verdict(self) -> bool:
        """The object itself is refused, by a quota, a policy or its own form: the same again will not pass either."""
        return isinstance(self.error, Invalid | Forbidden) or self.error.status in UNREADABLE


@dataclass(frozen=True)
class Receipt:
    """What was written: actions accepted, versions to wait for, whether the status was, and what ended it early."""

    done: tuple[Action, ...] = ()
    written: tuple[Written, ...] = ()
    status_written: bool = False
    refusal: Refusal | None = None


async def apply(plan: Plan, snapshot: Snapshot, client: Client) -> Receipt:
    """Write *plan*, made from *snapshot*. Refusals are in the receipt; raises only what is no answer to a write."""
    writer, done = Writer(client), 0
    try:
        for action in plan.actions:
            await _carry_out(action, writer)
            done += 1
        status_written = await write_status(writer, snapshot, plan.status)
    except ApiError as error:
        refused = plan.actions[done] if done < len(plan.actions) else None
        return Receipt(plan.actions[:done], tuple(writer.written), refusal=Refusal(refused, error))
    return Receipt(plan.actions, tuple(writer.written), status_written)


async def write_status(writer: Writer, snapshot: Snapshot, status: RolloutStatus) -> bool:
    """Write what differs between the Rollout's status as seen and *status*; whether anything does.

    Fields of the stored status that we do not know are left alone.
    """
    before = {} if snapshot.status == RolloutStatus() else status_dict(snapshot.status)
    patch = diff(before, status_dict(status)) if status != snapshot.status else {}
    if patch:
        await writer.patch(ROLLOUT, target(snapshot.rollout.metadata), {"status": patch}, subresource="status")
    return bool(patch)


async def _carry_out(action: Action, writer: Writer) -> None:
    match action:
        case CreateReplicaSet(key=key, body=body):
            await writer.create(REPLICA_SET, key, body)
        case UpdateReplicaSet(target=seen):
            await writer.patch(REPLICA_SET, seen, _replica_set_patch(action))
        case DeleteReplicaSet(target=seen):
            await writer.delete(REPLICA_SET, seen)
        case AdoptReplicaSet(target=seen, owners=owners) | ReleaseReplicaSet(target=seen, owners=owners):
            await writer.patch(REPLICA_SET, seen, {"metadata": {"ownerReferences": owners}})
        case EditRollout(target=seen, patch=patch):
            await writer.patch(ROLLOUT, seen, patch)
        case SwitchService(target=seen):
            await writer.patch(SERVICE, seen, _service_patch(action))
        case ChangeRoute(change=change):
            await _change_route(change, writer)
        case CreateAnalysisRun(key=key, body=body):
            await writer.create(ANALYSIS_RUN, key, body)
        case TerminateAnalysisRun(target=seen):
            # its status may be written at any moment, and that is no reason for it to go on
            await writer.patch_any(ANALYSIS_RUN, seen, {"spec": {"terminate": True}})
        case DeleteAnalysisRun(target=seen):
            await writer.delete(ANALYSIS_RUN, seen)
        case ScaleDeployment(target=seen, replicas=replicas):
            await writer.patch(DEPLOYMENT, seen, {"spec": {"replicas": replicas}})
        case _:
            assert_never(action)


async def _change_route(change: RouteChange, writer: Writer) -> None:
    match change:
        case CreateRoute(ref=ref, body=body):
            await writer.create(ref.kind, ref.key, body)
        case PatchRoute(ref=ref, patch=patch, resource_version=version):
            await writer.patch(ref.kind, Target(ref.key, "", version), patch)
        case _:
            assert_never(change)


def _replica_set_patch(update: UpdateReplicaSet) -> Json:
    fields = {"replicas": update.replicas, "minReadySeconds": update.min_ready_seconds}
    spec = {name: value for name, value in fields.items() if value is not None}
    return _without_empty({"metadata": _without_empty({"annotations": dict(update.annotations or {})}), "spec": spec})


def _service_patch(switch: SwitchService) -> Json:
    return {
        "metadata": {"annotations": {MANAGED_BY: switch.managed_by}},
        "spec": {"selector": {HASH_LABEL: switch.hash}},
    }


def _without_empty(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value}
