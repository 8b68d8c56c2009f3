"""What a traffic router is: objects in, changes out. Nothing here or in any router performs I/O.

A router is one module of this package with an attribute `ROUTER` that satisfies `Router`; it is found, not listed.
It says what it wants written (`render`) until the observed objects are as wanted, and why a written split is not in
effect yet (`waits`). A split is verified when both are empty.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from rollouts.api.meta import Json, Key, Kind, Object, Ref
from rollouts.api.model import Problem
from rollouts.api.rollout import SetHeaderRoute, SetMirrorRoute


class Feature(StrEnum):
    """What a router may be asked for; asking one that does not declare it is an InvalidSpec."""

    WEIGHTS = "weights"
    HEADER_ROUTES = "header routes"
    MIRROR_ROUTES = "mirror routes"
    EXPERIMENT_WEIGHTS = "experiment weights"
    MAX_TRAFFIC_WEIGHT = "maxTrafficWeight"


@dataclass(frozen=True, slots=True)
class Destination:
    """A further Service that takes *weight* of the traffic (an experiment's template)."""

    service: str
    hash: str
    weight: int


@dataclass(frozen=True, slots=True)
class TrafficSplit:
    """The whole wanted distribution, as one value: no order in which to call things.

    *canary* is a weight in 0..*total*; the stable side gets what the canary and *additional* leave. *is_idle* means
    that no release is in flight and the user's own objects are to be exactly what the user wrote.
    *routes* are the header and mirror routes in force, in the order of `managedRoutes`; *managed* all names ever ours.
    """

    canary: int
    total: int
    canary_service: str
    stable_service: str
    canary_hash: str = ""
    stable_hash: str = ""
    additional: tuple[Destination, ...] = ()
    routes: tuple[SetHeaderRoute | SetMirrorRoute, ...] = ()
    managed: tuple[str, ...] = ()
    is_idle: bool = False

    @property
    def stable(self) -> int:
        """The stable side's share: what is left of *total*."""
        return self.total - self.canary - sum(extra.weight for extra in self.additional)


@dataclass(frozen=True, slots=True)
class Scope:
    """The Rollout for which a router works, as far as routers need it, and the settings that concern routers."""

    rollout: Key
    uid: str
    stable_service: str
    canary_service: str
    managed: tuple[str, ...] = ()
    max_weight: int | None = None
    settle: timedelta = timedelta(0)

    @property
    def total(self) -> int:
        """The weight that means everything: `maxTrafficWeight`, by default 100."""
        return self.max_weight or 100


@dataclass(frozen=True, slots=True)
class RouteEvent:
    """What the Rollout's Events say once a change is written."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class CreateRoute:
    """Create *body*; its name is deterministic, so a replay meets AlreadyExists and is harmless."""

    ref: Ref
    body: Json
    because: str
    event: RouteEvent | None = None


@dataclass(frozen=True, slots=True)
class PatchRoute:
    """Merge-patch *ref*; refused by the API server when the object is no longer *resource_version*."""

    ref: Ref
    patch: Json
    resource_version: str
    because: str
    event: RouteEvent | None = None


RouteChange = CreateRoute | PatchRoute
Observed = Mapping[Ref, Object]
Routes = Sequence[SetHeaderRoute | SetMirrorRoute]
C = TypeVar("C")


class Router(Protocol[C]):
    """One kind of traffic routing. All methods are pure; *path* arguments are field paths for error texts."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Names under `trafficRouting`; a name with a slash is one under `trafficRouting.plugins`."""

    @property
    def name(self) -> str:
        """The value of label `traffic_router` in metrics (contract of Argo Rollouts), "" for plugins."""

    @property
    def kinds(self) -> Mapping[Kind, tuple[str, ...]]:
        """Every kind read or written with the verbs used: source of the ClusterRole and of the informers."""

    @property
    def supports(self) -> frozenset[Feature]:
        """What may be asked of it."""

    @property
    def default_settle(self) -> timedelta:
        """How long its data plane takes to take up a write, where that plane does not say."""

    def decode(self, raw: Json, path: str, scope: Scope) -> C:
        """Configuration from what stands at *path*; raises SpecError naming the field."""

    def reads(self, config: C, scope: Scope) -> frozenset[Ref]:
        """Objects that `render`, `waits` and `check` want to see; absent ones are left out of *observed*."""

    def follows(self, config: C, scope: Scope, observed: Observed) -> frozenset[Ref]:
        """Further objects to read, known only from those that `reads` named (a route's Gateways)."""

    def refuses(self, config: C, routes: Routes, path: str) -> tuple[Problem, ...]:
        """What in *routes*, in force once the step at *path* is reached, this router cannot express."""

    def caveat(self, config: C, scope: Scope, observed: Observed) -> str:
        """A sentence on what verification cannot see here; "" when it sees everything."""

    def check(self, config: C, scope: Scope, observed: Observed) -> tuple[Problem, ...]:
        """What in the referenced objects makes the Rollout an InvalidSpec, first things first."""

    def render(self, config: C, scope: Scope, split: TrafficSplit, observed: Observed) -> tuple[RouteChange, ...]:
        """Changes that bring the observed objects to *split*; () when there is nothing to change."""

    def waits(self, config: C, scope: Scope, split: TrafficSplit, observed: Observed) -> tuple[str, ...]:
        """Why *split*, though written, is not in effect yet, by what the objects themselves say; one sentence each."""

    def settles_at(self, config: C, scope: Scope, observed: Observed) -> datetime | None:
        """When the data plane, which tells nothing, has certainly taken up our last write: that write + `scope.settle`.

        The write's time is read from the objects (managedFields), so a crash forgets nothing. None: no need to wait.
        """


@dataclass(frozen=True, slots=True)
class BoundRouter(Generic[C]):
    """A router with its decoded configuration: the planner never looks anything up in a registry."""

    router: Router[C]
    config: C
    scope: Scope
    key: str

    def reads(self) -> frozenset[Ref]:
        """The objects this router wants to see."""
        return self.router.reads(self.config, self.scope)
