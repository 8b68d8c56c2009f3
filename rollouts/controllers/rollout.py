"""One Rollout, one step closer: read, decide, write, say; in that order, once."""

from collections.abc import Callable
from datetime import datetime

from rollouts.api.meta import Key
from rollouts.api.rollout import RolloutStatus
from rollouts.controllers.apply import Receipt, Refusal, apply, write_status
from rollouts.controllers.gather import Gone, Stale
from rollouts.controllers.holdback import Holdback
from rollouts.controllers.housekeeping import tidy_up
from rollouts.controllers.journal import Journal
from rollouts.controllers.metrics import ReconcileMetrics
from rollouts.controllers.namesakes import Namesakes
from rollouts.controllers.standstill import Standstill
from rollouts.controllers.stores import Stores
from rollouts.controllers.writes import Writer, expect
from rollouts.kube.client import Client
from rollouts.kube.errors import ApiError
from rollouts.planner.actions import CreateReplicaSet
from rollouts.planner.rollout import plan
from rollouts.planner.snapshot import Snapshot
from rollouts.planner.uncreated import renamed, uncreated
from rollouts.runtime.clock import Clock


class RolloutController:
    """Brings Rollouts to what they should be. *look* is `gather` with all but the key filled in."""

    def __init__(
        self,
        stores: Stores,
        look: Callable[[Key], Gone | Stale | Snapshot],
        client: Client,
        *,
        clock: Clock,
        journal: Journal,
        metrics: ReconcileMetrics,
    ) -> None:
        self._stores = stores
        self._look = look
        self._client = client
        self._clock = clock
        self._journal = journal
        self._metrics = metrics
        self._holdback = Holdback()
        self._namesakes = Namesakes()
        self._standstill = Standstill()
        self._seen: set[Key] = set()

    async def reconcile(self, key: Key) -> datetime | None:
        """Bring one Rollout one step closer; return when to look again."""
        now = self._clock.now()
        match self._look(key):
            case Gone():
                self._forget(key)
                again = await tidy_up(key, self._stores, self._client)
                return now + again if again else None
            case Stale() as stale:
                self._stand_still(key, stale.why, now)
                return now + stale.patience
            case Snapshot() as snapshot:
                self._standstill.forget(key)
                self._seen.add(key)
                with self._metrics.timed(key):
                    decided = self._holdback.held(snapshot, plan(snapshot, now), now)
                    receipt = await apply(decided, snapshot, self._client)
                    expect(receipt.written, self._stores.holding)
                    self._stores.note_runs(receipt.written)
                    self._journal.record(snapshot, decided, receipt)
                    return await self._next_look(snapshot, receipt, decided.wake_at, now)

    def _stand_still(self, key: Key, why: str, now: datetime) -> None:
        rollout = self._stores.rollouts.get(key)
        if rollout is not None and self._standstill.is_news(key, why, now):
            self._journal.stands_still(rollout.metadata, why)

    def _forget(self, key: Key) -> None:
        self._holdback.forget(key)
        self._namesakes.forget(key)
        self._standstill.forget(key)
        if key in self._seen:
            self._seen.discard(key)
            self._journal.forget(key)

    async def _next_look(
        self, snapshot: Snapshot, receipt: Receipt, wake_at: datetime | None, now: datetime
    ) -> datetime | None:
        """When the plan says, or after a backoff where a write was refused."""
        refusal = receipt.refusal
        if refusal is None:
            self._namesakes.forget(snapshot.key)
            return wake_at
        if refusal.is_verdict and isinstance(refusal.action, CreateReplicaSet):
            await self._tell_why_not_created(snapshot, receipt, refusal.action.key.name)
            return now
        if refusal.is_reprieve:
            self._journal.put_off(snapshot.rollout.metadata, refusal)
            return now
        if not refusal.is_stale:
            raise refusal.error
        self._journal.overtaken(snapshot.rollout.metadata, refusal)
        seen = self._stores.replica_sets.version
        if refusal.is_name_taken and self._namesakes.is_hidden(snapshot.key, seen, now):
            await self._write_instead(snapshot, receipt, renamed(snapshot))
        return now

    async def _tell_why_not_created(self, snapshot: Snapshot, receipt: Receipt, name: str) -> None:
        assert receipt.refusal is not None
        text = f'Failed to create new replica set "{name}": {receipt.refusal.error.message}'
        if await self._write_instead(snapshot, receipt, uncreated(snapshot, text, self._clock.now())):
            self._journal.create_failed(snapshot.rollout.metadata, text)

    async def _write_instead(self, snapshot: Snapshot, receipt: Receipt, status: RolloutStatus) -> bool:
        """A second, small status write: the plan's own was for a world in which the ReplicaSet exists."""
        writer = Writer.after(self._client, receipt.written)
        try:
            is_news = await write_status(writer, snapshot, status)
        except ApiError as error:
            self._journal.overtaken(snapshot.rollout.metadata, Refusal(None, error))
            return False
        expect(writer.written, self._stores.holding)
        return is_news
