"""pause: wait for a while, or without a duration for a person.

```yaml
- pause: {duration: 10m}   # a number is seconds; {} waits until somebody promotes
- pause: {timeout: 12h, onTimeout: abort}   # ours: nobody forgets it; or promote
```
A pause counts from the whole second at which it began, which is kept in `status.pauseConditions`; so does its timeout.
`timeout` and `onTimeout` are not part of the steps' hash: who changes them in mid-release begins nothing anew.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from rollouts.api.model import SpecError
from rollouts.api.rollout import PauseStep
from rollouts.steps.base import Bounds, Done, Failed, Goal, Outcome, Pause, View
from rollouts.wire.durations import format_go_duration, parse_pause_duration, rfc3339
from trafficrouters.base import Feature

ABORT, PROMOTE = "abort", "promote"


@dataclass(frozen=True, slots=True)
class Length:
    """How long to wait, None for ever; and how that was written, which Events repeat.

    *timeout*: how long a person is waited for, None for ever; *on_timeout*: `abort` or `promote`.
    """

    duration: timedelta | None
    written: int | str | None
    timeout: timedelta | None = None
    on_timeout: str = ABORT


@dataclass(frozen=True, slots=True)
class PauseRelease:
    """The step's behaviour; its configuration is the length of the pause."""

    key: str = "pause"
    order: int = 0
    needs: frozenset[Feature] = frozenset()

    def decode(self, value: PauseStep, path: str, bounds: Bounds) -> Length:
        """The length; raises SpecError when it does not parse, is negative, or has both an end and a timeout."""
        _ = bounds
        if value.timeout is not None or value.on_timeout is not None:
            return _limited(value, path)
        if value.duration is None:
            return Length(None, None)
        duration = _read(value.duration, f"{path}.duration")
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
            return _for_a_person(config, view, now)
        until = (view.paused_since or now) + config.duration
        if view.paused_since is not None and now >= until:
            return Done()
        return Pause(f"paused until {rfc3339(until)}", until)


def _limited(value: PauseStep, path: str) -> Length:
    if value.timeout is None:
        raise SpecError(f"{path}.onTimeout", value.on_timeout, "it says nothing without a timeout: give one")
    if value.duration is not None:
        detail = "a pause with a duration ends by itself: leave one of them out"
        raise SpecError(f"{path}.timeout", value.timeout, detail)
    if value.on_timeout not in {None, ABORT, PROMOTE}:
        raise SpecError(f"{path}.onTimeout", value.on_timeout, f"it is {ABORT} or {PROMOTE}")
    timeout = _read(value.timeout, f"{path}.timeout")
    if timeout <= timedelta(0):
        raise SpecError(f"{path}.timeout", value.timeout, "it needs to be greater than 0")
    return Length(None, None, timeout, value.on_timeout or ABORT)


def _read(written: int | str, path: str) -> timedelta:
    try:
        return parse_pause_duration(written)
    except ValueError as wrong:
        raise SpecError(path, written, str(wrong)) from None


def _for_a_person(config: Length, view: View, now: datetime) -> Outcome:
    if config.timeout is None:
        return Pause("paused until somebody promotes")
    until = (view.paused_since or now) + config.timeout
    if view.paused_since is None or now < until:
        end = "aborted" if config.on_timeout == ABORT else "promoted"
        return Pause(f"paused until somebody promotes; {end} at {rfc3339(until)}", until)
    since = f"nobody ended the pause that began at {rfc3339(view.paused_since)}"
    text = f"{since} within {format_go_duration(config.timeout)}: onTimeout is {config.on_timeout}"
    return Failed(text) if config.on_timeout == ABORT else Done(text)


STEP = PauseRelease()
