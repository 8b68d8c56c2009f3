"""What a Rollout leaves behind when it goes: Services that still select its pods (contract §8.2).

Whoever annotated a Service may be another controller's Rollout, which this one does not watch: the API server is asked.
"""

from collections.abc import Iterator

import structlog

from rollouts.api.keys import HASH_LABEL
from rollouts.api.kinds import ROLLOUT
from rollouts.api.meta import Key
from rollouts.api.workloads import ReplicaSet, Service
from rollouts.controllers.deeds import carry_out
from rollouts.controllers.stores import BY_MARK, Stores
from rollouts.controllers.writes import Writer, expect
from rollouts.kube.client import Client
from rollouts.kube.errors import Conflict, NotFound
from rollouts.planner.actions import FreeService
from rollouts.planner.snapshot import target

log = structlog.get_logger("rollouts.controller")


async def tidy_up(key: Key, stores: Stores, client: Client) -> None:
    """Let Services of the Rollout *key*, which is not there, select every pod again. Raises ApiError."""
    left = tuple(_left_behind(key, stores))
    if not left or await _exists(key, client):
        return
    writer = Writer(client)
    for service in left:
        name = service.metadata.name
        free = FreeService(target(service.metadata), f"Rollout {key} is gone: Service {name} selects every pod")
        try:
            await carry_out(free, writer)
        except (Conflict, NotFound):
            # whoever was faster wakes us again
            continue
        log.info("act", action="FreeService", object=str(service.metadata.key), because=free.because)
    expect(writer.written, stores.holding)


def _left_behind(key: Key, stores: Stores) -> Iterator[Service]:
    """Those whose revision has no pods left: to free another would be to mix what it leads to."""
    for service in stores.services.by_index(BY_MARK, str(key)):
        selected = service.spec.selector.get(HASH_LABEL)
        if selected and not stores.services.is_stale(service.metadata.key) and not _has_pods(key, selected, stores):
            yield service


def _has_pods(key: Key, selected: str, stores: Stores) -> bool:
    """A ReplicaSet of that hash is there: the Rollout was deleted without its pods, or just now."""

    def is_selected(found: ReplicaSet) -> bool:
        return found.metadata.namespace == key.namespace and found.metadata.labels.get(HASH_LABEL) == selected

    return any(is_selected(found) and found.status.replicas > 0 for found in stores.replica_sets.all())


async def _exists(key: Key, client: Client) -> bool:
    try:
        await client.get(ROLLOUT, key)
    except NotFound:
        return False
    return True
