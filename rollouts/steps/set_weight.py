"""setWeight: the canary's share of the traffic, or without a router of the pods.

```yaml
- setWeight: 20
```
Done when replica counts are as wanted and every router's split is in effect. Range 0 to `maxTrafficWeight` (100).
"""

from dataclasses import dataclass, replace
from datetime import datetime

from rollouts.api.model import SpecError
from rollouts.steps.base import Bounds, Done, Goal, Outcome, View, Wait
from trafficrouters.base import Feature


@dataclass(frozen=True, slots=True)
class SetWeight:
    """The step's behaviour; its configuration is the weight."""

    key: str = "setWeight"
    order: int = 2
    needs: frozenset[Feature] = frozenset()

    def decode(self, value: int, path: str, bounds: Bounds) -> int:
        """The weight; raises SpecError outside 0..total."""
        if not 0 <= value <= bounds.total:
            raise SpecError(path, value, f"SetWeight needs to be between 0 and {bounds.total}")
        return value

    def describe(self, config: int) -> str:
        """`setWeight: 20`."""
        return f"setWeight: {config}"

    def shape(self, config: int, goal: Goal) -> Goal:
        """The weight given here, until another setWeight."""
        return replace(goal, weight=config)

    def outcome(self, config: int, view: View, now: datetime) -> Outcome:
        """Counts first, then traffic: no weight counts before its pods do."""
        _ = config, now
        waiting = view.counts or view.traffic
        return Wait(waiting) if waiting else Done()


STEP = SetWeight()
