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
from rollouts.steps.base import Bounds, Done, Goal, Outcome, Pause, View, seconds
from rollouts.wire.durations import parse_pause_duration, rfc3339
from trafficrouters.base import Feature


@dataclass(frozen=True, slots=True)
class PauseRelease:
    """The step's behaviour; its configuration is the duration, None for ever."""

    key: str = "pause"
    order: int = 0
    needs: frozenset[Feature] = frozenset()

    def decode(self, value: PauseStep, path: str, bounds: Bounds) -> timedelta | None:
        """The duration; raises SpecError when it does not parse or is negative."""
        _ = bounds
        if value.duration is None:
            return None
        try:
            duration = parse_pause_duration(value.duration)
        except ValueError as wrong:
            raise SpecError(f"{path}.duration", value.duration, str(wrong)) from None
        if duration < timedelta(0):
            raise SpecError(f"{path}.duration", value.duration, "Duration needs to be greater than 0")
        return duration

    def describe(self, config: timedelta | None) -> str:
        """`pause: 10m` or `pause`."""
        return "pause" if config is None else f"pause: {seconds(config)}"

    def shape(self, config: timedelta | None, goal: Goal) -> Goal:
        """A pause wants nothing but time."""
        _ = config
        return goal

    def outcome(self, config: timedelta | None, view: View, now: datetime) -> Outcome:
        """Done when somebody resumed, or when the time is over."""
        if view.is_resumed:
            return Done()
        if config is None:
            return Pause("paused until somebody promotes")
        until = (view.paused_since or now) + config
        if view.paused_since is not None and now > until:
            return Done()
        return Pause(f"paused until {rfc3339(until)}", until)


STEP = PauseRelease()
