"""Says what was done: logs, Events and metrics, all derived from a plan and its receipt after the writes."""

from collections.abc import Iterable

import structlog

from rollouts.api import events
from rollouts.api.kinds import ANALYSIS_RUN, ROLLOUT
from rollouts.api.meta import Key, Metadata
from rollouts.api.rollout import Rollout
from rollouts.controllers.apply import Receipt, Refusal
from rollouts.controllers.metrics import RolloutMetrics
from rollouts.kube.recorder import Recorder
from rollouts.planner.actions import Action, Announcement
from rollouts.planner.analysisrun import RunPlan
from rollouts.planner.draft import Plan
from rollouts.planner.duration import superseded
from rollouts.planner.snapshot import Snapshot

log = structlog.get_logger("rollouts.controller")


class Journal:
    """The voice of the controllers; nothing in here waits or raises."""

    def __init__(self, recorder: Recorder, metrics: RolloutMetrics) -> None:
        self._recorder = recorder
        self._metrics = metrics

    def record(self, snapshot: Snapshot, plan: Plan, receipt: Receipt) -> None:
        """What was accepted, in causal order: an Event follows its write, and of what failed nothing is told."""
        about = snapshot.rollout.metadata
        logged = log.bind(rollout=str(about.key))
        for reason in plan.reasons:
            logged.debug("reason", stage=reason.stage, verdict=reason.verdict, text=reason.text)
        for action in receipt.done:
            logged.info("act", action=type(action).__name__, object=_object(action), because=action.because)
            self.announce(about, action.events)
        if receipt.status_written:
            logged.info("status", phase=plan.status.phase, step=plan.status.current_step_index)
            self.announce(about, plan.events)
            self._measure_end(snapshot, plan)

    def overtaken(self, about: Metadata, refusal: Refusal) -> None:
        """A plan ended early because it was made from a past that is over; the next one will do."""
        log.debug("overtaken", rollout=str(about.key), object=_object(refusal.action), error=str(refusal.error))

    def put_off(self, about: Metadata, refusal: Refusal) -> None:
        """A write was refused for now, and not because of us; it is tried again ever more slowly."""
        log.info("put off", rollout=str(about.key), object=_object(refusal.action), why=refusal.error.message)

    def announce(self, about: Metadata, said: Iterable[Announcement]) -> None:
        """Say *said* of a Rollout."""
        for one in said:
            self._recorder.record(ROLLOUT, about, one.reason, one.message, warning=one.is_warning)
            self._metrics.said(about.key, one.reason, warning=one.is_warning)

    def failed(self, about: Metadata | None, key: Key, error: Exception) -> None:
        """A reconcile raised."""
        log.error("reconcile failed", rollout=str(key), error=_words(error), exc_info=error)
        self._metrics.reconciles.failed(key)
        if about is not None:
            self.announce(about, [Announcement(events.RECONCILIATION_ERROR, _words(error), is_warning=True)])

    def stands_still(self, about: Metadata, why: str) -> None:
        """A Rollout cannot be looked at for long."""
        log.warning("rollout stands still", rollout=str(about.key), why=why)
        self.announce(about, [Announcement(events.RECONCILIATION_ERROR, f"waiting: {why}", is_warning=True)])

    def run_failed(self, key: Key, error: Exception) -> None:
        """A reconcile of an AnalysisRun raised."""
        log.error("reconcile failed", run=str(key), error=_words(error), exc_info=error)

    def create_failed(self, about: Metadata, text: str) -> None:
        """A ReplicaSet was refused."""
        log.warning("replica set refused", rollout=str(about.key), why=text)
        self.announce(about, [Announcement(events.REPLICA_SET_CREATE_ERROR, text, is_warning=True)])

    def added(self, rollout: Rollout) -> None:
        """A Rollout that nobody has looked at yet.

        Argo Rollouts says this of every Rollout whenever it starts; we say it once.
        """
        about = rollout.metadata
        log.info("rollout added", rollout=str(about.key))
        if not rollout.status.observed_generation:
            self.announce(about, [Announcement(events.ROLLOUT_ADDED, events.added(*about.key))])

    def deleted(self, rollout: Rollout) -> None:
        """A Rollout is gone, and with it its series."""
        about = rollout.metadata
        log.info("rollout deleted", rollout=str(about.key))
        self.announce(about, [Announcement(events.ROLLOUT_DELETED, events.deleted(*about.key))])
        self.forget(about.key)

    def forget(self, key: Key) -> None:
        """Drop the series of a Rollout. A reconcile that was under way when it went has made some anew."""
        self._metrics.forget(key)

    def record_run(self, about: Metadata, plan: RunPlan) -> None:
        """An AnalysisRun's status was written."""
        log.info("run", run=str(about.key), phase=plan.status.phase, why=plan.status.message)
        for one in plan.events:
            self._recorder.record(ANALYSIS_RUN, about, one.reason, one.message, warning=one.is_warning)

    def _measure_end(self, snapshot: Snapshot, plan: Plan) -> None:
        before, after = snapshot.status.duration, plan.status.duration
        gave_way = superseded(before, after)
        if gave_way is not None:
            self._metrics.ended(snapshot.key, gave_way)
        is_new = gave_way is not None or before is None or before.finished_at is None
        if after is not None and after.finished_at is not None and is_new:
            self._metrics.ended(snapshot.key, after)


def _object(action: Action | None) -> str:
    """Which object an action is about."""
    target = getattr(action, "target", None)
    key = getattr(target, "key", None) or getattr(action, "key", None)
    change = getattr(action, "change", None)
    return str(key or getattr(change, "ref", ""))


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
