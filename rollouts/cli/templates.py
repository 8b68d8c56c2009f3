"""Where a Rollout's pod template stands: in itself, or in the object that its workloadRef names."""

from typing import Any, Final

import msgspec

from rollouts.api.kinds import DEPLOYMENT, POD_TEMPLATE, REPLICA_SET, ROLLOUT, STATEFUL_SET
from rollouts.api.meta import Key, Ref
from rollouts.cli.connection import Failure, absent
from rollouts.kube.client import Client
from rollouts.kube.errors import NotFound

WORKLOADS: Final = {kind.name: kind for kind in (DEPLOYMENT, REPLICA_SET, STATEFUL_SET, POD_TEMPLATE)}


async def template_of(client: Client, key: Key) -> tuple[Ref, dict[str, Any]]:
    """The object that has the template, and what it holds. Raises Failure."""
    try:
        rollout: dict[str, Any] = msgspec.json.decode(await client.get(ROLLOUT, key))
    except NotFound:
        raise await absent(client, key) from None
    named = rollout["spec"].get("workloadRef")
    if not named:
        if not rollout["spec"].get("template"):
            raise Failure(f"Rollout {key.name!r} has neither a template nor a workloadRef")
        return Ref(ROLLOUT, *key), rollout
    kind = WORKLOADS.get(named.get("kind", ""))
    if kind is None:
        raise Failure(
            f"workloadRef of {key.name!r} names kind {named.get('kind')!r}, not one of {', '.join(WORKLOADS)}"
        )
    ref = Ref(kind, key.namespace, named.get("name", ""))
    try:
        return ref, msgspec.json.decode(await client.get(kind, ref.key))
    except NotFound:
        raise Failure(f"{ref.kind.name} {ref.name!r}, the workloadRef of {key.name!r}, does not exist") from None
