"""What a person wants to know of one Rollout, as values; also the form of `--output json`."""

from datetime import datetime
from typing import Any

import msgspec

from rollouts.api.kinds import REPLICA_SET


class View(msgspec.Struct, frozen=True, rename="camel"):
    """A value that is printed. Times are UTC."""


class PodView(View, frozen=True):
    """One pod: *ready* of *containers* containers are ready."""

    name: str
    status: str
    ready: int
    containers: int
    restarts: int
    created_at: datetime | None


class MetricView(View, frozen=True):
    """What one metric of a run came to; *last* is the newest measurement's value or message."""

    name: str
    phase: str
    successful: int
    failed: int
    inconclusive: int
    error: int
    last: str = ""


class RunView(View, frozen=True):
    """One AnalysisRun."""

    name: str
    kind: str
    phase: str
    message: str
    created_at: datetime | None
    metrics: tuple[MetricView, ...] = ()


class ReplicaSetView(View, frozen=True):
    """One ReplicaSet, or one ControllerRevision of a StatefulSet, as *kind* says.

    *tags* are its roles, *scale_down_at* is when its pods may go.
    """

    name: str
    hash: str
    status: str
    tags: tuple[str, ...]
    desired: int
    ready: int
    available: int
    created_at: datetime | None
    scale_down_at: datetime | None = None
    kind: str = REPLICA_SET.name
    pods: tuple[PodView, ...] = ()


class RevisionView(View, frozen=True):
    """One revision: its pods and its analyses."""

    number: int
    replica_sets: tuple[ReplicaSetView, ...] = ()
    runs: tuple[RunView, ...] = ()


class StepView(View, frozen=True):
    """*index* of *count* steps are complete; *current* describes the next, "" when there is none."""

    index: int
    count: int
    current: str = ""
    resumes_at: datetime | None = None


class WeightView(View, frozen=True):
    """The canary's share out of *total*: as steps want it, and as it is. *verified* is None where nobody can tell."""

    wanted: int
    actual: int
    total: int = 100
    verified: bool | None = None
    routers: tuple[str, ...] = ()


class ImageView(View, frozen=True):
    """An image that runs, and the roles of the revisions that run it."""

    image: str
    tags: tuple[str, ...] = ()


class ReplicaCounts(View, frozen=True):
    """Numbers of pods."""

    desired: int = 0
    current: int = 0
    updated: int = 0
    ready: int = 0
    available: int = 0


class RolloutView(View, frozen=True):
    """One Rollout as it was *at* a moment. *step* and *weight* are None for strategies without."""

    namespace: str
    name: str
    at: datetime
    created_at: datetime | None
    phase: str
    message: str
    strategy: str
    replicas: ReplicaCounts
    step: StepView | None = None
    weight: WeightView | None = None
    images: tuple[ImageView, ...] = ()
    revisions: tuple[RevisionView, ...] = ()


def as_json(view: View) -> dict[str, Any]:
    """The view as JSON values; what is not there is null."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(view))
    return found
