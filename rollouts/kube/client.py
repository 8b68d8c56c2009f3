"""The verbs of the Kubernetes API, as bytes: who calls decides what to decode."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Self

import msgspec

from rollouts.api.meta import Json, Key, Kind
from rollouts.kube.access import load_access
from rollouts.kube.errors import Gone
from rollouts.kube.pace import Pace
from rollouts.kube.transport import Call, Request, Target, Transport, open_transport

__all__ = ["Call", "Client", "Content", "Objects"]

DEADLINE: Final = 10.0
LIST_DEADLINE: Final = 60.0
STREAM_DEADLINE: Final = 30.0
SILENCE: Final = 620.0

Objects = list[dict[str, Any]]


class Content(StrEnum):
    """The kinds of patch."""

    MERGE = "application/merge-patch+json"
    JSON = "application/json-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"
    APPLY = "application/apply-patch+yaml"


class _PageMeta(msgspec.Struct):
    token: str = msgspec.field(default="", name="continue")


class _Page(msgspec.Struct):
    metadata: _PageMeta


@dataclass(frozen=True)
class Client:
    """One API server. The methods named after adjectives give views that share connections.

    Every call ends within its deadline (10 s, 60 s per page of a list), and raises ApiError unless it succeeded.
    """

    _transport: Transport
    _pace: Pace
    _deadline: float | None = None
    _check: Callable[[], None] | None = None

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        *,
        kubeconfig: str | None = None,
        context: str | None = None,
        user_agent: str,
        qps: float = 40,
        burst: int = 80,
        observe: Callable[[Call], None] | None = None,
    ) -> AsyncIterator["Client"]:
        """Reach the server that *kubeconfig*, `$KUBECONFIG`, the pod's account or `~/.kube/config` names.

        At most *burst* requests at once and *qps* per second (zero or less: no limit); watches are not counted.
        *observe* hears of every request. Raises AccessError where the configuration will not do.
        """
        access = await load_access(kubeconfig, context)
        async with open_transport(access, user_agent) as transport:
            transport.observe = observe
            yield cls(transport, Pace(qps, burst))

    @property
    def default_namespace(self) -> str:
        """Namespace of the kubeconfig's context, or of our pod."""
        return self._transport.namespace

    def fenced(self, check: Callable[[], None]) -> Self:
        """A view whose requests call *check* immediately before they are sent; it raises to stop them.

        Reads too: what they find would only lead to writes. A watch that is open stays so.
        """
        return replace(self, _check=check)

    def unthrottled(self) -> Self:
        """A view that never waits for its turn."""
        return replace(self, _pace=Pace(0, 1))

    def within(self, seconds: float) -> Self:
        """A view whose calls have this deadline instead of the usual ones."""
        return replace(self, _deadline=seconds)

    async def get(self, kind: Kind, key: Key, *, subresource: str = "") -> bytes:
        """One object, or a subresource of it."""
        return await self._read(Target("Get", kind.plural, *key), kind.path(*key, subresource))

    async def pages(
        self, kind: Kind, namespace: str = "", *, selector: str = "", limit: int = 500
    ) -> AsyncIterator[bytes]:
        """The lists that together hold all objects, *limit* in each.

        Raises Gone where the list took so long that its continue token expired: begin again.
        """
        target = Target("List", kind.plural, namespace)
        params = {"limit": str(limit)} | ({"labelSelector": selector} if selector else {})
        while True:
            page = await self._read(target, kind.path(namespace), params, deadline=LIST_DEADLINE)
            token = msgspec.json.decode(page, type=_Page).metadata.token
            yield page
            if not token:
                return
            params["continue"] = token

    async def list(self, kind: Kind, namespace: str = "", *, selector: str = "") -> Objects:
        """All objects as plain dicts, each with the apiVersion and kind that lists leave out."""
        try:
            return await self._list(kind, namespace, selector)
        except Gone:
            return await self._list(kind, namespace, selector)

    async def _list(self, kind: Kind, namespace: str, selector: str) -> Objects:
        named = {"apiVersion": kind.api_version, "kind": kind.name}
        objects: Objects = []
        async for page in self.pages(kind, namespace, selector=selector):
            objects += [named | item for item in msgspec.json.decode(page)["items"] or ()]
        return objects

    async def create(self, kind: Kind, namespace: str, body: Json, *, dry_run: bool = False) -> bytes:
        """Create an object and return it as stored. Raises AlreadyExists where its name is taken."""
        params = {"dryRun": "All"} if dry_run else {}
        target = Target("Create", kind.plural, namespace, body.get("metadata", {}).get("name", ""))
        return await self._write("POST", target, kind.path(namespace), body, params=params)

    async def patch(  # noqa: PLR0913 (the parameters of the API)
        self,
        kind: Kind,
        key: Key,
        body: object,
        *,
        subresource: str = "",
        content: Content = Content.MERGE,
        field_manager: str = "rollouts-controller",
        force: bool = False,
    ) -> bytes:
        """Change parts of an object and return it as stored; *force* takes fields over from others (APPLY only)."""
        params = {"fieldManager": field_manager} | ({"force": "true"} if force else {})
        target = Target("Patch", kind.plural, *key)
        return await self._write("PATCH", target, kind.path(*key, subresource), body, params=params, content=content)

    async def update(self, kind: Kind, key: Key, body: object, *, subresource: str = "") -> bytes:
        """Replace an object; with a resourceVersion in *body*, only that version. Raises Conflict."""
        return await self._write("PUT", Target("Update", kind.plural, *key), kind.path(*key, subresource), body)

    async def delete(
        self, kind: Kind, key: Key, *, uid: str = "", resource_version: str = "", propagation: str = ""
    ) -> None:
        """Delete an object, if it is still the one with *uid* and *resource_version* (else Conflict).

        *propagation* is Foreground, Background or Orphan; empty leaves it to the server.
        """
        preconditions = _without_empty({"uid": uid, "resourceVersion": resource_version})
        options = {"kind": "DeleteOptions", "apiVersion": "v1"}
        body = options | _without_empty({"preconditions": preconditions, "propagationPolicy": propagation})
        await self._write("DELETE", Target("Delete", kind.plural, *key), kind.path(*key), body)

    async def post(self, path: str, body: Json) -> bytes:
        """Post to a path under the server's root: evictions, reviews."""
        return await self._write("POST", Target("Create", path.rsplit("/", 1)[-1]), path, body)

    def stream(
        self, path: str, params: Mapping[str, str], *, silence: float = SILENCE
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a watch and iterate over its lines; after *silence* seconds without a byte it counts as broken."""
        deadline = self._deadline or STREAM_DEADLINE
        target = Target("Watch", path.rsplit("/", 1)[-1], _namespace_in(path))
        return self._transport.lines(self._checked(Request("GET", path, target, deadline, dict(params))), silence)

    async def _read(
        self, target: Target, path: str, params: Mapping[str, str] | None = None, *, deadline: float = DEADLINE
    ) -> bytes:
        await self._pace.turn()
        request = Request("GET", path, target, self._deadline or deadline, dict(params or {}))
        return await self._transport.send(self._checked(request))

    async def _write(
        self,
        method: str,
        target: Target,
        path: str,
        body: object,
        *,
        params: Mapping[str, str] | None = None,
        content: str = "application/json",
    ) -> bytes:
        await self._pace.turn()
        request = Request(
            method, path, target, self._deadline or DEADLINE, dict(params or {}), encoded(body), str(content)
        )
        return await self._transport.send(self._checked(request))

    def _checked(self, request: Request) -> Request:
        return request if self._check is None else replace(request, check=self._check)


def encoded(body: object) -> bytes:
    """JSON for the API server; bytes pass as they are."""
    return body if isinstance(body, bytes) else msgspec.json.encode(body, enc_hook=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise NotImplementedError(f"{type(value).__name__} cannot be sent to the API server")


def _without_empty(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}


def _namespace_in(path: str) -> str:
    _, found, rest = path.partition("/namespaces/")
    return rest.split("/", 1)[0] if found and "/" in rest else ""
