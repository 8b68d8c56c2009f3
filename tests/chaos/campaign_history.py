"""Everything that happened in a namespace, in the one order in which it happened.

Each kind is watched, which tells of every version of every object; all versions of a cluster are numbers of one
store, so that the rows of several watches can be put in order by them.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec

from rollouts.api.kinds import (
    ANALYSIS_RUN,
    DEPLOYMENT,
    HTTP_ROUTE,
    INGRESS,
    POD,
    REPLICA_SET,
    ROLLOUT,
    SERVICE,
    STATEFUL_SET,
)
from rollouts.api.meta import Kind
from rollouts.kube.client import Client
from rollouts.kube.errors import Unreachable
from tests.chaos.checker import Row
from tests.chaos.scenarios_words import Condition, Json

WATCHED = (ROLLOUT, REPLICA_SET, ANALYSIS_RUN, SERVICE, INGRESS, HTTP_ROUTE, DEPLOYMENT, STATEFUL_SET, POD)


class Never(Exception):  # noqa: N818 (said of a claim)
    """What was waited for did not come."""


class History:
    """A World that remembers. `rows` are of all kinds watched, in the order of their versions."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client, self._namespace = client, namespace
        self._rows: list[Row] = []
        self._objects: dict[tuple[str, str], Json] = {}
        self._news = asyncio.Event()
        self._last = asyncio.get_running_loop().time()

    @property
    def rows(self) -> list[Row]:
        """So far."""
        return sorted(self._rows, key=lambda row: row.version)

    @property
    def version(self) -> int:
        """The newest version seen."""
        return max((row.version for row in self._rows), default=0)

    def found(self, kind: str, name: str) -> Json:
        """An object as it is now; {} where there is none."""
        return self._objects.get((kind, name), {})

    def all(self, kind: str) -> list[Json]:
        """All objects of a kind."""
        return [body for (found, _), body in self._objects.items() if found == kind]

    async def until(self, conditions: tuple[Condition, ...], seconds: float) -> None:
        """Wait until all hold at once. Raises Never, with what was last seen."""
        await self._until(conditions, 0.0, seconds)

    async def until_quiet(self, conditions: tuple[Condition, ...], quiet: float, seconds: float) -> None:
        """Wait until all hold and nothing has changed for *quiet* seconds."""
        await self._until(conditions, quiet, seconds)

    def rest(self) -> None:
        """Quiet counts from now on."""
        self._last = asyncio.get_running_loop().time()

    async def _until(self, conditions: tuple[Condition, ...], quiet: float, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while loop.time() < end:
            self._news.clear()
            is_so = all(one.holds(self) for one in conditions)
            rest = self._last + quiet - loop.time()
            if is_so and rest <= 0:
                return
            try:
                async with asyncio.timeout(min(max(rest, 0.01) if is_so else 1.0, 1.0)):
                    await self._news.wait()
            except TimeoutError:
                continue
        missing = [repr(one) for one in conditions if not one.holds(self)] or [f"{quiet:g} s without a change"]
        raise Never(f"in {seconds:g} s never {', '.join(missing)}; last {self._told()}")

    def _told(self) -> str:
        statuses = [one.get("status", {}) for one in self.all("Rollout")]
        return "; ".join(
            f"{one.get('phase')} step {one.get('currentStepIndex')}: {one.get('message', '')}" for one in statuses
        )

    async def follow(self, kind: Kind, begun: asyncio.Event) -> None:
        """Follow one kind; *begun* is set once its present state is known."""
        version = ""
        async for page in self._client.pages(kind, self._namespace):
            listed = msgspec.json.decode(page)
            version = version or listed["metadata"]["resourceVersion"]
            for item in listed["items"] or ():
                self._note("ADDED", kind, item)
        begun.set()
        while True:
            params = {"watch": "1", "resourceVersion": version, "allowWatchBookmarks": "true"}
            # a stream that is cut off, or silent for long, goes on where it was
            with suppress(Unreachable):
                async with self._client.stream(kind.path(self._namespace), params) as lines:
                    async for line in lines:
                        version = self._heard(kind, msgspec.json.decode(line))

    def _heard(self, kind: Kind, change: Json) -> str:
        """One line of a watch; the version it tells of."""
        if change["type"] == "ERROR":
            raise Never(f"the history of {kind.plural} has a gap: {change['object'].get('message')}")
        if change["type"] != "BOOKMARK":
            self._note(change["type"], kind, change["object"])
        return str(change["object"]["metadata"]["resourceVersion"])

    def _note(self, change: str, kind: Kind, body: Json) -> None:
        name = body["metadata"]["name"]
        body = {"kind": kind.name, **body}
        self._rows.append(Row(int(body["metadata"]["resourceVersion"]), time.time(), kind.name, name, change, body))
        if change == "DELETED":
            self._objects.pop((kind.name, name), None)
        else:
            self._objects[kind.name, name] = body
        self._last = asyncio.get_running_loop().time()
        self._news.set()


@asynccontextmanager
async def history(client: Client, namespace: str) -> AsyncIterator[History]:
    """Write down what happens while the body runs."""
    found = History(client, namespace)
    begun = {kind: asyncio.Event() for kind in WATCHED}
    async with asyncio.TaskGroup() as group:
        watches = [
            group.create_task(found.follow(kind, event), name=f"history of {kind.plural}")
            for kind, event in begun.items()
        ]
        for event in begun.values():
            await event.wait()
        yield found
        for watch in watches:
            watch.cancel()


def readable(rows: list[Row]) -> list[dict[str, Any]]:
    """Rows as JSON, for a person who looks for what went wrong."""
    return [msgspec.to_builtins(row) for row in rows]
