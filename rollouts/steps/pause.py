"""pause: wait for a while, or without a duration for a person.

```yaml
- pause: {duration: 10m}   # a number is seconds; {} waits until somebody promotes
```
A pause counts from the whole second at which it began, which is kept in `status.pauseConditions`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from rollouts.api.model import SpecError
from rollouts.api.rollout import PauseStep
from rollouts.steps.base import Bounds, Done, Goal, Outcome, Pause, View
from rollouts.wire.durations import parse_pause_duration, rfc3339
from trafficrouters.base import Feature


@dataclass(frozen=True, slots=True)
class Length:
    """How long to wait, None for ever; and how that was written, which Events repeat."""

    duration: timedelta | None
    written: int | str | None


@dataclass(frozen=True, slots=True)
class PauseRelease:
    """The step's behaviour; its configuration is the length of the pause."""

    key: str = "pause"
    order: int = 0
    needs: frozenset[Feature] = frozenset()

    def decode(self, value: PauseStep, path: str, bounds: Bounds) -> Length:
        """The length; raises SpecError when it does not parse or is negative."""
        _ = bounds
        if value.duration is None:
            return Length(None, None)
        try:
            duration = parse_pause_duration(value.duration)
        except ValueError as wrong:
            raise SpecError(f"{path}.duration", value.duration, str(wrong)) from None
        if duration < timedelta(0):
            raise SpecError(f"{path}.duration", value.duration, "Duration needs to be greater than 0")
        return Length(duration, value.duration)

    def describe(self, config: Length) -> str:
        """`pause: 10m` or `pause`."""
        return "pause" if config.duration is None else f"pause: {config.written}"

    def shape(self, config: Length, goal: Goal) -> Goal:
        """A pause wants nothing but time."""
        _ = config
        return goal

    def outcome(self, config: Length, view: View, now: datetime) -> Outcome:
        """Done when somebody resumed, or when the time is over."""
        if view.is_resumed:
            return Done()
        if config.duration is None:
            return Pause("paused until somebody promotes")
        until = (view.paused_since or now) + config.duration
        if view.paused_since is not None and now >= until:
            return Done()
        return Pause(f"paused until {rfc3339(until)}", until)


STEP = PauseRelease()
