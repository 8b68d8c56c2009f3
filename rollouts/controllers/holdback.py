"""In mid-release a status that only tells newer counts waits: one that says more will follow, and tell both."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from rollouts.api.meta import Key
from rollouts.api.reasons import PHASE_PROGRESSING
from rollouts.planner.draft import Plan
from rollouts.planner.snapshot import Snapshot
from rollouts.planner.urgency import tells_only_counts

# Autoscalers look every 15 s, and people do not see it.
LONGEST: Final = timedelta(seconds=5)


class Holdback:
    """Remembers since when counts wait. It can be lost at any time: then they wait anew."""

    def __init__(self) -> None:
        self._since: dict[Key, datetime] = {}

    def __len__(self) -> int:
        return len(self._since)

    def held(self, snapshot: Snapshot, plan: Plan, now: datetime) -> Plan:
        """*plan*, without its status while that may wait; then it wakes when it may no longer."""
        at_rest = plan.status.phase != PHASE_PROGRESSING
        if at_rest or plan.events or not tells_only_counts(snapshot.status, plan.status):
            self.forget(snapshot.key)
            return plan
        until = self._since.setdefault(snapshot.key, now) + LONGEST
        if now >= until:
            self.forget(snapshot.key)
            return plan
        return replace(plan, status=snapshot.status, wake_at=min(until, plan.wake_at or until))

    def forget(self, key: Key) -> None:
        """Nothing waits."""
        self._since.pop(key, None)
