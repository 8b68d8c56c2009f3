"""Many objects of one kind: written all at once, and watched, so that each one's moment is known."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from rollouts.api.meta import Kind
from rollouts.sandbox.apiclient import MERGE, Api, path_of
from rollouts.sandbox.errors import Refused

Json = dict[str, Any]
Test = Callable[[Json], bool]
Tell = Callable[[int], None]
Moments = dict[str, float]

PATIENCE = 180.0


class NeverHappenedError(Exception):
    """What was waited for did not come."""


async def create(api: Api, namespace: str, manifests: Iterable[Json]) -> None:
    """Create all, as many at a time as there are connections."""
    async with asyncio.TaskGroup() as group:
        for number, manifest in enumerate(manifests):
            placed = {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}
            path = path_of(placed).rpartition("/")[0]
            group.create_task(api.request("POST", path, placed), name=f"create {number}")


async def make_namespace(api: Api, name: str) -> None:
    """An empty namespace."""
    await api.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})


class Fleet:
    """The objects of *kind* in *namespace* as they are now."""

    def __init__(self, api: Api, kind: Kind, namespace: str) -> None:
        self._api = api
        self.kind = kind
        self._namespace = namespace
        self._objects: dict[str, Json] = {}
        self._changed = asyncio.Event()
        self._generations: dict[str, int] = {}
        self._awaited: dict[str, Test] = {}
        self._moments: Moments = {}

    @classmethod
    @asynccontextmanager
    async def watched(cls, api: Api, kind: Kind, namespace: str) -> AsyncIterator["Fleet"]:
        """A fleet that is followed while the body runs."""
        fleet = cls(api, kind, namespace)
        async with asyncio.TaskGroup() as group:
            following = group.create_task(fleet._follow(), name=f"watch {kind.plural}")
            yield fleet
            following.cancel()

    async def patch(self, names: Iterable[str], body: Json, subresource: str = "") -> Moments:
        """Patch all at once; when each was answered, in the loop's seconds."""
        answered: Moments = {}
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(self._patch(name, body, subresource, answered), name=f"patch {name}")
        return answered

    async def delete_all(self, names: Iterable[str]) -> None:
        """Delete all, with what they own; returns before it is gone."""
        async with asyncio.TaskGroup() as group:
            for name in names:
                body = {"propagationPolicy": "Background"}
                group.create_task(self._api.request("DELETE", self._path(name), body), name=f"delete {name}")

    async def moments(self, names: Iterable[str], test: Test, tell: Tell) -> Moments:
        """When each first passed *test*, in the loop's seconds; raises NeverHappenedError after three minutes."""
        self._moments, self._awaited = {}, dict.fromkeys(names, test)
        wanted = len(self._awaited)
        for found in list(self._objects.values()):
            self._judge(found)
        try:
            async with asyncio.timeout(PATIENCE):
                while self._awaited:
                    tell(wanted - len(self._awaited))
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as error:
            some = next(iter(self._awaited))
            last = self._objects.get(some, {}).get("status")
            raise NeverHappenedError(f"{len(self._awaited)} of {wanted}: {test.__name__}; {some}: {last}") from error
        tell(wanted)
        return self._moments

    async def _patch(self, name: str, body: Json, subresource: str, answered: Moments) -> None:
        stored = await self._api.request("PATCH", self._path(name, subresource), body, kind_of_body=MERGE)
        answered[name] = asyncio.get_running_loop().time()
        self._generations[name] = stored["metadata"].get("generation", 0)

    async def _follow(self) -> None:
        listed = await self._list()
        for found in listed["items"]:
            self._see(found)
        version = str(listed["metadata"]["resourceVersion"])
        while True:
            async for event in self._api.watch(self._path(), version):
                version = event["object"]["metadata"]["resourceVersion"]
                if event["type"] != "BOOKMARK":
                    self._see(event["object"])

    async def _list(self) -> Json:
        """All of them; a server that has only just learnt of the kind asks for patience."""
        while True:
            try:
                return await self._api.request("GET", self._path())
            except Refused as refused:
                if refused.status != 429:
                    raise
            await asyncio.sleep(0.2)

    def _see(self, found: Json) -> None:
        self._objects[found["metadata"]["name"]] = found
        self._judge(found)

    def _judge(self, found: Json) -> None:
        """Note its moment, unless it is from before our own patch: the watch may be behind."""
        name = found["metadata"]["name"]
        test = self._awaited.get(name)
        is_past = found["metadata"].get("generation", 0) < self._generations.get(name, 0)
        if test is not None and not is_past and test(found):
            del self._awaited[name]
            self._moments[name] = asyncio.get_running_loop().time()
        self._changed.set()

    def _path(self, name: str = "", subresource: str = "") -> str:
        return self.kind.path(self._namespace, name, subresource)
