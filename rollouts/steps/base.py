"""What a canary step is: it shapes the goal, and says when it is done. Both pure, both without looking anything up.

A step is one module of this package with an attribute `STEP` that satisfies `Step`; it is found, not listed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from typing import Any, Generic, Protocol, TypeVar

from rollouts.api.rollout import RolloutAnalysis, SetCanaryScale, SetHeaderRoute, SetMirrorRoute
from trafficrouters.base import Feature


@dataclass(frozen=True, slots=True)
class Goal:
    """What the steps so far want. *analysis* is what the last of them wants; the rest sticks until changed."""

    weight: int = 0
    scale: SetCanaryScale | None = None
    routes: tuple[SetHeaderRoute | SetMirrorRoute, ...] = ()
    analysis: RolloutAnalysis | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What a step may know when it says whether it is done. Texts are reasons to wait, empty when there is none.

    *counts*: replica counts are not as wanted. *traffic*: the wanted split is not in effect. *paused_since*: start of
    the pause this step asked for. *is_resumed*: a person (or a client) ended that pause. *run*: phase and message of
    this step's AnalysisRun.
    """

    counts: str = ""
    traffic: str = ""
    paused_since: datetime | None = None
    is_resumed: bool = False
    run: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The step is complete; *text* says why where nobody would guess, in an Event and in the conditions."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """Not yet, and why."""

    text: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Not yet, by intention: the Rollout shows a pause; *until* None waits for a person."""

    text: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The release is to be aborted, with this text as the cause."""

    text: str


Outcome = Done | Wait | Pause | Failed


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a step's configuration is checked against: the weight that means everything, and the routers' abilities."""

    total: int = 100
    has_router: bool = False
    routers: tuple[tuple[str, frozenset[Feature]], ...] = ()
    managed: tuple[str, ...] = ()


C = TypeVar("C")


class Step(Protocol[C]):
    """One kind of canary step."""

    @property
    def key(self) -> str:
        """Its name in `spec.strategy.canary.steps[]`."""

    @property
    def order(self) -> int:
        """Who decides completion when one list item holds several kinds: the lowest (contract of Argo Rollouts)."""

    @property
    def needs(self) -> frozenset[Feature]:
        """What every configured router must support."""

    def decode(self, value: Any, path: str, bounds: Bounds) -> C:
        """Configuration from the parsed field at *path*; raises SpecError."""

    def describe(self, config: C) -> str:
        """Text of this step in Events, such as `setWeight: 20` (read by clients)."""

    def shape(self, config: C, goal: Goal) -> Goal:
        """What is wanted once this step is reached, given what was wanted before it."""

    def outcome(self, config: C, view: View, now: datetime) -> Outcome:
        """Whether this step is complete at *now*."""


@dataclass(frozen=True, slots=True)
class Part(Generic[C]):
    """One kind within a step, with its decoded configuration."""

    step: Step[C]
    config: C


@dataclass(frozen=True, slots=True)
class BoundStep:
    """One item of the steps list, decoded; *parts* in the order in which they decide."""

    parts: tuple[Part[Any], ...]

    @property
    def is_waiting_step(self) -> bool:
        """The step waits by nature (pause, analysis, experiment): no progress deadline runs during it."""
        return self.parts[0].step.key in {"pause", "analysis", "experiment"}

    @property
    def key(self) -> str:
        """The kind that decides."""
        return self.parts[0].step.key

    def describe(self) -> str:
        """The deciding kind's text."""
        return self.parts[0].step.describe(self.parts[0].config)

    def shape(self, goal: Goal) -> Goal:
        """All kinds shape the goal; only wishes that stick are kept from earlier steps."""
        return reduce(
            lambda wanted, part: part.step.shape(part.config, wanted), self.parts, replace(goal, analysis=None)
        )

    def outcome(self, view: View, now: datetime) -> Outcome:
        """The first kind in dispatch order decides."""
        return self.parts[0].step.outcome(self.parts[0].config, view, now)


def goal_of(steps: Sequence[BoundStep]) -> Goal:
    """The left fold of *steps*: "the last setWeight" and a sticking setCanaryScale come out by themselves."""
    return reduce(lambda goal, step: step.shape(goal), steps, Goal())
