"""Measurements under way: asked beside the workers, so that a provider that hangs delays nobody but its own metric."""

import asyncio
import traceback
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import structlog

from analysis.agenda import Query
from analysis.answers import Answer, Failure, Pending
from analysis.measure import Providers, answer
from analysis.providers.base import Cancels, Tools, chosen
from rollouts.api.analysis import AnalysisRun, Measurement
from rollouts.api.meta import Key

log = structlog.get_logger("rollouts.analysis")

# what was asked together is written together, unless one of the answers takes longer than this
TOGETHER: Final = timedelta(seconds=1)
# connections are bounded per host by the session; this bounds the tasks that wait for one
AT_ONCE: Final = 500


class _UnderWay(NamedTuple):
    query: Query
    task: asyncio.Task[None]


class _Heard(NamedTuple):
    run: AnalysisRun
    query: Query
    answer: Answer

    @property
    def has_begun(self) -> bool:
        """Whether the question began something that goes on, as a Job."""
        return self.query.previous is None and isinstance(self.answer.outcome, Pending)


class Questions:
    """Asks, and keeps answers until they are written. Runs are told apart by uid; *on_answer* hears whose came."""

    def __init__(self, providers: Providers, tools: Tools, *, on_answer: Callable[[Key], None]) -> None:
        self._providers = providers
        self._tools = tools
        self._on_answer = on_answer
        self._group: asyncio.TaskGroup | None = None
        self._under_way: dict[str, dict[str, _UnderWay]] = {}
        self._asked_at: dict[str, datetime] = {}
        self._heard: dict[str, tuple[_Heard, ...]] = {}
        self._turns: dict[str, asyncio.Semaphore] = {}

    async def run(self) -> None:
        """Give questions a home until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            await asyncio.Event().wait()

    def ask(self, run: AnalysisRun, queries: Iterable[Query], now: datetime) -> None:
        """Ask what is neither under way nor answered. `run` must be running."""
        assert self._group is not None
        uid = run.metadata.uid
        known = {one.name for one in self.answers(uid)}
        tasks = self._under_way.setdefault(uid, {})
        for query in queries:
            name = query.metric.name
            if name in known or name in tasks:
                continue
            task = self._group.create_task(self._ask(run, query), name=f"measure {run.metadata.key} {name}")
            tasks[name] = _UnderWay(query, task)
            self._asked_at[uid] = now
        if not tasks:
            del self._under_way[uid]

    def answers(self, uid: str) -> tuple[Answer, ...]:
        """Answers not yet written, in the order in which they came."""
        return tuple(one.answer for one in self._heard.get(uid, ()))

    def hold_until(self, uid: str, now: datetime) -> datetime | None:
        """Until when a write should wait for further answers; None when it need not."""
        until = self._asked_at.get(uid, now) + TOGETHER
        return until if uid in self._under_way and now < until else None

    def settle(self, uid: str, written: tuple[Answer, ...]) -> None:
        """Forget answers that are written, or may be."""
        left = tuple(one for one in self._heard.pop(uid, ()) if one.answer not in written)
        if left:
            self._heard[uid] = left

    def forget(self, uid: str) -> None:
        """The run is over: stop asking, and stop what was begun for it without its knowledge."""
        for query, task in self._under_way.pop(uid, {}).values():
            if not self._may_begin(query):
                task.cancel()
        for one in self._heard.pop(uid, ()):
            if one.has_begun and self._group is not None:
                self._group.create_task(self._stop(one), name=f"stop {one.run.metadata.key} {one.answer.name}")
        self._asked_at.pop(uid, None)

    def _may_begin(self, query: Query) -> bool:
        """Whether the question begins something that its provider has to stop: it is heard out."""
        return query.previous is None and isinstance(chosen(query.metric, self._providers), Cancels)

    async def _ask(self, run: AnalysisRun, query: Query) -> None:
        heard = _Heard(run, query, await self._answer(run, query))
        uid, tasks = run.metadata.uid, self._under_way.get(run.metadata.uid, {})
        if tasks.pop(query.metric.name, None) is not None:
            self._keep(uid, heard)
        elif heard.has_begun:
            await self._stop(heard)

    def _keep(self, uid: str, heard: _Heard) -> None:
        if not self._under_way[uid]:
            del self._under_way[uid]
        self._heard[uid] = (*self._heard.get(uid, ()), heard)
        self._on_answer(heard.run.metadata.key)

    async def _stop(self, heard: _Heard) -> None:
        """End what a question began whose run was over before it could tell of it."""
        begun = Measurement(metadata=dict(heard.answer.outcome.metadata))
        await self._answer(heard.run, replace(heard.query, previous=begun, cancel=True))
        log.info("stopped what outlived its run", run=str(heard.run.metadata.key), metric=heard.answer.name)

    async def _answer(self, run: AnalysisRun, query: Query) -> Answer:
        began = self._tools.now()
        try:
            async with self._turn(query):
                return await answer(query, run, self._providers, self._tools)
        except Exception as error:  # noqa: BLE001 (a provider's defect costs one measurement, not the process)
            _log_defect(run, query, error)
            failure = Failure(f"the provider has a defect: {type(error).__name__}")
            return Answer(query.metric.name, failure, began, self._tools.now())

    def _turn(self, query: Query) -> Any:
        kinds = ",".join(query.metric.provider.chosen)
        return self._turns.setdefault(kinds, asyncio.Semaphore(AT_ONCE))


def _log_defect(run: AnalysisRun, query: Query, error: Exception) -> None:
    """Where it happened, not what it said: its text may quote a secret."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    log.error(
        "provider failed",
        run=str(run.metadata.key),
        metric=query.metric.name,
        error=type(error).__name__,
        at=f"{frame.filename}:{frame.lineno}",
    )
