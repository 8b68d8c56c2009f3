"""One action of a plan as the one write it takes."""

from typing import assert_never

from rollouts.api.kinds import ANALYSIS_RUN, DEPLOYMENT, POD, REPLICA_SET, ROLLOUT, SERVICE, STATEFUL_SET
from rollouts.controllers.writes import Writer
from rollouts.planner.actions import (
    Action,
    AdoptReplicaSet,
    ChangeRoute,
    CreateAnalysisRun,
    CreateReplicaSet,
    CreateService,
    DeleteAnalysisRun,
    DeletePod,
    DeleteReplicaSet,
    EditRollout,
    EvictPod,
    FreeService,
    LabelPod,
    PatchStatefulSet,
    ReleaseReplicaSet,
    ReleaseService,
    ScaleDeployment,
    SwitchService,
    Target,
    TerminateAnalysisRun,
    UpdateReplicaSet,
)
from rollouts.planner.replicaset import patch_of
from rollouts.planner.servicepatch import service_patch
from trafficrouters.base import CreateRoute, PatchRoute, RouteChange

OnReplicaSet = CreateReplicaSet | UpdateReplicaSet | DeleteReplicaSet | AdoptReplicaSet | ReleaseReplicaSet
OnService = CreateService | SwitchService | FreeService | ReleaseService
OnRun = CreateAnalysisRun | TerminateAnalysisRun | DeleteAnalysisRun
OnPod = LabelPod | EvictPod | DeletePod


async def carry_out(action: Action, writer: Writer) -> None:
    """Write it. Raises ApiError."""
    match action:
        case CreateReplicaSet() | UpdateReplicaSet() | DeleteReplicaSet() | AdoptReplicaSet() | ReleaseReplicaSet():
            await _on_replica_set(action, writer)
        case CreateService() | SwitchService() | FreeService() | ReleaseService():
            await _on_service(action, writer)
        case CreateAnalysisRun() | TerminateAnalysisRun() | DeleteAnalysisRun():
            await _on_run(action, writer)
        case LabelPod() | EvictPod() | DeletePod():
            await _on_pod(action, writer)
        case EditRollout(target=seen, patch=patch):
            await writer.patch(ROLLOUT, seen, patch)
        case ChangeRoute(change=change):
            await _change_route(change, writer)
        case ScaleDeployment(target=seen, replicas=replicas):
            await writer.patch(DEPLOYMENT, seen, {"spec": {"replicas": replicas}})
        case PatchStatefulSet(target=seen, patch=patch):
            await writer.patch(STATEFUL_SET, seen, patch)
        case _:
            assert_never(action)


async def _on_replica_set(action: OnReplicaSet, writer: Writer) -> None:
    match action:
        case CreateReplicaSet(key=key, body=body):
            await writer.create(REPLICA_SET, key, body)
        case UpdateReplicaSet(target=seen):
            await writer.patch(REPLICA_SET, seen, patch_of(action))
        case DeleteReplicaSet(target=seen):
            await writer.delete(REPLICA_SET, seen)
        case AdoptReplicaSet(target=seen, owners=owners) | ReleaseReplicaSet(target=seen, owners=owners):
            await writer.patch(REPLICA_SET, seen, {"metadata": {"ownerReferences": owners}})
        case _:
            assert_never(action)


async def _on_service(action: OnService, writer: Writer) -> None:
    match action:
        case CreateService(key=key, body=body):
            await writer.create(SERVICE, key, body)
        case SwitchService(target=seen) | FreeService(target=seen) | ReleaseService(target=seen):
            await writer.patch(SERVICE, seen, service_patch(action))
        case _:
            assert_never(action)


async def _on_run(action: OnRun, writer: Writer) -> None:
    match action:
        case CreateAnalysisRun(key=key, body=body):
            await writer.create(ANALYSIS_RUN, key, body)
        case TerminateAnalysisRun(target=seen):
            await writer.patch(ANALYSIS_RUN, seen, {"spec": {"terminate": True}})
        case DeleteAnalysisRun(target=seen):
            await writer.delete(ANALYSIS_RUN, seen)
        case _:
            assert_never(action)


async def _on_pod(action: OnPod, writer: Writer) -> None:
    match action:
        case LabelPod(target=seen, labels=labels, annotations=annotations):
            await writer.patch(POD, seen, {"metadata": {"labels": labels, "annotations": annotations}})
        case EvictPod(target=seen):
            await writer.evict(seen)
        case DeletePod(target=seen):
            await writer.delete(POD, seen)
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
