"""What stages hand to each other, and what comes out. The only channel between stages."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

import msgspec

from rollouts.api.rollout import RolloutStatus
from rollouts.planner.actions import Action, Announcement
from trafficrouters.base import TrafficSplit


class Reason(NamedTuple):
    """The core's voice: logs, Events, conditions and `explain` are renderings of reasons and actions.

    *verdict* is `act`, `hold` (something that should happen may not yet), `wait`, `pass`, `warn` (nothing waits
    for it) or `refuse`.
    """

    stage: str
    verdict: str
    text: str


class Extent(Enum):
    """How much of the status this pass may decide."""

    FULL = "everything"
    RESET = "a release begins or returns: counts and conditions, no step, no promotion"
    FOLLOW = "spec.replicas changed: counts only"
    INVALID = "the specification is refused: its condition only"
    NOTHING = "the status stays as it is"


@dataclass(frozen=True, slots=True)
class Routing:
    """What the traffic stage decided: the split wanted now, and why it is not in effect ("" when it is).

    *wanted* is the canary's weight that the split approaches as pods allow.
    """

    split: TrafficSplit
    hold: str = ""
    wanted: int = 0

    @property
    def is_in_effect(self) -> bool:
        """Verified: written, reported by the data plane where it reports, endpoints there, settling time over."""
        return not self.hold


@dataclass(frozen=True, slots=True)
class Pauses:
    """Changes to pauses and abort that stages asked for (contract §2.2)."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    clear_all: bool = False
    abort: str | None = None
    clear_abort: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan in the making. *status* starts as what was and becomes what shall be.

    *step_done*: why the current step is complete, where nobody would guess.
    """

    status: RolloutStatus
    actions: tuple[Action, ...] = ()
    events: tuple[Announcement, ...] = ()
    reasons: tuple[Reason, ...] = ()
    wake_at: datetime | None = None
    stopped: str = ""
    extent: Extent = Extent.FULL
    pauses: Pauses = Pauses()
    routing: Routing | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)
    step_done: str = ""

    def act(self, *actions: Action, stage: str) -> "Draft":
        """Add actions, each with its own reason."""
        said = tuple(Reason(stage, "act", action.because) for action in actions)
        return replace(self, actions=self.actions + actions, reasons=self.reasons + said)

    def say(self, stage: str, verdict: str, text: str) -> "Draft":
        """Add a reason."""
        return replace(self, reasons=(*self.reasons, Reason(stage, verdict, text)))

    def announce(self, *events: Announcement) -> "Draft":
        """Add Events that belong to the status write."""
        return replace(self, events=self.events + events)

    def wake(self, at: datetime | None) -> "Draft":
        """Look again at *at*, or earlier if somebody else asks for it."""
        if at is None or (self.wake_at is not None and self.wake_at <= at):
            return self
        return replace(self, wake_at=at)

    def stop(self, why: str, extent: Extent | None = None) -> "Draft":
        """No further stage runs, except the status's own."""
        return replace(self, stopped=why, extent=extent or self.extent)

    def with_status(self, **changes: Any) -> "Draft":
        """Change fields of the status."""
        return replace(self, status=msgspec.structs.replace(self.status, **changes))

    def with_canary(self, **changes: Any) -> "Draft":
        """Change fields of `status.canary`."""
        return self.with_status(canary=msgspec.structs.replace(self.status.canary, **changes))

    def with_blue_green(self, **changes: Any) -> "Draft":
        """Change fields of `status.blueGreen`."""
        return self.with_status(blue_green=msgspec.structs.replace(self.status.blue_green, **changes))

    def pausing(self, **changes: Any) -> "Draft":
        """Change what is asked of pauses and abort."""
        return replace(self, pauses=replace(self.pauses, **changes))

    @property
    def is_aborted(self) -> bool:
        """Aborted by now, be it in this very pass."""
        return self.pauses.abort is not None or (self.status.abort and not self.pauses.clear_abort)

    @property
    def is_promoted(self) -> bool:
        """The template in force is the stable one."""
        return self.status.stable_rs != "" and self.status.stable_rs == self.status.current_pod_hash

    def finish(self) -> "Plan":
        """The plan."""
        return Plan(self.actions, self.status, self.events, self.reasons, self.wake_at)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to write, in safe order, then the whole status; what to say; and when to look again (the only requeue)."""

    actions: tuple[Action, ...]
    status: RolloutStatus
    events: tuple[Announcement, ...]
    reasons: tuple[Reason, ...]
    wake_at: datetime | None
