"""Conditional writes to the API server, and what they were answered with."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import msgspec

from rollouts.api.kinds import POD, POD_DISRUPTION_BUDGET
from rollouts.api.meta import Json, Key, Kind
from rollouts.kube.client import Client
from rollouts.kube.errors import NotFound
from rollouts.kube.store import Store
from rollouts.planner.actions import Target


class Written(NamedTuple):
    """An object we wrote, at the version we were answered with; or deleted, which has a *uid* and no version."""

    kind: Kind
    key: Key
    version: str = ""
    uid: str = ""


class _Version(msgspec.Struct, rename="camel"):
    resource_version: str = ""


class _Answer(msgspec.Struct):
    metadata: _Version


def expect(written: Iterable[Written], store_of: Callable[[Kind, Key], Store[Any] | None]) -> None:
    """Tell the stores what they will see, so that nothing is decided before they have."""
    for kind, key, version, uid in written:
        store = store_of(kind, key)
        if store is None:
            continue
        if uid:
            store.expect_deleted(key, uid)
        else:
            store.expect(key, version)


@dataclass
class Writer:
    """Writes objects, each bound to its newest version we know of: the one seen, or our own last write's."""

    client: Client
    written: list[Written] = field(default_factory=list)
    _versions: dict[tuple[Kind, Key], str] = field(default_factory=dict)

    @classmethod
    def after(cls, client: Client, written: Iterable[Written]) -> Self:
        """A writer that knows of what another one has *written*."""
        return cls(client, _versions={(one.kind, one.key): one.version for one in written if one.version})

    async def create(self, kind: Kind, key: Key, body: Json) -> None:
        """Create an object. Raises AlreadyExists where its name is taken."""
        self._note(kind, key, await self.client.create(kind, key.namespace, body))

    async def patch(self, kind: Kind, target: Target, body: Json, *, subresource: str = "") -> None:
        """Merge-patch an object, if nobody else has written it since. Raises Conflict."""
        meta = {**body.get("metadata", {}), "resourceVersion": self._version(kind, target)}
        answer = await self.client.patch(kind, target.key, {**body, "metadata": meta}, subresource=subresource)
        self._note(kind, target.key, answer)

    async def delete(self, kind: Kind, target: Target) -> None:
        """Delete an object and, later, what it owns, if nobody has written it since; one that is gone is no error."""
        bound = {"uid": target.uid, "resource_version": self._version(kind, target)}
        try:
            await self.client.delete(kind, target.key, propagation="Background", **bound)
        except NotFound:
            return
        self.written.append(Written(kind, target.key, uid=target.uid))

    async def evict(self, target: Target) -> None:
        """Ask for a pod's end, if nobody has written it since; one that is gone is no error.

        Raises TooManyRequests where a PodDisruptionBudget forbids it for now.
        """
        bound = {"uid": target.uid, "resourceVersion": self._version(POD, target)}
        body = {
            "apiVersion": POD_DISRUPTION_BUDGET.api_version,
            "kind": "Eviction",
            "metadata": {"name": target.key.name, "namespace": target.key.namespace},
            "deleteOptions": {"preconditions": bound},
        }
        try:
            await self.client.post(POD.path(*target.key, "eviction"), body)
        except NotFound:
            return
        self.written.append(Written(POD, target.key, uid=target.uid))

    def _version(self, kind: Kind, target: Target) -> str:
        return self._versions.get((kind, target.key), target.resource_version)

    def _note(self, kind: Kind, key: Key, answer: bytes) -> None:
        version = msgspec.json.decode(answer, type=_Answer).metadata.resource_version
        self._versions[kind, key] = version
        self.written.append(Written(kind, key, version))
