"""setHeaderRoute: requests with certain headers go to the canary whatever the weight.

```yaml
- setHeaderRoute:
    name: testers                          # must stand in trafficRouting.managedRoutes
    match: [{headerName: x-tester, headerValue: {exact: "yes"}}]   # no match: the route is taken away
```
Done when the routers' split, this route included, is in effect.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from rollouts.api.model import SpecError
from rollouts.api.rollout import SetHeaderRoute
from rollouts.steps.base import Bounds, Done, Goal, Outcome, View, Wait
from trafficrouters.base import Feature


@dataclass(frozen=True, slots=True)
class HeaderRoute:
    """The step's behaviour; its configuration is what was written."""

    key: str = "setHeaderRoute"
    order: int = 5
    needs: frozenset[Feature] = frozenset({Feature.HEADER_ROUTES})

    def decode(self, value: SetHeaderRoute, path: str, bounds: Bounds) -> SetHeaderRoute:
        """As written; raises SpecError when the name is not managed or a value is not exactly one kind of match."""
        if value.name not in bounds.managed:
            raise SpecError(
                f"{path}.name",
                value.name,
                "the name must be listed in spec.strategy.canary.trafficRouting.managedRoutes",
            )
        for index, match in enumerate(value.match or ()):
            given = [match.header_value.exact, match.header_value.prefix, match.header_value.regex]
            if sum(1 for kind in given if kind) != 1:
                where = f"{path}.match[{index}].headerValue"
                raise SpecError(where, None, "exactly one of exact, prefix and regex must be given")
        return value

    def describe(self, config: SetHeaderRoute) -> str:
        """`setHeaderRoute: testers`."""
        return f"setHeaderRoute: {config.name}"

    def shape(self, config: SetHeaderRoute, goal: Goal) -> Goal:
        """The route of this name replaced, or without a match removed."""
        kept = tuple(route for route in goal.routes if route.name != config.name)
        return replace(goal, routes=(*kept, config) if config.match else kept)

    def outcome(self, config: SetHeaderRoute, view: View, now: datetime) -> Outcome:
        """Done when the split is in effect."""
        _ = config, now
        return Wait(view.traffic) if view.traffic else Done()


STEP = HeaderRoute()
