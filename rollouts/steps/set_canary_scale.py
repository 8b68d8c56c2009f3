"""setCanaryScale: the canary's size apart from its share of the traffic; needs a router.

```yaml
- setCanaryScale: {replicas: 3}            # or {weight: 25} percent of spec.replicas, or {matchTrafficWeight: true}
```
It sticks until `matchTrafficWeight: true`, another setCanaryScale, the end of the release, or an abort.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from rollouts.api.model import SpecError
from rollouts.api.rollout import SetCanaryScale
from rollouts.steps.base import Bounds, Done, Goal, Outcome, View, Wait
from trafficrouters.base import Feature


@dataclass(frozen=True, slots=True)
class CanaryScale:
    """The step's behaviour; its configuration is what was written."""

    key: str = "setCanaryScale"
    order: int = 1
    needs: frozenset[Feature] = frozenset()

    def decode(self, value: SetCanaryScale, path: str, bounds: Bounds) -> SetCanaryScale:
        """As written; raises SpecError without a router, where pods are the only weight there is."""
        if not bounds.has_router:
            raise SpecError(path, None, "SetCanaryScale requires TrafficRouting to be set")
        return value

    def describe(self, config: SetCanaryScale) -> str:
        """`setCanaryScale{weight: 5}`."""
        if config.match_traffic_weight:
            return "setCanaryScale{matchTrafficWeight: true}"
        if config.replicas is not None:
            return f"setCanaryScale{{replicas: {config.replicas}}}"
        return f"setCanaryScale{{weight: {config.weight}}}"

    def shape(self, config: SetCanaryScale, goal: Goal) -> Goal:
        """The size given here from now on; matchTrafficWeight gives the size back to the weight."""
        return replace(goal, scale=None if config.match_traffic_weight else config)

    def outcome(self, config: SetCanaryScale, view: View, now: datetime) -> Outcome:
        """Done when the pods are there."""
        _ = config, now
        return Wait(view.counts) if view.counts else Done()


STEP = CanaryScale()
