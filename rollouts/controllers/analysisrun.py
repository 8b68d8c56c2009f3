"""One AnalysisRun, one step closer: ask what is due, conclude from what was answered, write the status."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from rollouts.api.analysis import AnalysisRun, AnalysisRunStatus
from rollouts.api.kinds import ANALYSIS_RUN
from rollouts.api.meta import Json, Key
from rollouts.controllers.journal import Journal
from rollouts.controllers.metrics import ReconcileMetrics
from rollouts.controllers.questions import Questions
from rollouts.controllers.writes import Writer, expect
from rollouts.kube.client import Client
from rollouts.kube.errors import Conflict, NotFound, ServerFault, Unreachable
from rollouts.kube.store import Store
from rollouts.planner.analysisrun import RunPlan, RunSnapshot, agenda, conclude
from rollouts.planner.snapshot import target
from rollouts.runtime.clock import Clock
from rollouts.wire.mergepatch import diff

# our own write comes back as an event, which wakes us; this is for the case that it never does
PATIENCE: Final = timedelta(seconds=1)


class AnalysisRunController:
    """Measurements are asked for and not waited for: their answers wake the run again."""

    def __init__(
        self,
        runs: Store[AnalysisRun],
        questions: Questions,
        client: Client,
        *,
        clock: Clock,
        journal: Journal,
        metrics: ReconcileMetrics,
    ) -> None:
        self._runs = runs
        self._questions = questions
        self._client = client
        self._clock = clock
        self._journal = journal
        self._metrics = metrics

    async def reconcile(self, key: Key) -> datetime | None:
        """Bring one run one step closer; return when to look again."""
        run, now = self._runs.get(key), self._clock.now()
        if run is None:
            self._metrics.forget(key)
            return None
        if self._runs.is_stale(key):
            return now + PATIENCE
        if run.metadata.deletion_timestamp is not None:
            self._questions.forget(run.metadata.uid)
            return None
        with self._metrics.timed(key):
            return await self._advance(run, now)

    async def _advance(self, run: AnalysisRun, now: datetime) -> datetime | None:
        snapshot, uid = RunSnapshot(run), run.metadata.uid
        due = agenda(snapshot, now)
        self._questions.ask(run, due.queries, now)
        if (until := self._questions.hold_until(uid, now)) is not None:
            return until
        decided = conclude(snapshot, self._questions.answers(uid), now)
        if not await self._write(run, decided):
            return now
        if decided.status.completed:
            self._questions.forget(uid)
            return decided.wake_at
        return agenda(RunSnapshot(msgspec.structs.replace(run, status=decided.status)), now).wake_at

    async def _write(self, run: AnalysisRun, decided: RunPlan) -> bool:
        """Write the new status, or delete what has been kept long enough; False when somebody else was faster.

        Answers stay until they are surely written, or may be: nothing is measured twice for a person's edit, and
        nothing is counted twice.
        """
        writer, uid = Writer(self._client), run.metadata.uid
        answers = self._questions.answers(uid)
        try:
            await self._send(writer, run, decided)
        except (Conflict, NotFound):
            return False
        except (ServerFault, Unreachable):
            self._questions.settle(uid, answers)
            raise
        self._questions.settle(uid, answers)
        expect(writer.written, lambda *_: self._runs)
        if decided.status != run.status:
            self._journal.record_run(run.metadata, decided)
        return True

    async def _send(self, writer: Writer, run: AnalysisRun, decided: RunPlan) -> None:
        if decided.delete:
            await writer.delete(ANALYSIS_RUN, target(run.metadata))
        elif decided.status != run.status:
            patch = diff(_json(run.status), _json(decided.status))
            await writer.patch(ANALYSIS_RUN, target(run.metadata), {"status": patch})


def _json(status: AnalysisRunStatus) -> Json:
    return msgspec.json.decode(msgspec.json.encode(status), type=dict[str, object])
