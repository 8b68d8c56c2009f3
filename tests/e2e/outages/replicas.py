"""Two replicas of one controller, one of which leads; and a release that they bring to its end together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple

import aiohttp

from rollouts.sandbox.load import Load
from tests.chaos.chronicle import Chronicle, chronicle
from tests.chaos.mortal import COMMAND, Mortal, behind_proxy
from tests.chaos.proxy import Proxy
from tests.e2e.faults.course import PLAIN, Course, canary, deployed, went_as_without
from tests.e2e.outages.lookout import Lookout, lookout
from tests.e2e.scene import Scene

# A third of what is usual, so that tests wait less.
QUICK = ("--leader-election-lease-duration=6s", "--leader-election-renew-deadline=4s",
         "--leader-election-retry-period=1s")  # fmt: skip


class Replica(NamedTuple):
    """A controller process and the proxy between it and the API server, which sees all it asks for."""

    process: Mortal
    proxy: Proxy

    @property
    def has_led(self) -> int:
        """How often it came to lead."""
        return len(self.process.said("leading"))

    async def readyz(self) -> str:
        """What /readyz says; "" where nobody answers within a second."""
        return await said_by(self.process.health_port, "/readyz")

    async def healthz(self) -> str:
        """What /healthz says."""
        return await said_by(self.process.health_port, "/healthz")


class Watched(NamedTuple):
    """A release that is looked at while requests are on their way to it; shaped like a `Play`."""

    scene: Scene
    chronicle: Chronicle | Lookout
    load: Load

    async def weight(self, wanted: int) -> None:
        """Wait until the canary's weight is *wanted*."""
        await self.scene.until(f"weight {wanted}", lambda: self._has(wanted))

    async def over(self, seconds: float = 120.0) -> None:
        """Wait until the release is through and the old pods are gone."""
        await self.scene.phase("Healthy", seconds=seconds)
        await self.scene.until("old pods gone", self._rests, seconds)

    async def ends_as_without(self, course: Course = PLAIN) -> None:
        """`over`, by the way that it takes without faults; Events of a dead process may be missing."""
        await self.over()
        await went_as_without(self, course, told_all=False)  # type: ignore[arg-type]

    async def _has(self, wanted: int) -> bool:
        return self.chronicle.weights()[-1:] == [wanted]

    async def _rests(self) -> bool:
        return await self.scene.sizes() == {"web:v1": 0, "web:v2": 4} and await self._has(0)


@asynccontextmanager
async def replica(scene: Scene, name: str, *flags: str, **named: Any) -> AsyncIterator[Replica]:
    """One, killed afterwards."""
    async with behind_proxy(scene, *(flags or QUICK), name=name, elects=True, **named) as (process, proxy):
        yield Replica(process, proxy)


@asynccontextmanager
async def pair(
    scene: Scene, *flags: str, commands: tuple[tuple[str, ...], tuple[str, ...]] = (COMMAND, COMMAND)
) -> AsyncIterator[tuple[Replica, Replica]]:
    """The one that leads, and the one that stands by, each by its one of *commands*."""
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(replica(scene, "a", *flags, command=commands[0]))
        await scene.until("a leads", lambda: leads(first))
        second = await stack.enter_async_context(replica(scene, "b", *flags, command=commands[1]))
        await scene.until("b stands by", lambda: says(second, "ok: standing by"))
        yield first, second


@asynccontextmanager
async def watched(
    scene: Scene, *before: dict[str, Any], asking: bool = False, strategy: dict[str, Any] | None = None
) -> AsyncIterator[Watched]:
    """v1 Healthy, load on it. Watches see all, while the API server lives; else *asking* again and again must do."""
    await scene.apply(*before) if before else None
    host, url = await deployed(scene, strategy or canary())
    look = lookout(scene) if asking else chronicle(scene.client, scene.namespace)
    async with look as seen, scene.load(host, url=url, clients=2, rate=50) as load:
        yield Watched(scene, seen, load)
    assert load.report().requests > 100


def none_lost(release: Watched) -> None:
    """Not one request went without an answer."""
    assert release.load.report().failures == []


@asynccontextmanager
async def kept_running(*replicas: Replica) -> AsyncIterator[None]:
    """What a kubelet does: whatever ends is started again."""

    async def keep(process: Mortal) -> None:
        while True:
            await process.ended()
            await asyncio.sleep(1)
            await process.start()

    async with asyncio.TaskGroup() as group:
        keepers = [group.create_task(keep(one.process), name=f"kubelet of {one.process.log.name}") for one in replicas]
        yield
        for keeper in keepers:
            keeper.cancel()


async def leads(one: Replica, before: int = 0) -> bool:
    """Whether it has come to lead more often than *before*; fails with the end of its log where it is dead."""
    assert one.process.is_running, list(one.process.entries())[-5:]
    return one.has_led > before


async def is_alive(one: Replica) -> bool:
    """Whether /healthz says that all is well, within a second."""
    return await one.healthz() == "ok"


async def says(one: Replica, text: str) -> bool:
    """Whether /readyz begins so."""
    return (await one.readyz()).startswith(text)


async def said_by(port: int, path: str) -> str:
    """The text of an answer; "" for none within a second."""
    patience = aiohttp.ClientTimeout(total=1)
    try:
        async with (
            aiohttp.ClientSession(timeout=patience) as session,
            session.get(f"http://127.0.0.1:{port}{path}") as answer,
        ):
            return await answer.text()
    except (aiohttp.ClientError, TimeoutError):
        return ""
