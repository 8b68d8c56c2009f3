"""A Rollout on a terminal: observed once or followed, drawn as a tree. For `get` and for whoever shows a release."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec
from rich.console import RenderableType

from rollouts.api.analysis import AnalysisRun
from rollouts.api.keys import CONTROLLER_REVISION_LABEL, HASH_LABEL, POD_NAME_LABEL
from rollouts.api.kinds import ANALYSIS_RUN, CONTROLLER_REVISION, POD, REPLICA_SET, ROLLOUT, STATEFUL_SET
from rollouts.api.meta import Key, Kind
from rollouts.api.rollout import Rollout
from rollouts.api.workloads import ControllerRevision, ReplicaSet, StatefulSet
from rollouts.cli.connection import absent
from rollouts.cli.output import glyphs_of, renderable
from rollouts.cli.views import tree as drawing
from rollouts.cli.views.assemble import Seen, rollout_view
from rollouts.cli.views.model import RolloutView
from rollouts.cli.views.partitioned import stateful_set_name
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
    return rollout_view(await _seen(client, key), now())


async def _seen(client: Client, key: Key) -> Seen:
    rollout = await _rollout(client, key)
    place = key.namespace
    runs = await _all(client, ANALYSIS_RUN, AnalysisRun, place)
    if stateful_set_name(rollout):
        pods = await _all(client, POD, SeenPod, place, POD_NAME_LABEL)
        workloads = await _all(client, STATEFUL_SET, StatefulSet, place)
        revisions = await _all(client, CONTROLLER_REVISION, ControllerRevision, place, CONTROLLER_REVISION_LABEL)
        return Seen(rollout, (), pods, runs, workloads, revisions)
    sets = await _all(client, REPLICA_SET, ReplicaSet, place, HASH_LABEL)
    pods = await _all(client, POD, SeenPod, place, HASH_LABEL)
    return Seen(rollout, sets, pods, runs)


async def _rollout(client: Client, key: Key) -> Rollout:
    try:
        return decode(Rollout, await client.get(ROLLOUT, key))
    except NotFound:
        raise await absent(client, key) from None


async def observe_all(client: Client, namespace: str) -> list[RolloutView]:
    """Every Rollout of *namespace*, or of all where that is "", without what hangs below them."""
    sets = await _all(client, REPLICA_SET, ReplicaSet, namespace, HASH_LABEL)
    found = await _all(client, ROLLOUT, Rollout, namespace)
    is_needed = any(stateful_set_name(rollout) for rollout in found)
    workloads = await _all(client, STATEFUL_SET, StatefulSet, namespace) if is_needed else []
    return [rollout_view(Seen(rollout, sets, stateful_sets=workloads), now()) for rollout in found]


def now() -> datetime:
    """The date, in UTC."""
    return SystemClock().now()


async def _all(client: Client, kind: Kind, form: type[T], namespace: str, selector: str = "") -> list[T]:
    return [decode(form, item) for item in await client.list(kind, namespace, selector=selector)]


class Following:
    """One Rollout, kept up to date by watches; made by `following`."""

    def __init__(self, client: Client, key: Key, *, is_partitioned: bool) -> None:
        self._key = key
        self._changed = asyncio.Event()
        self._rollouts = self._informer(client, ROLLOUT, Rollout)
        self._pods = self._informer(client, POD, SeenPod, POD_NAME_LABEL if is_partitioned else HASH_LABEL)
        self._runs = self._informer(client, ANALYSIS_RUN, AnalysisRun)
        self._workloads: dict[str, Informer[Any]] = (
            {
                "stateful_sets": self._informer(client, STATEFUL_SET, StatefulSet),
                "revisions": self._informer(client, CONTROLLER_REVISION, ControllerRevision, CONTROLLER_REVISION_LABEL),
            }
            if is_partitioned
            else {"replica_sets": self._informer(client, REPLICA_SET, ReplicaSet, HASH_LABEL)}
        )
        self.informers: tuple[Informer[Any], ...] = (
            *(self._rollouts, self._pods, self._runs),
            *self._workloads.values(),
        )

    def view(self) -> RolloutView | None:
        """The Rollout as it is now; None once it is gone."""
        rollout = self._rollouts.store.get(self._key)
        if rollout is None:
            return None
        found = {"pods": self._pods, "runs": self._runs, **self._workloads}
        seen = Seen(rollout, **{name: tuple(one.store.all()) for name, one in found.items()})
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
    seen = await _seen(client, key)
    follower = Following(client, key, is_partitioned=bool(stateful_set_name(seen.rollout)))
    async with background(**{f"watch {one.kind.plural}": one.run() for one in follower.informers}):
        for one in follower.informers:
            await one.synced()
        yield follower
