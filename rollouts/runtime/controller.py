"""Work on the keys of a queue, several at a time, whatever the work is."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Generic

from rollouts.runtime.clock import Clock
from rollouts.runtime.workqueue import Closed, K, WorkQueue


class Controller(Generic[K]):
    """Calls *reconcile* for each key and looks again when it says, or after a backoff where it raised.

    A reconcile that asks to be called again at once gets the backoff too, so that it cannot spin.
    *on_error* hears of each exception; cancellation passes through.
    """

    def __init__(
        self,
        name: str,
        queue: WorkQueue[K],
        reconcile: Callable[[K], Awaitable[datetime | None]],
        *,
        clock: Clock,
        on_error: Callable[[K, Exception], None],
    ) -> None:
        self.name = name
        self.queue = queue
        self._reconcile = reconcile
        self._clock = clock
        self._on_error = on_error

    async def run(self, workers: int) -> None:
        """Work until the queue is closed; the keys in hand are finished first."""
        async with asyncio.TaskGroup() as group:
            for number in range(workers):
                group.create_task(self.work(), name=f"{self.name} worker {number}")

    async def work(self) -> None:
        """One worker."""
        while True:
            try:
                key = await self.queue.get()
            except Closed:
                return
            try:
                await self._once(key)
            finally:
                self.queue.done(key)

    async def _once(self, key: K) -> None:
        try:
            wake_at = await self._reconcile(key)
        except Exception as error:  # noqa: BLE001 (one key's failure is that key's: reported, and tried again)
            self._on_error(key, error)
            self.queue.failed(key)
            return
        if wake_at is not None and wake_at <= self._clock.now():
            self.queue.failed(key)
            return
        self.queue.forget(key)
        if wake_at is not None:
            self.queue.add_at(key, wake_at)
