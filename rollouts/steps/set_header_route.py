"""setHeaderRoute: requests with certain headers go to the canary whatever the weight.

```yaml
- setHeaderRoute:
    name: testers                          # must stand in trafficRouting.managedRoutes
    match: [{headerName: x-tester, headerValue: {exact: "yes"}}]   # no match: the route is taken away
```
Done when the routers' split, this route included, is in effect.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import re2

from rollouts.api.model import SpecError
from rollouts.api.rollout import SetHeaderRoute
from rollouts.api.steps import HeaderMatch
from rollouts.steps.base import Bounds, Done, Goal, Outcome, View, Wait
from trafficrouters.base import Feature

# Sizes are the Gateway API's, signs those of HTTP.
NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}", re.ASCII)
VALUE: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]{1,4096}")


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
            _refuse_what_no_header_is(match, f"{path}.match[{index}]")
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


def _refuse_what_no_header_is(match: HeaderMatch, path: str) -> None:
    """Raises SpecError for what the API server or a proxy would refuse in the middle of the release."""
    name, value = match.header_name, match.header_value
    if not NAME.fullmatch(name):
        detail = "must be a header's name: 1 to 256 letters, digits and signs such as - and _, without spaces"
        raise SpecError(f"{path}.headerName", name, detail)
    for kind, text in (("exact", value.exact), ("prefix", value.prefix), ("regex", value.regex)):
        if text and not VALUE.fullmatch(text):
            detail = "no header can have it: 1 to 4096 characters without line breaks and other control characters"
            raise SpecError(f"{path}.headerValue.{kind}", text, detail)
    if value.regex and not _is_regex(value.regex):
        raise SpecError(f"{path}.headerValue.regex", value.regex, "is no regular expression: check its brackets")


def _is_regex(text: str) -> bool:
    """In one dialect or another; which one it is depends on the proxy."""
    try:
        re2.compile(text, _quiet())
    except re2.error:
        pass
    else:
        return True
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError):
        return False
    return True


def _quiet() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    return options


STEP = HeaderRoute()
