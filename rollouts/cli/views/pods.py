"""A pod in one word, as kubectl puts it, and its containers in numbers."""

from datetime import datetime

import msgspec

from rollouts.api.meta import Condition, Metadata
from rollouts.cli.views.model import PodView


class Excerpt(msgspec.Struct, frozen=True, rename="camel"):
    """What is read of a pod for its line."""


class Halt(Excerpt, frozen=True):
    """Why a container does not run."""

    reason: str = ""
    exit_code: int = 0


class ContainerState(Excerpt, frozen=True):
    """How a container fares."""

    waiting: Halt | None = None
    terminated: Halt | None = None


class Container(Excerpt, frozen=True):
    """One entry of `status.containerStatuses`."""

    ready: bool = False
    restart_count: int = 0
    state: ContainerState = ContainerState()


class Named(Excerpt, frozen=True):
    """One container of the spec."""

    name: str = ""


class SeenSpec(Excerpt, frozen=True):
    """The containers there shall be."""

    containers: tuple[Named, ...] = ()


class SeenStatus(Excerpt, frozen=True):
    """The containers there are."""

    phase: str = ""
    reason: str = ""
    conditions: tuple[Condition, ...] = ()
    container_statuses: tuple[Container, ...] = ()
    init_container_statuses: tuple[Container, ...] = ()


class SeenPod(Excerpt, frozen=True):
    """One observed pod."""

    metadata: Metadata
    spec: SeenSpec = SeenSpec()
    status: SeenStatus = SeenStatus()


def pod_view(pod: SeenPod) -> PodView:
    """One line's worth of *pod*."""
    containers = pod.status.container_statuses
    return PodView(
        name=pod.metadata.name,
        status=_word(pod, pod.metadata.deletion_timestamp),
        ready=sum(1 for container in containers if container.ready),
        containers=len(pod.spec.containers),
        restarts=sum(container.restart_count for container in containers),
        created_at=pod.metadata.creation_timestamp,
    )


def _word(pod: SeenPod, deleted_at: datetime | None) -> str:
    if deleted_at is not None:
        return "Terminating"
    initial = next((word for container in pod.status.init_container_statuses if (word := _trouble(container))), "")
    if initial:
        return f"Init:{initial}"
    troubles = [word for container in pod.status.container_statuses if (word := _halt(container))]
    return troubles[0] if troubles else pod.status.reason or pod.status.phase or "Pending"


def _halt(container: Container) -> str:
    state = container.state
    if state.waiting and state.waiting.reason:
        return state.waiting.reason
    return state.terminated.reason if state.terminated else ""


def _trouble(container: Container) -> str:
    """Why an init container holds the pod up; one that has succeeded does not."""
    ended = container.state.terminated
    return "" if ended and ended.exit_code == 0 else _halt(container)
