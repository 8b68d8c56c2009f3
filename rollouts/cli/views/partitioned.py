"""A StatefulSet's revisions, drawn as other Rollouts' ReplicaSets are: by the label that their pods carry."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import structs

from rollouts.api.kinds import STATEFUL_SET
from rollouts.api.meta import Metadata
from rollouts.api.rollout import Rollout
from rollouts.api.workloads import ControllerRevision, Pod, ReplicaSet, StatefulSet
from rollouts.cli.views.pods import SeenPod
from rollouts.planner.ordinals import Ordinals
from rollouts.planner.revisions import presented


def stateful_set_name(rollout: Rollout) -> str:
    """The StatefulSet that workloadRef names; "" where it names none."""
    ref = rollout.spec.get("workloadRef") or {}
    return str(ref.get("name") or "") if ref.get("kind") == STATEFUL_SET.name else ""


def workload_of(rollout: Rollout, found: Sequence[StatefulSet]) -> StatefulSet | None:
    """The Rollout's StatefulSet among those *found*."""
    wanted = rollout.metadata.key._replace(name=stateful_set_name(rollout))
    return next((one for one in found if one.metadata.key == wanted), None)


def revisions_of(
    rollout: Rollout,
    workload: StatefulSet,
    pods: Sequence[SeenPod],
    revisions: Sequence[ControllerRevision],
    now: datetime,
) -> list[ReplicaSet]:
    """The revisions that *workload* has, each with its template and the counts of its pods."""
    uid = workload.metadata.uid
    own = {found.metadata.name: found for found in revisions if _is_owned(found.metadata, uid)}
    standing = tuple(msgspec.convert(pod, Pod, from_attributes=True) for pod in pods if _is_owned(pod.metadata, uid))
    ordinals = Ordinals(workload, standing, tuple(own.values()))
    return [
        structs.replace(found, spec=structs.replace(found.spec, template=_template(own.get(found.metadata.name))))
        for found in presented(ordinals, rollout.status, now)
    ]


def _is_owned(metadata: Metadata, uid: str) -> bool:
    return metadata.controller is not None and metadata.controller.uid == uid


def _template(revision: ControllerRevision | None) -> dict[str, object]:
    found: dict[str, object] = ((revision.content if revision else {}).get("spec") or {}).get("template") or {}
    return found
