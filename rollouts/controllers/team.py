"""Stores, queues and workers, put together."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import aiohttp
from prometheus_client import CollectorRegistry

from analysis.providers.base import Tools
from rollouts import plugins
from rollouts.api.events import COMPONENT
from rollouts.api.kinds import ANALYSIS_RUN, ROLLOUT
from rollouts.api.meta import Key, Kind
from rollouts.controllers import stores
from rollouts.controllers.analysisrun import AnalysisRunController
from rollouts.controllers.gather import gather
from rollouts.controllers.inventory import Inventory
from rollouts.controllers.jobs import ClusterJobs
from rollouts.controllers.journal import Journal
from rollouts.controllers.leftovers import Leftovers
from rollouts.controllers.metrics import ReconcileMetrics, RolloutMetrics
from rollouts.controllers.neighbours import CALM, concerned
from rollouts.controllers.questions import Questions
from rollouts.controllers.rollout import RolloutController
from rollouts.controllers.secrets import reader
from rollouts.controllers.triggers import delay, wakes
from rollouts.kube.client import Client
from rollouts.kube.recorder import Recorder
from rollouts.kube.store import Event
from rollouts.kube.watch import Change
from rollouts.runtime.clock import Clock
from rollouts.runtime.controller import Controller
from rollouts.runtime.lifecycle import background
from rollouts.runtime.metrics import QueueMetrics, RequestMetrics
from rollouts.runtime.workqueue import WorkQueue
from rollouts.settings import Settings

# so that a slow host leaves sockets for the others
CONNECTIONS_PER_HOST: Final = 32
LAST_WORDS: Final = 2.0
TIDYING: Final = 30.0


class Team:
    """Everything that works while we lead: its parts inside `watching`, its workers inside `work`."""

    def __init__(
        self, settings: Settings, client: Client, clock: Clock, registry: CollectorRegistry, requests: RequestMetrics
    ) -> None:
        self._settings = settings
        self._session = _session()
        self._recorder = Recorder(client, COMPONENT, clock=clock)
        self._metrics = RolloutMetrics(registry, requests)
        self._run_metrics = ReconcileMetrics("analysis_run", registry)
        self._journal = Journal(self._recorder, self._metrics)
        queues = QueueMetrics(registry)
        # named as Argo Rollouts names its own
        self._rollouts = _queue("Rollouts", clock, queues)
        self._runs = _queue("AnalysisRuns", clock, queues)
        scope = _scope(settings, client)
        known = stores.installed(scope)
        self._stores, self._informers = stores.informers(client, scope, known, self._hear)
        self._questions = Questions(
            plugins.providers(),
            Tools(
                self._session,
                reader(client),
                clock.now,
                settings.prometheus_address,
                ClusterJobs(client, settings.job_namespace),
            ),
            on_answer=self._runs.add,
        )
        self._rollout = RolloutController(
            self._stores,
            partial(gather, stores=self._stores, plugins=known, settings=scope),
            client,
            clock=clock,
            journal=self._journal,
            metrics=self._metrics.reconciles,
        )
        self._run = AnalysisRunController(
            self._stores.runs,
            self._questions,
            client,
            clock=clock,
            journal=self._journal,
            metrics=self._run_metrics,
        )
        self._clock = clock
        self._leftovers = Leftovers(requests, clock.monotonic)
        _take_inventory(registry, self._stores)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """See, speak and measure while the body runs."""
        # of pods there is more than one
        watches = {
            f"watch {informer.kind.plural} {number}": informer.run() for number, informer in enumerate(self._informers)
        }
        async with (
            self._session,
            background(events=self._recorder.run(), measurements=self._questions.run(), **watches),
        ):
            yield

    async def synced(self) -> None:
        """Wait until all is known that every Rollout needs, and all else that we may see.

        Routers' objects are waited for where a Rollout needs them.
        """
        for informer in self._informers:
            if informer.kind in stores.ESSENTIAL:
                await informer.synced()
            elif informer.kind not in self._stores.routes:
                await informer.heard()

    def refused(self) -> Mapping[Kind, str]:
        """Kinds that our account may not see, each with the verb that is refused."""
        return self._stores.refused

    async def work(self, stop: asyncio.Event) -> None:
        """Work until *stop* is set, then finish the keys in hand."""
        rollouts = self._controller("rollouts", self._rollouts, self._rollout.reconcile, self._rollout_failed)
        runs = self._controller("analysisruns", self._runs, self._run.reconcile, self._run_failed)
        async with asyncio.TaskGroup() as group:
            group.create_task(rollouts.run(self._settings.rollout_workers), name="rollouts")
            group.create_task(runs.run(self._settings.analysis_workers), name="analysisruns")
            aside = (
                group.create_task(self._look_again(), name="resync"),
                group.create_task(self._tidy_up(), name="series of what is gone"),
            )
            await stop.wait()
            for task in aside:
                task.cancel()
            self._rollouts.close()
            self._runs.close()
        await self._recorder.flush(within=LAST_WORDS)

    def _controller(self, name: str, queue: WorkQueue[Key], reconcile: Any, on_error: Any) -> Controller[Key]:
        return Controller(name, queue, reconcile, clock=self._clock, on_error=on_error)

    async def _look_again(self) -> None:
        """Look at everything from time to time, for whatever no event tells."""
        while self._settings.resync > 0:
            await asyncio.sleep(self._settings.resync)
            for rollout in self._stores.rollouts.all():
                self._rollouts.add(rollout.metadata.key)
            for run in self._stores.runs.all():
                self._runs.add(run.metadata.key)

    async def _tidy_up(self) -> None:
        """Drop the series of what is gone, and of namespaces in which nothing of ours is left."""
        while True:
            await asyncio.sleep(TIDYING)
            metadata = [one.metadata for one in self._stores.rollouts.all()]
            metadata += [one.metadata for one in self._stores.runs.all()]
            # what has no namespace stays, and where the Lease is
            self._leftovers.tidy({"", self._settings.own_namespace, *(one.namespace for one in metadata)})

    def _hear(self, kind: Kind, event: Event[Any]) -> None:
        """Wake whom a change concerns."""
        self._leftovers.hear(kind, event)
        when = self._clock.monotonic() + delay(kind, event)
        for key in wakes(kind, event, self._stores.memory.readers):
            self._rollouts.add_at(key, when)
        for key in concerned(kind, event, self._stores):
            self._rollouts.add_at(key, self._clock.monotonic() + CALM)
        if kind == ROLLOUT and event.type is Change.ADDED and event.new is not None:
            self._journal.added(event.new)
        if kind == ROLLOUT and event.type is Change.DELETED and event.old is not None:
            self._journal.deleted(event.old)
        if kind == ANALYSIS_RUN:
            self._hear_of_run(event)

    def _hear_of_run(self, event: Event[Any]) -> None:
        self._runs.add(event.key)
        # where a list shows a successor of the same name there is no deletion
        if event.old is not None and (event.new is None or event.new.metadata.uid != event.old.metadata.uid):
            self._questions.forget(event.old.metadata.uid)

    def _rollout_failed(self, key: Key, error: Exception) -> None:
        rollout = self._stores.rollouts.get(key)
        self._journal.failed(rollout.metadata if rollout else None, key, error)

    def _run_failed(self, key: Key, error: Exception) -> None:
        self._run_metrics.failed(key)
        self._journal.run_failed(key, error)


def _scope(settings: Settings, client: Client) -> stores.Settings:
    namespace = (settings.namespace or client.default_namespace) if settings.namespaced else ""
    settle = {"nginx": settings.nginx_settle, "gatewayAPI": settings.gateway_settle}
    return stores.Settings(settings.instance_id, namespace, settle)


def _session() -> aiohttp.ClientSession:
    """For measurements only: whatever metric servers do, the API server's connections are others."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, limit_per_host=CONNECTIONS_PER_HOST),
        timeout=aiohttp.ClientTimeout(total=None),
        cookie_jar=aiohttp.DummyCookieJar(),
        # looking for proxies costs a thread for each request
        trust_env=any(name.lower() in {"http_proxy", "https_proxy", "all_proxy"} for name in os.environ),
    )


def _take_inventory(registry: CollectorRegistry, found: stores.Stores) -> None:
    templates = [store for store in (found.templates, found.cluster_templates) if store is not None]
    Inventory(registry, rollouts=found.rollouts, runs=found.runs, templates=templates)


def _queue(name: str, clock: Clock, metrics: QueueMetrics) -> WorkQueue[Key]:
    meter = metrics.meter(name)
    queue: WorkQueue[Key] = WorkQueue(clock, meter)
    meter.watch(lambda: dict(queue.in_hand.items()), clock.monotonic)
    return queue
