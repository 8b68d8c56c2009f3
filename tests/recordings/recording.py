"""One recording: a namespace of its own, what was done there, and every state that objects went through."""

import asyncio
import itertools
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import msgspec

from rollouts.api.kinds import (
    ANALYSIS_RUN,
    ANALYSIS_TEMPLATE,
    DEPLOYMENT,
    EVENT,
    EXPERIMENT,
    HTTP_ROUTE,
    INGRESS,
    NAMESPACE,
    POD_TEMPLATE,
    REPLICA_SET,
    ROLLOUT,
    SERVICE,
    STATEFUL_SET,
)
from rollouts.api.meta import Key, Kind
from rollouts.kube.client import Client, Content
from rollouts.kube.errors import AlreadyExists, ApiError, NotFound
from rollouts.wire import mergepatch

Row = dict[str, Any]
WORKLOADS = (REPLICA_SET, DEPLOYMENT, STATEFUL_SET)
WATCHED = (ROLLOUT, ANALYSIS_RUN, EXPERIMENT, *WORKLOADS, SERVICE, INGRESS, HTTP_ROUTE, EVENT)
KINDS = {kind.name: kind for kind in (*WATCHED, ANALYSIS_TEMPLATE, POD_TEMPLATE)}
LEFT_OUT = ("managedFields", "uid", "resourceVersion", "creationTimestamp", "selfLink", "namespace")
EVENT_FIELDS = ("type", "reason", "message", "count")
PATIENCE = 60.0
BEHIND = 10.0
NUMBERS = itertools.count()


class Recording:
    """What a situation is written with; `rows` is what the file will hold.

    A row is what was done (`did`), an Event, or an object: whole when first seen, then the merge patch from its
    last state; `t` is seconds since the start.
    """

    def __init__(self, client: Client, situation: str) -> None:
        self.client, self.situation, self.namespace = client, situation, f"rec-{situation}"
        self.rows: list[Row] = []
        self.states: dict[tuple[str, str], dict[str, Any]] = {}
        self.versions: dict[tuple[str, str], int] = {}
        self.nonce = f"{os.getpid()}.{next(NUMBERS)}."
        self._started = 0.0
        self._order: list[int] = []

    # what a situation does

    async def create(self, *manifests: dict[str, Any]) -> None:
        """Create objects; what the server refuses is noted."""
        for manifest in manifests:
            name = manifest["metadata"]["name"]
            self.note(f"create {manifest['kind']}/{name}")
            with self.refusals_noted():
                await self.client.create(KINDS[manifest["kind"]], self.namespace, manifest)

    async def provide(self, *manifests: dict[str, Any]) -> None:
        """Create what a Rollout refers to, a second before it: watches of several kinds keep no order among them."""
        await self.create(*manifests)
        await self.look_on(1)

    async def patch(self, body: object, name: str = "web", kind: Kind = ROLLOUT, sub: str = "") -> None:
        """A merge patch, or a JSON patch where *body* is a list."""
        what = f"patch {kind.name}/{name}{' --subresource ' + sub if sub else ''}"
        self.note(f"{what} {json.dumps(body)}")
        content = Content.JSON if isinstance(body, list) else Content.MERGE
        with self.refusals_noted():
            patched = await self.client.patch(kind, Key(self.namespace, name), body, subresource=sub, content=content)
            await self._caught_up(kind, name, msgspec.json.decode(patched)["metadata"]["resourceVersion"])

    async def delete(self, kind: Kind, name: str) -> None:
        """Delete an object."""
        self.note(f"delete {kind.name}/{name}")
        await self.client.delete(kind, Key(self.namespace, name))

    async def image(
        self, tag: str, command: list[str] | None = None, target: tuple[Kind, str] = (ROLLOUT, "web")
    ) -> None:
        """Another image, as CI does; with a *command* too."""
        path = "/template/spec/containers/0/" if target[0] == POD_TEMPLATE else "/spec/template/spec/containers/0/"
        patch: list[Row] = [{"op": "replace", "path": path + "image", "value": f"web:{tag}"}]
        if command:
            patch.append({"op": "add", "path": path + "command", "value": command})
        await self.patch(patch, target[1], target[0])

    async def promote(self) -> None:
        """End a pause as the kubectl plugin does."""
        await self.patch({"status": {"pauseConditions": None}}, sub="status")

    async def promote_fully(self) -> None:
        """Skip every further step."""
        await self.patch({"status": {"promoteFull": True}}, sub="status")

    async def abort(self) -> None:
        """Back to the stable revision."""
        await self.patch({"status": {"abort": True}}, sub="status")

    async def retry(self) -> None:
        """Try again after an abort."""
        await self.patch({"status": {"abort": False}}, sub="status")

    async def phase(self, *wanted: str, within: float = PATIENCE) -> None:
        """Wait until the phase of `web`, computed for its present generation, is one of *wanted*; noted if never."""
        if not await self.until(lambda: self._is_in(wanted), within):
            self.note(f"never became {wanted}")

    def _is_in(self, wanted: tuple[str, ...]) -> bool:
        rollout = self.states.get(("Rollout", "web"), {})
        status = rollout.get("status", {})
        is_current = str(status.get("observedGeneration")) == str(rollout.get("metadata", {}).get("generation"))
        return is_current and status.get("phase") in wanted

    async def until(self, is_so: Callable[[], bool], within: float) -> bool:
        """Wait at most *within* seconds until something has been seen; whether it was."""
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        while not is_so():
            if loop.time() > end:
                return False
            await asyncio.sleep(0.05)
        return True

    async def whole(self, is_whole: Callable[[list[Row]], bool], within: float) -> None:
        """Wait at most *within* seconds until the rows are whole; asked again only when there are more."""
        length = -1

        def is_so() -> bool:
            nonlocal length
            if length == len(self.rows):
                return False
            length = len(self.rows)
            return is_whole(self._in_order())

        await self.until(is_so, within)

    async def sees(self, what: str, is_so: Callable[[], bool], within: float = PATIENCE) -> None:
        """Wait until something has been seen; noted if never."""
        if not await self.until(is_so, within):
            self.note(f"never saw {what}")

    async def look_on(self, seconds: float) -> None:
        """Let the controller do what it does in the next *seconds*: the length is part of the situation."""
        await asyncio.sleep(seconds)

    async def settle(self, seconds: float) -> None:
        """Wait until nothing has been seen for so long; not for ever."""
        await self.until(lambda: self._now() - self.rows[-1]["t"] >= seconds, BEHIND)

    async def good_release(self, seconds: float = 4) -> None:
        """Healthy, then image 2, then Healthy again; *seconds* is the least that its steps take."""
        await self.phase("Healthy")
        await self.image("2")
        await self.look_on(seconds)
        await self.phase("Healthy")
        await self.look_on(2)

    # what is written down

    def note(self, text: str) -> None:
        """What was done or went wrong."""
        self._add({"did": text}, max(self._order, default=0))

    @contextmanager
    def refusals_noted(self) -> Iterator[None]:
        """Make a note of what the server refuses, and go on."""
        try:
            yield
        except ApiError as error:
            self.note(f"refused {error.status}: {error.message}")

    @asynccontextmanager
    async def recorded(self) -> AsyncIterator[None]:
        """A fresh namespace, every change in it written down while the body runs; the namespace is gone afterwards."""
        await self._fresh_namespace()
        self._started = asyncio.get_running_loop().time()
        starts = {kind: await self._list(kind) for kind in WATCHED}
        async with asyncio.TaskGroup() as group:
            watches = [
                group.create_task(self._watch(kind, starts[kind]), name=f"watch {kind.name}") for kind in WATCHED
            ]
            yield
            for watch in watches:
                watch.cancel()
        self.rows = self._in_order()
        with suppress(ApiError):
            await self.client.delete(NAMESPACE, Key("", self.namespace))

    def _in_order(self) -> list[Row]:
        """Watches of several kinds keep no order among them; versions are counted across all kinds."""
        return [self.rows[index] for index in sorted(range(len(self.rows)), key=self._order.__getitem__)]

    def _add(self, row: Row, version: int) -> None:
        self.rows.append({"t": self._now(), **row})
        self._order.append(version)

    def _now(self) -> float:
        return round(asyncio.get_running_loop().time() - self._started, 2)

    async def _fresh_namespace(self) -> None:
        """A namespace in which pods are admitted; what an earlier recording left is awaited to be gone."""
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        async with asyncio.timeout(PATIENCE):
            while not await self._took(body):
                with suppress(ApiError):
                    await self.client.delete(NAMESPACE, Key("", self.namespace))
                await asyncio.sleep(0.2)
            await self._furnished()

    async def _took(self, body: dict[str, Any]) -> bool:
        try:
            await self.client.create(NAMESPACE, "", body)
        except AlreadyExists:
            return False
        return True

    async def _furnished(self) -> None:
        """Pods are refused in a namespace until it has its default account."""
        while True:
            try:
                await self.client.get(SERVICE_ACCOUNT, Key(self.namespace, "default"))
            except NotFound:
                await asyncio.sleep(0.05)
            else:
                return

    async def _watch(self, kind: Kind, version: str) -> None:
        """Follow a kind from *version* on; where the server ends it, list and go on from there."""
        while True:
            params = {"watch": "1", "resourceVersion": version}
            async with self.client.stream(kind.path(self.namespace), params) as lines:
                async for line in lines:
                    change = msgspec.json.decode(line)
                    if change["type"] == "ERROR":
                        break
                    self._see(kind.name, change["type"], change["object"])
            self.note(f"watch of {kind.plural} ended, going on")
            version = await self._list(kind)

    async def _caught_up(self, kind: Kind, name: str, version: str) -> None:
        """Until the watch shows an object as it is at *version*: whoever waits for a phase next means the one after."""
        await self.until(lambda: self.versions.get((kind.name, name), int(version)) >= int(version), BEHIND)

    async def _list(self, kind: Kind) -> str:
        """See every object as it is; the list's version."""
        found: dict[str, dict[str, Any]] = {}
        version = ""
        async for page in self.client.pages(kind, self.namespace):
            listed = msgspec.json.decode(page)
            version = listed["metadata"]["resourceVersion"]
            found |= {item["metadata"]["name"]: item for item in listed["items"] or ()}
        for known, name in list(self.states):
            if known == kind.name and name not in found:
                self._see(known, "DELETED", self.states[known, name])
        for item in found.values():
            if kind != EVENT:
                self._see(kind.name, "MODIFIED", {"apiVersion": kind.api_version, "kind": kind.name, **item})
        return version

    def _see(self, kind: str, change: str, raw: dict[str, Any]) -> None:
        seen, version = cleaned(raw), int(raw["metadata"].get("resourceVersion", max(self._order, default=0)))
        if kind == "Event":
            self._add({"event": told(seen)}, version)
            return
        name = seen["metadata"]["name"]
        row = {"kind": kind, "name": name}
        before = self.states.pop((kind, name), None)
        self.versions[kind, name] = version
        if change == "DELETED":
            self._add({**row, "deleted": True}, version)
            return
        self.states[kind, name] = seen
        if before is None:
            self._add({**row, "object": seen}, version)
        elif patch := mergepatch.diff(before, seen):
            self._add({**row, "patch": patch}, version)


SERVICE_ACCOUNT = Kind("", "v1", "ServiceAccount", "serviceaccounts")


def cleaned(seen: dict[str, Any]) -> dict[str, Any]:
    """The object without what differs from run to run."""
    metadata = {name: value for name, value in seen["metadata"].items() if name not in LEFT_OUT}
    for owner in metadata.get("ownerReferences", []):
        owner.pop("uid", None)
    return {**seen, "metadata": metadata}


def told(event: dict[str, Any]) -> dict[str, Any]:
    """The part of an Event that people read."""
    about = event["involvedObject"]
    return {name: event.get(name) for name in EVENT_FIELDS} | {"regarding": f"{about['kind']}/{about['name']}"}
