"""Plans run against a world until nothing more is to be done, and what happened at each."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from rollouts.api.kinds import REPLICA_SET
from rollouts.api.meta import Ref
from rollouts.api.rollout import RolloutStatus, status_dict
from rollouts.planner.actions import Announcement
from rollouts.planner.draft import Plan
from rollouts.planner.rollout import plan
from rollouts.planner.snapshot import Snapshot
from rollouts.simulator.objects import Refused
from rollouts.simulator.sight import Sight
from rollouts.simulator.world import World
from rollouts.wire import mergepatch

# A release of many steps may need a few passes at one instant; a controller that needs this many goes in a circle.
MOST_PLANS_AT_ONCE: Final = 40


class HotLoop(Exception):  # noqa: N818
    """Plans follow each other without time passing: a real controller would never rest."""


class Stuck(Exception):  # noqa: N818
    """What a story waits for does not come about."""


@dataclass(frozen=True)
class Moment:
    """One plan, what was written of it, and the cluster afterwards.

    *sizes*: wanted and available pods by ReplicaSet. *refused*: why the API server ended the plan early. *told*: what
    somebody outside did at this moment; then there is no plan.
    """

    at: datetime
    sizes: Mapping[str, tuple[int, int]]
    plan: Plan | None = None
    before: RolloutStatus = field(default_factory=RolloutStatus)
    events: tuple[Announcement, ...] = ()
    refused: str = ""
    told: str = ""
    wrote: bool = False


class Simulation:
    """One Rollout in a world. *settle* is the operator's settling time for routers; None: each router's own."""

    def __init__(self, world: World, rollout: Ref, settle: timedelta | None = None) -> None:
        self.world = world
        self.rollout = rollout
        self.sight = Sight(world, settle)
        self.moments: list[Moment] = []
        self.wake_at: datetime | None = None

    @property
    def status(self) -> RolloutStatus:
        """The Rollout's status as stored."""
        snapshot = self.snapshot()
        return snapshot.status if snapshot else RolloutStatus()

    def snapshot(self) -> Snapshot | None:
        """What the controller would see now."""
        return self.sight.snapshot(self.rollout)

    def tell(self, what: str) -> None:
        """Note what somebody does."""
        self.moments.append(Moment(self.world.now, self._sizes(), told=what))

    def reconcile(self) -> bool:
        """One pass; whether anything was written."""
        snapshot = self.snapshot()
        if snapshot is None:
            self.wake_at = None
            return False
        decided = plan(snapshot, self.world.now)
        self.wake_at = decided.wake_at
        moment = self.carry_out(decided, snapshot)
        self.moments.append(moment)
        return moment.wrote

    def carry_out(self, decided: Plan, snapshot: Snapshot) -> Moment:
        """Write a plan as the controller does: actions in order up to the first that is refused, the status last."""
        events: list[Announcement] = []
        versions = {self.rollout: snapshot.rollout.metadata.resource_version}
        refused, patch = "", {}
        try:
            for action in decided.actions:
                self.world.apply(action, versions)
                events.extend(action.events)
            patch = mergepatch.diff(status_dict(snapshot.status), status_dict(decided.status))
            if patch:
                self.world.patch_status(self.rollout, patch, version=versions[self.rollout])
                events.extend(decided.events)
        except Refused as why:
            refused = str(why)
        moment = Moment(self.world.now, self._sizes(), decided, snapshot.status, tuple(events), refused)
        return replace(moment, wrote=bool(decided.actions or patch))

    def rest(self) -> None:
        """Reconcile until a pass writes nothing, without time passing; raises HotLoop."""
        for _ in range(MOST_PLANS_AT_ONCE):
            if not self.reconcile():
                return
        raise HotLoop("\n".join(_shown(moment) for moment in self.moments[-4:]))

    @property
    def next(self) -> datetime | None:
        """When anything happens next: by itself, or because the controller wanted to look again; raises HotLoop."""
        if self.wake_at is not None and self.wake_at <= self.world.now:
            raise HotLoop(f"asks to be woken at {self.wake_at}, which is over:\n{_shown(self.moments[-1])}")
        times = [time for time in (self.wake_at, self.world.next) if time is not None]
        return min(times) if times else None

    def run(self, until: datetime) -> None:
        """Let time pass until *until*, the controller at work."""
        self.rest()
        while self.next is not None and self.next <= until:
            self.world.advance(self.next)
            self.rest()
        self.world.advance(until)

    def run_to(self, phases: frozenset[str], patience: timedelta) -> None:
        """Let time pass until the Rollout shows one of *phases* for the specification it has; raises Stuck."""
        end = self.world.now + patience
        self.rest()
        while not self._shows(phases):
            if self.next is None or self.next > end:
                raise Stuck(f"never became {' or '.join(sorted(phases))}: it is {self.status.phase}")
            self.world.advance(self.next)
            self.rest()

    def _shows(self, phases: frozenset[str]) -> bool:
        snapshot = self.snapshot()
        if snapshot is None:
            return False
        seen = snapshot.status.observed_generation == str(snapshot.rollout.metadata.generation)
        return seen and snapshot.status.phase in phases

    def _sizes(self) -> dict[str, tuple[int, int]]:
        sets = self.world.objects.of(REPLICA_SET)
        return self.world.stateful_sets.sizes() | {
            raw["metadata"]["name"]: (
                raw["spec"].get("replicas", 1),
                (raw.get("status") or {}).get("availableReplicas", 0),
            )
            for raw in sets
        }


def _shown(moment: Moment) -> str:
    if moment.plan is None:
        return f"{moment.at} {moment.told}"
    actions = "\n".join(f"    {action}" for action in moment.plan.actions)
    changed = mergepatch.diff(status_dict(moment.before), status_dict(moment.plan.status))
    return f"{moment.at} {moment.refused}\n{actions}\n    status {changed}"
