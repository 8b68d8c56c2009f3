"""StatefulSet partition: the share of the traffic is the share of the pods, and the partition says which pods.

```yaml
workloadRef: {apiVersion: apps/v1, kind: StatefulSet, name: db}
strategy:
  canary:
    trafficRouting:
      statefulSet: {}                  # alone, or beside nginx or gatewayAPI
```

`setWeight: w` exposes ⌈w % of the replicas⌉ pods, those of the highest ordinals; at least one for any weight, never
all below 100. Pods are replaced one at a time by Kubernetes' own StatefulSet controller; between releases the partition
stays above all ordinals, so that a changed template moves nothing by itself. An abort evicts the new pods, the highest
ordinal first, and leaves the template alone.

With a router beside it two Services are made, `<rollout>-stable` and `<rollout>-canary` (or as `stableService` and
`canaryService` call them), each selecting one revision by label `controller-revision-hash`; that router's routes have
to name them. The user's own Service is never edited, and one that exists under these names is refused.

Limits: strategy canary only; no StatefulSet with updateStrategy OnDelete or of which another controller has control;
what a canary wrote to its volumes stays written. Needs Kubernetes 1.16, whose StatefulSet controller rebuilds old
revisions faithfully; some early patch releases of 1.27 and 1.28 update pods below the partition.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from rollouts.api.meta import Json, Kind, Ref
from rollouts.api.model import Problem, SpecError
from trafficrouters.base import Feature, Observed, RouteChange, Router, Routes, Scope, TrafficSplit

# What is written is a partition, of which the planner knows: no kind is this router's own.
NO_KINDS: Final[Mapping[Kind, tuple[str, ...]]] = {}


class StatefulSetRouter:
    """Writes nothing: the planner moves the partition; see the module's docstring."""

    keys = ("statefulSet",)
    name = "StatefulSet"
    kinds = NO_KINDS
    supports = frozenset({Feature.WEIGHTS, Feature.MAX_TRAFFIC_WEIGHT})
    default_settle = timedelta(0)

    def decode(self, raw: Json, path: str, scope: Scope) -> None:  # noqa: ARG002
        """Nothing can be configured; raises SpecError for whatever is."""
        for key in raw or {}:
            raise SpecError(f"{path}.{key}", None, "nothing can be configured here: write `statefulSet: {}`")

    def reads(self, config: None, scope: Scope) -> frozenset[Ref]:  # noqa: ARG002
        """No routes."""
        return frozenset()

    def follows(self, config: None, scope: Scope, observed: Observed) -> frozenset[Ref]:  # noqa: ARG002
        """No routes."""
        return frozenset()

    def check(self, config: None, scope: Scope, observed: Observed) -> tuple[Problem, ...]:  # noqa: ARG002
        """No routes that could be wrong."""
        return ()

    def refuses(self, config: None, routes: Routes, path: str) -> tuple[Problem, ...]:  # noqa: ARG002
        """Header and mirror routes are the business of a router beside this one."""
        return ()

    def render(self, config: None, scope: Scope, split: TrafficSplit, observed: Observed) -> tuple[RouteChange, ...]:  # noqa: ARG002
        """Nothing to write."""
        return ()

    def waits(self, config: None, scope: Scope, split: TrafficSplit, observed: Observed) -> tuple[str, ...]:  # noqa: ARG002
        """Nothing to wait for."""
        return ()

    def settles_at(self, config: None, scope: Scope, observed: Observed) -> datetime | None:  # noqa: ARG002
        """Nothing to take up."""
        return None

    def caveat(self, config: None, scope: Scope, observed: Observed) -> str:  # noqa: ARG002
        """Which share clients get is up to them."""
        return "the share of traffic is the share of pods: clients that choose their pods decide for themselves"


ROUTER: Final[Router[None]] = StatefulSetRouter()
