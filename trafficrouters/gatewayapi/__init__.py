"""Gateway API: moves the weights of HTTPRoutes that the user wrote, and gives them back as they were.

```yaml
trafficRouting:
  gatewayAPI: {httpRoute: web}       # or plugins: {argoproj-labs/gatewayAPI: {httpRoute: web}}
```

Every rule that names both Services is weighed; all else in the route stays the user's. The weights found before the
first write of a release are kept in an annotation on the route, and are restored when no release is in flight.
Header routes become rules of their own, on `httpRoute` and on `httpRoutes` with `useHeaderRoutes`.

Limits: routes are named, not selected by label; no GRPC, TCP or TLS routes; no mirrors (implementations differ in what
they make of the filter, and tell nothing); no weights for experiments.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from rollouts.api.keys import GATEWAY_CANARY_LABEL, GATEWAY_CANARY_VALUE
from rollouts.api.kinds import GATEWAY, HTTP_ROUTE
from rollouts.api.meta import Json, Kind, Object, Ref
from rollouts.api.model import Problem, SpecError
from rollouts.api.parsing import parsed
from rollouts.api.rollout import SetHeaderRoute, SetMirrorRoute
from rollouts.api.routing import GatewayAPI
from trafficrouters.base import Feature, Observed, PatchRoute, RouteChange, Router, Scope, TrafficSplit
from trafficrouters.gatewayapi.originals import ORIGINALS, Record, encoded, originals, presumed, records_of
from trafficrouters.gatewayapi.rules import (
    Pair,
    Rule,
    Weights,
    fingerprint,
    has_pair,
    header_rules,
    is_header_rule,
    rules_of,
    weighed,
)
from trafficrouters.gatewayapi.verdicts import gateways, unconfirmed, wrongs

PLUGIN: Final = "argoproj-labs/gatewayAPI"
FIELD_MANAGER: Final = "rollouts-controller"
HIGHEST_WEIGHT: Final = 1_000_000
LABEL_FIELDS: Final = ("disableInProgressLabel", "inProgressLabelKey", "inProgressLabelValue")
OTHER_ROUTES: Final = ("grpcRoute", "tcpRoute", "tlsRoute")
# The API server stores the time of a write without its fraction.
CLOCK_GRAIN: Final = timedelta(seconds=1)

Routes = Sequence[SetHeaderRoute | SetMirrorRoute]


class Plugin(GatewayAPI):
    """The plugin form can have a label that marks routes while the canary has weight."""

    disable_in_progress_label: bool = False
    in_progress_label_key: str = ""
    in_progress_label_value: str = ""


class Named(NamedTuple):
    """A route to weigh, the field that names it, and whether steps may add header routes to it."""

    name: str
    path: str
    takes_headers: bool


@dataclass(frozen=True, slots=True)
class Config:
    """Which routes, where, and the in-progress label (None: no label)."""

    namespace: str
    routes: tuple[Named, ...]
    label: tuple[str, str] | None = None


class GatewayRouter:
    """Writes weights into HTTPRoutes; see the module's docstring."""

    keys = ("gatewayAPI", PLUGIN)
    name = ""
    kinds: Mapping[Kind, tuple[str, ...]] = {
        HTTP_ROUTE: ("get", "list", "watch", "patch"),
        GATEWAY: ("get", "list", "watch"),
    }
    supports = frozenset({Feature.WEIGHTS, Feature.HEADER_ROUTES, Feature.MAX_TRAFFIC_WEIGHT})
    # Traefik reports a route accepted before it routes by it: requests followed the old weight some 100 ms longer.
    default_settle = timedelta(seconds=2)

    def decode(self, raw: Json, path: str, scope: Scope) -> Config:
        """Configuration from what stands at *path*; raises SpecError naming the field."""
        written = parsed(Plugin, raw, path)
        if not isinstance(written, Plugin):
            raise _spec_error(written[0])
        for refused in _refused_fields(raw, path, scope):
            raise _spec_error(refused)
        routes = _named_routes(written, path)
        if not routes:
            raise SpecError(path, None, "must name at least one route, in httpRoute or httpRoutes")
        key = written.in_progress_label_key or GATEWAY_CANARY_LABEL
        value = written.in_progress_label_value or GATEWAY_CANARY_VALUE
        labelled = _is_plugin(path) and not written.disable_in_progress_label
        return Config(written.namespace or scope.rollout.namespace, routes, (key, value) if labelled else None)

    def reads(self, config: Config, scope: Scope) -> frozenset[Ref]:  # noqa: ARG002
        """The routes; their Gateways are known only once these are seen: `follows`."""
        return frozenset(_ref(config, named) for named in config.routes)

    def follows(self, config: Config, scope: Scope, observed: Observed) -> frozenset[Ref]:  # noqa: ARG002
        """Further objects that *observed* ones name: the Gateways of the routes."""
        return frozenset(gateway for _, route in _present(config, observed) for gateway in gateways(route))

    def check(self, config: Config, scope: Scope, observed: Observed) -> tuple[Problem, ...]:
        """What in the referenced objects makes the Rollout an InvalidSpec, first things first."""
        refs = ((named, _ref(config, named)) for named in config.routes)
        found = ((named, _wrong(ref, observed.get(ref), scope)) for named, ref in refs)
        return tuple(Problem(named.path, named.name, detail) for named, detail in found if detail)

    def refuses(self, config: Config, routes: Routes, path: str) -> tuple[Problem, ...]:
        """Why *routes*, in force together after the step at *path*, cannot be expressed; () when they can be."""
        mirrors = (route for route in routes if isinstance(route, SetMirrorRoute) and route.match)
        found = [Problem(path, mirror.name, "gatewayAPI does not mirror requests") for mirror in mirrors]
        if _headers(routes) and not any(named.takes_headers for named in config.routes):
            found.append(Problem(path, None, "gatewayAPI has no route with useHeaderRoutes to add a header route to"))
        return tuple(found)

    def render(self, config: Config, scope: Scope, split: TrafficSplit, observed: Observed) -> tuple[RouteChange, ...]:
        """Changes that bring the routes to *split*; raises SpecError for routes that `refuses` names."""
        for refused in self.refuses(config, split.routes, "trafficRouting.gatewayAPI"):
            raise _spec_error(refused)
        work = (_Work(config, named, scope, split, route) for named, route in _present(config, observed))
        changes = (_change(item) for item in work if not _wrong(item.ref, item.route, scope))
        return tuple(change for change in changes if change is not None)

    def waits(self, config: Config, scope: Scope, split: TrafficSplit, observed: Observed) -> tuple[str, ...]:  # noqa: ARG002
        """What keeps `render` from writing, and what the routes' Gateways have not confirmed yet.

        Gateways that do not exist are not waited for.
        """
        unwritten = tuple(problem.detail for problem in self.check(config, scope, observed))
        routes = (route for _, route in _present(config, observed))
        return unwritten + tuple(wait for route in routes for wait in unconfirmed(route, observed.keys()))

    def settles_at(self, config: Config, scope: Scope, observed: Observed) -> datetime | None:
        """When the settling time that was asked for has passed since our newest write."""
        if not scope.settle:
            return None
        entries = [entry for _, route in _present(config, observed) for entry in _managed_fields(route)]
        times = [datetime.fromisoformat(entry["time"]) for entry in entries if _is_ours(entry) and entry.get("time")]
        return max(times) + CLOCK_GRAIN + scope.settle if times else None

    def caveat(self, config: Config, scope: Scope, observed: Observed) -> str:  # noqa: ARG002
        """What a verified split does not prove: that a Gateway serves it, where no Gateway exists."""
        routes = (route for _, route in _present(config, observed))
        names = ", ".join(str(route.metadata.key) for route in routes if gateways(route).isdisjoint(observed))
        return f"no Gateway of HTTPRoute {names} exists: its weights are believed as written" if names else ""


ROUTER: Final = GatewayRouter()
_CONFORMS: Router[Config] = ROUTER


def _spec_error(problem: Problem) -> SpecError:
    return SpecError(problem.path, problem.value, problem.detail, cause=problem.cause)


def _is_plugin(path: str) -> bool:
    return PLUGIN in path


def _refused_fields(raw: Json, path: str, scope: Scope) -> Iterable[Problem]:
    for field in (field for field in raw if raw[field]):
        if field.endswith("Selector"):
            yield Problem(f"{path}.{field}", None, "routes cannot be selected by label yet: name them in httpRoutes")
        elif field.startswith(OTHER_ROUTES):
            yield Problem(f"{path}.{field}", None, "only HTTPRoutes are supported yet: httpRoute, httpRoutes")
        elif field in LABEL_FIELDS and not _is_plugin(path):
            yield Problem(f"{path}.{field}", None, f"belongs to plugin {PLUGIN}; gatewayAPI sets no label")
    if not (scope.stable_service and scope.canary_service):
        yield Problem(path, None, "needs canaryService and stableService of spec.strategy.canary")
    if scope.total > HIGHEST_WEIGHT:
        yield Problem(path, None, f"the weights of an HTTPRoute end at {HIGHEST_WEIGHT}: lower maxTrafficWeight")


def _named_routes(written: GatewayAPI, path: str) -> tuple[Named, ...]:
    listed = [
        Named(route.name, f"{path}.httpRoutes[{index}].name", route.use_header_routes)
        for index, route in enumerate(written.http_routes)
    ]
    single = [Named(written.http_route, f"{path}.httpRoute", takes_headers=True)] if written.http_route else []
    by_name: dict[str, Named] = {}
    for route in (*single, *listed):
        first = by_name.setdefault(route.name, route)
        by_name[route.name] = first._replace(takes_headers=first.takes_headers or route.takes_headers)
    return tuple(by_name.values())


def _ref(config: Config, named: Named) -> Ref:
    return Ref(HTTP_ROUTE, config.namespace, named.name)


def _present(config: Config, observed: Observed) -> Iterable[tuple[Named, Object]]:
    return ((named, observed[_ref(config, named)]) for named in config.routes if _ref(config, named) in observed)


def _services(scope: Scope) -> Pair:
    return Pair(scope.stable_service, scope.canary_service)


def _wrong(ref: Ref, route: Object | None, scope: Scope) -> str:
    if route is None:
        # who copied the manifest of another namespace sees which one was looked in
        name = ref.name if ref.namespace == scope.rollout.namespace else f"{ref.namespace}/{ref.name}"
        return f'{HTTP_ROUTE.plural}.{HTTP_ROUTE.group} "{name}" not found'
    return next(iter(wrongs(route, _services(scope), str(scope.rollout))), "")


def _headers(routes: Routes) -> list[SetHeaderRoute]:
    return [route for route in routes if isinstance(route, SetHeaderRoute) and route.match]


def _managed_fields(route: Object) -> Sequence[Json]:
    return route.raw.get("metadata", {}).get("managedFields") or ()


def _is_ours(entry: Json) -> bool:
    return bool(entry.get("manager") == FIELD_MANAGER)


class _Work(NamedTuple):
    """One route and what is wanted of it."""

    config: Config
    named: Named
    scope: Scope
    split: TrafficSplit
    route: Object

    @property
    def services(self) -> Pair:
        return _services(self.scope)

    @property
    def ref(self) -> Ref:
        return _ref(self.config, self.named)


class _Wanted(NamedTuple):
    """What the route is to be: its rules (None: as they are), what to remember of it, and why."""

    rules: list[Rule] | None
    record: Record | None
    because: str


def _change(work: _Work) -> PatchRoute | None:
    rollout, records = str(work.scope.rollout), records_of(work.route)
    others = {other: record for other, record in records.items() if other != rollout}
    if work.split.is_idle and rollout not in records:
        wanted = _Wanted(None, None, "nothing is in flight")
    else:
        wanted = _wanted(work, records.get(rollout) or _presumed(work, records))
    remembered = others if wanted.record is None else {**others, rollout: wanted.record}
    annotation = {} if remembered == records else {"annotations": {ORIGINALS: encoded(remembered)}}
    metadata = {**annotation, **_label(work, shared=bool(others))}
    patch: dict[str, Any] = {
        **({"metadata": metadata} if metadata else {}),
        **({} if wanted.rules is None else {"spec": {"rules": wanted.rules}}),
    }
    if patch:
        return _patch(work, patch, wanted.because)
    return _release(work) if work.split.is_idle and not others else None


def _patch(work: _Work, patch: Json, because: str) -> PatchRoute:
    version = work.route.metadata.resource_version
    return PatchRoute(work.ref, patch, version, f"HTTPRoute {work.route.metadata.key}: {because}")


def _wanted(work: _Work, record: Record) -> _Wanted:
    split, services = work.split, work.services
    names = [*split.managed, *(route.name for route in split.routes)]
    rules = rules_of(work.route)
    added = [rule for rule in rules if is_header_rule(rule, services, names, record.managed)]
    users = [rule for rule in rules if rule not in added]
    known = originals([rule for rule in users if has_pair(rule, services)], services, record.rules)
    headers = _headers(split.routes) if work.named.takes_headers else []
    weights = [original.weights if split.is_idle else (split.stable, split.canary) for original in known]
    kept = _weighed_rules(users, services, weights)
    managed = [rule for header in headers for rule in header_rules(header, kept, services)]
    is_same = kept == users and [_nameless(rule) for rule in managed] == [_nameless(rule) for rule in added]
    remembered = Record(tuple(services), known, tuple(fingerprint(rule) for rule in managed))
    because = "gets back what its user wrote" if split.is_idle else _because(split, headers)
    return _Wanted(None if is_same else [*kept, *managed], None if split.is_idle else remembered, because)


def _presumed(work: _Work, records: Mapping[str, Record]) -> Record:
    """What to take for remembered where nothing is: rules that a controller wrote had all on stable."""
    if records or not (_is_labelled(work) or any(_wrote_rules(entry) for entry in _managed_fields(work.route))):
        return Record()
    paired = [rule for rule in rules_of(work.route) if has_pair(rule, work.services)]
    return Record(tuple(work.services), presumed(paired, work.services))


def _is_labelled(work: _Work) -> bool:
    """Argo Rollouts left it in mid-release: it keeps no memory of what the user wrote."""
    return work.config.label is not None and work.config.label in work.route.metadata.labels.items()


def _wrote_rules(entry: Json) -> bool:
    return _is_ours(entry) and "f:rules" in entry.get("fieldsV1", {}).get("f:spec", {})


def _weighed_rules(rules: Sequence[Rule], services: Pair, weights: Iterable[Weights]) -> list[Rule]:
    left = iter(weights)
    return [weighed(rule, services, next(left)) if has_pair(rule, services) else rule for rule in rules]


def _nameless(rule: Rule) -> Rule:
    """For comparison: API servers before Gateway API 1.4 drop the names of rules."""
    return {key: value for key, value in rule.items() if key != "name"}


def _because(split: TrafficSplit, headers: Sequence[SetHeaderRoute]) -> str:
    names = ", ".join(header.name for header in headers)
    return f"weights {split.stable}/{split.canary}" + (f", header routes {names}" if names else "")


def _label(work: _Work, *, shared: bool) -> dict[str, Any]:
    """The in-progress label is there while the canary has weight; another Rollout in the same route keeps it."""
    if work.config.label is None:
        return {}
    key, value = work.config.label
    seen = work.route.metadata.labels.get(key)
    if work.split.canary and not work.split.is_idle:
        return {} if seen == value else {"labels": {key: value}}
    return {"labels": {key: None}} if seen == value and not shared else {}


def _release(work: _Work) -> PatchRoute | None:
    """Give up ownership: tools that compare owners see the route as its user's alone."""
    entries = _managed_fields(work.route)
    others = [entry for entry in entries if not _is_ours(entry)]
    if not others or len(others) == len(entries):
        return None
    return _patch(work, {"metadata": {"managedFields": others}}, "its fields are its user's again")
