"""A Rollout on a terminal: observed once or followed, drawn as a tree. For `get` and for whoever shows a release."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec
from rich.console import RenderableType

from rollouts.api.analysis import AnalysisRun
from rollouts.api.keys import HASH_LABEL
from rollouts.api.kinds import ANALYSIS_RUN, POD, REPLICA_SET, ROLLOUT
from rollouts.api.meta import Key, Kind
from rollouts.api.rollout import Rollout
from rollouts.api.workloads import ReplicaSet
from rollouts.cli.connection import absent
from rollouts.cli.output import glyphs_of, renderable
from rollouts.cli.views import tree as drawing
from rollouts.cli.views.assemble import Seen, rollout_view
from rollouts.cli.views.model import RolloutView
from rollouts.cli.views.pods import SeenPod
from rollouts.cli.views.text import Glyphs
from rollouts.kube.client import Client
from rollouts.kube.errors import NotFound
from rollouts.kube.informer import Informer
from rollouts.runtime.clock import SystemClock
from rollouts.runtime.lifecycle import background
from rollouts.wire.decode import decode

T = TypeVar("T", bound=msgspec.Struct)

# Changes come in bursts; a person cannot read faster than this, in seconds.
CALM: Final = 0.1


def tree(view: RolloutView, glyphs: Glyphs | None = None) -> RenderableType:
    """*view* as `get` shows it: header, revisions, pods, analyses."""
    return renderable(drawing.page(view, glyphs or glyphs_of()))


async def observe(client: Client, key: Key) -> RolloutView:
    """Rollout *key* as it is now. Raises Failure where there is none, and ApiError."""
    try:
        rollout = decode(Rollout, await client.get(ROLLOUT, key))
    except NotFound:
        raise await absent(client, key) from None
    seen = Seen(
        rollout,
        await _all(client, REPLICA_SET, ReplicaSet, key.namespace, HASH_LABEL),
        await _all(client, POD, SeenPod, key.namespace, HASH_LABEL),
        await _all(client, ANALYSIS_RUN, AnalysisRun, key.namespace),
    )
    return rollout_view(seen, now())


async def observe_all(client: Client, namespace: str) -> list[RolloutView]:
    """Every Rollout of *namespace*, or of all where that is "", without what hangs below them."""
    sets = await _all(client, REPLICA_SET, ReplicaSet, namespace, HASH_LABEL)
    found = await _all(client, ROLLOUT, Rollout, namespace)
    return [rollout_view(Seen(rollout, sets), now()) for rollout in found]


def now() -> datetime:
    """The date, in UTC."""
    return SystemClock().now()


async def _all(client: Client, kind: Kind, form: type[T], namespace: str, selector: str = "") -> list[T]:
    return [decode(form, item) for item in await client.list(kind, namespace, selector=selector)]


class Following:
    """One Rollout, kept up to date by watches; made by `following`."""

    def __init__(self, client: Client, key: Key) -> None:
        self._key = key
        self._changed = asyncio.Event()
        self._rollouts = self._informer(client, ROLLOUT, Rollout)
        self._sets = self._informer(client, REPLICA_SET, ReplicaSet, HASH_LABEL)
        self._pods = self._informer(client, POD, SeenPod, HASH_LABEL)
        self._runs = self._informer(client, ANALYSIS_RUN, AnalysisRun)
        self.informers: tuple[Informer[Any], ...] = (self._rollouts, self._sets, self._pods, self._runs)

    def view(self) -> RolloutView | None:
        """The Rollout as it is now; None once it is gone."""
        rollout = self._rollouts.store.get(self._key)
        if rollout is None:
            return None
        seen = Seen(rollout, *(tuple(one.store.all()) for one in (self._sets, self._pods, self._runs)))
        return rollout_view(seen, now())

    async def changed(self, within: float | None = None) -> None:
        """Wait for a change of anything, but no longer than *within* seconds; changes in a burst count as one."""
        try:
            async with asyncio.timeout(within):
                await self._changed.wait()
                await asyncio.sleep(CALM)
        except TimeoutError:
            return
        finally:
            self._changed.clear()

    def _informer(self, client: Client, kind: Kind, form: type[T], selector: str = "") -> Informer[Any]:
        def hear(_: object) -> None:
            self._changed.set()

        return Informer(
            kind,
            lambda body: decode(form, body),
            client=client,
            namespace=self._key.namespace,
            selector=selector,
            on_event=hear,
        )


@asynccontextmanager
async def following(client: Client, key: Key) -> AsyncIterator[Following]:
    """Follow Rollout *key* by watches while the body runs. Raises Failure where there is none, and ApiError."""
    await observe(client, key)
    follower = Following(client, key)
    async with background(**{f"watch {one.kind.plural}": one.run() for one in follower.informers}):
        for one in follower.informers:
            await one.synced()
        yield follower
