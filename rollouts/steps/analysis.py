"""analysis: run the named templates' metrics and go on when they are judged good.

```yaml
- analysis:
    templates: [{templateName: success-rate}]
    args: [{name: service, value: web}]
```
A failed or erroneous run aborts the release; an inconclusive one pauses it for a person.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from rollouts.api.rollout import RolloutAnalysis
from rollouts.steps.base import Bounds, Done, Failed, Goal, Outcome, View, Wait
from trafficrouters.base import Feature


@dataclass(frozen=True, slots=True)
class Analysis:
    """The step's behaviour; its configuration is what was written."""

    key: str = "analysis"
    order: int = 4
    needs: frozenset[Feature] = frozenset()

    def decode(self, value: RolloutAnalysis, path: str, bounds: Bounds) -> RolloutAnalysis:
        """As written; the templates it names are checked with the other references."""
        _ = path, bounds
        return value

    def describe(self, config: RolloutAnalysis) -> str:
        """`analysis`."""
        _ = config
        return "analysis"

    def shape(self, config: RolloutAnalysis, goal: Goal) -> Goal:
        """A run while this step is the current one."""
        return replace(goal, analysis=config)

    def outcome(self, config: RolloutAnalysis, view: View, now: datetime) -> Outcome:
        """By the run's phase."""
        _ = config, now
        phase, message = view.run or ("", "")
        if phase == "Successful":
            return Done()
        if phase in {"Failed", "Error"}:
            return Failed(f"Step-based analysis phase error/failed{': ' + message if message else ''}")
        if phase == "Inconclusive":
            return Wait("the analysis run is inconclusive: somebody must promote, retry or abort")
        return Wait(f"the analysis run is {phase}" if phase else "the analysis run is not created yet")


STEP = Analysis()
