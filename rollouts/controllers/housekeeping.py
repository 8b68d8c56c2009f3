"""What a Rollout leaves behind when it goes: Services that still select its pods (contract §8.2).

Whoever annotated a Service may be another controller's Rollout, which this one does not watch: the API server is asked.
"""

from datetime import timedelta
from typing import Final

import structlog

from rollouts.api.keys import HASH_LABEL
from rollouts.api.kinds import ROLLOUT
from rollouts.api.meta import Key
from rollouts.api.workloads import Service
from rollouts.controllers.deeds import carry_out
from rollouts.controllers.stores import BY_MARK, BY_NAMESPACE, Stores
from rollouts.controllers.writes import Writer, expect
from rollouts.kube.client import Client
from rollouts.kube.errors import Conflict, NotFound
from rollouts.planner.actions import FreeService
from rollouts.planner.snapshot import target

log = structlog.get_logger("rollouts.controller")

# What stands between is no Rollout's any more, so that its end wakes nobody.
AGAIN: Final = timedelta(minutes=1)


async def tidy_up(key: Key, stores: Stores, client: Client) -> timedelta | None:
    """Let Services of the Rollout *key*, which is not there, select every pod again. Raises ApiError.

    One whose revision still has pods is left alone, since to free it would be to mix what it leads to: returns after
    which time to look again, None where there is none.
    """
    left = [one for one in stores.services.by_index(BY_MARK, str(key)) if _is_bound(one, stores)]
    free = [one for one in left if not _has_pods(key, one.spec.selector[HASH_LABEL], stores)]
    await _let_go(key, free, stores, client)
    return AGAIN if len(free) < len(left) else None


async def _let_go(key: Key, left: list[Service], stores: Stores, client: Client) -> None:
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


def _is_bound(service: Service, stores: Stores) -> bool:
    """Whether it selects one revision, as far as is known."""
    return bool(service.spec.selector.get(HASH_LABEL)) and not stores.services.is_stale(service.metadata.key)


def _has_pods(key: Key, selected: str, stores: Stores) -> bool:
    """A ReplicaSet of that hash is there: the Rollout was deleted without its pods, or just now."""
    there = stores.replica_sets.by_index(BY_NAMESPACE, key.namespace)
    return any(one.metadata.labels.get(HASH_LABEL) == selected and one.status.replicas > 0 for one in there)


async def _exists(key: Key, client: Client) -> bool:
    try:
        await client.get(ROLLOUT, key)
    except NotFound:
        return False
    return True
