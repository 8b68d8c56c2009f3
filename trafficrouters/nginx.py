"""ingress-nginx canary annotations: one canary Ingress beside each stable Ingress, which itself is never touched.

```yaml
trafficRouting:
  nginx: {stableIngress: web}        # or stableIngresses: [web, web-internal]
```

The canary Ingress `<rollout>-<ingress>-canary` copies class, TLS and the rules that use the stable Service, with the
canary Service in its place. It stays, at weight 0, between releases and goes with the Rollout. Any controller that
reads these annotations will do (ingress-nginx and its forks, Traefik's kubernetesIngressNGINX, Higress).

Limits: one header route with one header at a time (the annotations cannot say more); no mirrors. The data plane
reports nothing, so a written weight counts as in effect after a settling time.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from rollouts.api.kinds import GROUP, INGRESS, ROLLOUT
from rollouts.api.meta import Json, Kind, Object, Ref
from rollouts.api.model import Problem, SpecError
from rollouts.api.parsing import parsed
from rollouts.api.rollout import SetHeaderRoute, SetMirrorRoute
from rollouts.api.routing import Nginx
from trafficrouters.base import (
    CreateRoute,
    Feature,
    Observed,
    PatchRoute,
    RouteChange,
    RouteEvent,
    Router,
    Scope,
    TrafficSplit,
)

DEFAULT_PREFIX: Final = "nginx.ingress.kubernetes.io"
CLASS_ANNOTATION: Final = "kubernetes.io/ingress.class"
# Ours, on canary Ingresses: the header route whose annotations they carry; what it names is removed with the route.
HEADER_ROUTE: Final = "rollouts.argoproj.io/header-route"
FIELD_MANAGER: Final = "rollouts-controller"
SUFFIX: Final = "-canary"
LONGEST_NAME: Final = 253
# Data planes read a canary-weight-total below this as this.
LEAST_TOTAL: Final = 100
# The API server stores the time of a write without its fraction.
CLOCK_GRAIN: Final = timedelta(seconds=1)
COPIED: Final = ("ingressClassName", "tls")
# Of an annotation's key, before the slash and after it.
KEY_PREFIX: Final = re.compile(
    r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", re.ASCII
)
KEY_NAME: Final = re.compile(r"(?=.{1,63}$)[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?", re.ASCII)
REGEX_SIGNS: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")

Routes = Sequence[SetHeaderRoute | SetMirrorRoute]


@dataclass(frozen=True, slots=True)
class Config:
    """What to do with which Ingresses: *ingresses* are (name, field path), annotations have their full keys."""

    ingresses: tuple[tuple[str, str], ...]
    prefix: str
    annotations: Mapping[str, str]


class NginxRouter:
    """Writes canary Ingresses; see the module's docstring."""

    keys = ("nginx",)
    name = "Nginx"
    kinds: Mapping[Kind, tuple[str, ...]] = {INGRESS: ("get", "list", "watch", "create", "patch")}
    supports = frozenset({Feature.WEIGHTS, Feature.HEADER_ROUTES, Feature.MAX_TRAFFIC_WEIGHT})
    default_settle = timedelta(seconds=2)

    def decode(self, raw: Json, path: str, scope: Scope) -> Config:
        """Configuration from what stands at *path*; raises SpecError naming the field."""
        written = parsed(Nginx, raw, path)
        if not isinstance(written, Nginx):
            first = written[0]
            raise SpecError(first.path, first.value, first.detail, cause=first.cause)
        if bool(written.stable_ingress) == bool(written.stable_ingresses):
            raise SpecError(path, None, "exactly one of stableIngress and stableIngresses must be set")
        prefix = written.annotation_prefix or DEFAULT_PREFIX
        _refuse_keys(written, path)
        return Config(_ingresses(written, path, scope), prefix, _users_annotations(written, prefix))

    def reads(self, config: Config, scope: Scope) -> frozenset[Ref]:
        """Each stable Ingress and its canary."""
        names = [name for ingress, _ in config.ingresses for name in (ingress, canary_name(scope, ingress))]
        return frozenset(_ref(scope, name) for name in names)

    def follows(self, config: Config, scope: Scope, observed: Observed) -> frozenset[Ref]:  # noqa: ARG002
        """Further objects that *observed* ones name: none."""
        return frozenset()

    def check(self, config: Config, scope: Scope, observed: Observed) -> tuple[Problem, ...]:
        """What in the referenced objects makes the Rollout an InvalidSpec, first things first."""
        found = (_problem(ingress, path, scope, observed) for ingress, path in config.ingresses)
        return tuple(problem for problem in found if problem is not None)

    def refuses(self, config: Config, routes: Routes, path: str) -> tuple[Problem, ...]:  # noqa: ARG002
        """Why *routes*, in force together after the step at *path*, cannot be expressed; () when they can be."""
        return tuple(Problem(path, name, detail) for name, detail in _inexpressible(routes))

    def render(self, config: Config, scope: Scope, split: TrafficSplit, observed: Observed) -> tuple[RouteChange, ...]:
        """Changes that bring the canary Ingresses to *split*; raises SpecError for routes that `refuses` names."""
        for refused in self.refuses(config, split.routes, "trafficRouting.nginx"):
            raise SpecError(refused.path, refused.value, refused.detail)
        wanted = _annotations(config, scope, split)
        changes = (_change(ingress, wanted, scope, split, observed) for ingress, _ in config.ingresses)
        return tuple(change for change in changes if change is not None)

    def waits(self, config: Config, scope: Scope, split: TrafficSplit, observed: Observed) -> tuple[str, ...]:  # noqa: ARG002
        """Only what keeps `render` from writing: the annotations have no status of their own."""
        return tuple(problem.detail for problem in self.check(config, scope, observed))

    def settles_at(self, config: Config, scope: Scope, observed: Observed) -> datetime | None:
        """When the data plane has certainly taken up our newest write to a canary Ingress."""
        if not scope.settle:
            return None
        canaries = (observed.get(_ref(scope, canary_name(scope, ingress))) for ingress, _ in config.ingresses)
        times = [time for canary in canaries if canary is not None for time in _write_times(canary)]
        return max(times) + CLOCK_GRAIN + scope.settle if times else None

    def caveat(self, config: Config, scope: Scope, observed: Observed) -> str:  # noqa: ARG002
        """What a verified split does not prove: nothing worth a sentence here."""
        return ""


ROUTER: Final = NginxRouter()
_CONFORMS: Router[Config] = ROUTER


def canary_name(scope: Scope, ingress: str) -> str:
    """Name of the canary Ingress beside *ingress*, cut to what Kubernetes allows."""
    return f"{scope.rollout.name}-{ingress}"[: LONGEST_NAME - len(SUFFIX)] + SUFFIX


def _ingresses(written: Nginx, path: str, scope: Scope) -> tuple[tuple[str, str], ...]:
    if written.stable_ingress:
        return ((written.stable_ingress, f"{path}.stableIngress"),)
    paths: dict[str, str] = {}
    canaries: dict[str, str] = {}
    for index, ingress in enumerate(written.stable_ingresses):
        where = paths.setdefault(ingress, f"{path}.stableIngresses[{index}]")
        first = canaries.setdefault(canary_name(scope, ingress), ingress)
        if first != ingress:
            raise SpecError(where, ingress, f"its canary Ingress would have the same name as that of `{first}`")
    return tuple(paths.items())


def _refuse_keys(written: Nginx, path: str) -> None:
    """Raises SpecError for what would be no key of an annotation: the API server would refuse the canary Ingress."""
    if written.annotation_prefix and not KEY_PREFIX.fullmatch(written.annotation_prefix):
        detail = "must be a DNS name in lower case such as nginx.ingress.kubernetes.io, without a slash"
        raise SpecError(f"{path}.annotationPrefix", written.annotation_prefix, detail)
    for field, keys in (
        ("additionalIngressAnnotations", written.additional_ingress_annotations),
        ("canaryIngressAnnotations", written.canary_ingress_annotations),
    ):
        for key in keys:
            prefix, slash, name = key.rpartition("/")
            if not KEY_NAME.fullmatch(name) or (slash and not KEY_PREFIX.fullmatch(prefix)):
                detail = "must be the key of an annotation such as limit-rps or nginx.ingress.kubernetes.io/limit-rps"
                raise SpecError(f"{path}.{field}", key, detail)


def _users_annotations(written: Nginx, prefix: str) -> dict[str, str]:
    additional = written.additional_ingress_annotations
    prefixed = {key if key.startswith(prefix) else f"{prefix}/{key}": value for key, value in additional.items()}
    return {**prefixed, **written.canary_ingress_annotations}


def _ref(scope: Scope, name: str) -> Ref:
    return Ref(INGRESS, scope.rollout.namespace, name)


def _problem(ingress: str, path: str, scope: Scope, observed: Observed) -> Problem | None:
    stable = observed.get(_ref(scope, ingress))
    if stable is None:
        return Problem(path, ingress, f'{INGRESS.name.lower()}.{INGRESS.group} "{ingress}" not found')
    if not _canary_rules(stable, scope):
        detail = f"ingress `{ingress}` has no rules using service {scope.stable_service} backend"
        return Problem(path, ingress, detail)
    canary = observed.get(_ref(scope, canary_name(scope, ingress)))
    if canary is None or _is_ours(canary, scope):
        return None
    owner = canary.metadata.controller
    other = f"controlled by different object {owner.kind} {owner.name}" if owner else "not controlled by any object"
    detail = f"canary ingress `{canary.metadata.name}` is {other}: delete it, and Rollout {scope.rollout.name} makes it"
    return Problem(path, ingress, detail)


def _is_ours(canary: Object, scope: Scope) -> bool:
    owner = canary.metadata.controller
    return owner is not None and owner.uid == scope.uid


def _inexpressible(routes: Routes) -> Iterable[tuple[str, str]]:
    headers = [route for route in routes if isinstance(route, SetHeaderRoute) and route.match]
    for route in routes:
        if isinstance(route, SetMirrorRoute) and route.match:
            yield route.name, "nginx cannot mirror requests"
    for header in headers[1:]:
        yield header.name, f"nginx can have one header route at a time, and {headers[0].name} is already in force"
    for header in headers:
        if len(header.match) != 1:
            yield header.name, f"nginx can match one header in a header route, not {len(header.match)}"


def _annotations(config: Config, scope: Scope, split: TrafficSplit) -> dict[str, str | None]:
    """What every canary Ingress is to carry; None: must be absent. Class annotations are added per Ingress."""
    factor = -(-LEAST_TOTAL // split.total)  # a smaller total is written as a multiple: data planes take it for 100
    total = {f"{config.prefix}/canary-weight-total": str(split.total * factor)} if scope.max_weight is not None else {}
    return {
        **config.annotations,
        **_header_annotations(config.prefix, split),
        f"{config.prefix}/canary": "true",
        f"{config.prefix}/canary-weight": str(split.canary * factor if total else split.canary),
        **total,
    }


def _header_annotations(prefix: str, split: TrafficSplit) -> dict[str, str | None]:
    """All three header annotations while a header route is in force: one the user gave would change its meaning."""
    route = next((route for route in split.routes if isinstance(route, SetHeaderRoute) and route.match), None)
    if route is None:
        return {}
    value = route.match[0].header_value
    pattern = value.regex or (f"^{REGEX_SIGNS.sub(_escaped, value.prefix)}.*" if value.prefix else None)
    return {
        HEADER_ROUTE: route.name,
        f"{prefix}/canary-by-header": route.match[0].header_name,
        f"{prefix}/canary-by-header-value": value.exact or None,
        f"{prefix}/canary-by-header-pattern": pattern,
    }


def _escaped(sign: re.Match[str]) -> str:
    return f"\\{sign.group()}"


def _change(
    ingress: str, annotations: Mapping[str, str | None], scope: Scope, split: TrafficSplit, observed: Observed
) -> RouteChange | None:
    stable = observed.get(_ref(scope, ingress))
    if stable is None or not (rules := _canary_rules(stable, scope)):
        return None
    spec = {key: stable.raw["spec"][key] for key in COPIED if stable.raw["spec"].get(key)} | {"rules": rules}
    wanted = {CLASS_ANNOTATION: stable.metadata.annotations.get(CLASS_ANNOTATION), **annotations}
    ref = _ref(scope, canary_name(scope, ingress))
    canary = observed.get(ref)
    if canary is None:
        return _creation(ref, spec, wanted, scope, split)
    return _patch(ref, canary, spec, wanted, split) if _is_ours(canary, scope) else None


def _canary_rules(stable: Object, scope: Scope) -> list[Any]:
    rules = stable.raw.get("spec", {}).get("rules") or []
    return [_canary_rule(rule, scope) for rule in rules if any(_is_stable(path, scope) for path in _paths(rule))]


def _paths(rule: Json) -> Sequence[Json]:
    return (rule.get("http") or {}).get("paths") or ()


def _is_stable(path: Json, scope: Scope) -> bool:
    """The path's backend is the stable Service (and not another Service, or a resource)."""
    service = path.get("backend", {}).get("service") or {}
    return bool(service.get("name") == scope.stable_service)


def _canary_rule(rule: Json, scope: Scope) -> Json:
    paths = [_canary_path(path, scope) if _is_stable(path, scope) else path for path in _paths(rule)]
    return {**rule, "http": {**rule["http"], "paths": paths}}


def _canary_path(path: Json, scope: Scope) -> Json:
    service = {**path["backend"]["service"], "name": scope.canary_service}
    return {**path, "backend": {**path["backend"], "service": service}}


def _creation(
    ref: Ref, spec: Json, annotations: Mapping[str, str | None], scope: Scope, split: TrafficSplit
) -> CreateRoute:
    owner = {
        "apiVersion": f"{GROUP}/{ROLLOUT.version}",
        "kind": ROLLOUT.name,
        "name": scope.rollout.name,
        "uid": scope.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
    metadata = {
        "name": ref.name,
        "namespace": ref.namespace,
        "annotations": {key: value for key, value in annotations.items() if value is not None},
        "ownerReferences": [owner],
    }
    body = {"apiVersion": INGRESS.api_version, "kind": INGRESS.name, "metadata": metadata, "spec": spec}
    message = f"Creating canary ingress `{ref.name}` with weight `{split.canary}`"
    return CreateRoute(
        ref, body, f"canary Ingress {ref.name} does not exist", RouteEvent("CreatingCanaryIngress", message)
    )


def _patch(
    ref: Ref, canary: Object, spec: Json, annotations: Mapping[str, str | None], split: TrafficSplit
) -> PatchRoute | None:
    seen = canary.metadata.annotations
    wanted = {**_leftovers(seen, annotations), **annotations}
    changed = {key: value for key, value in wanted.items() if seen.get(key) != value}
    spec_patch = _difference(canary.raw.get("spec", {}), spec)
    patch = ({"metadata": {"annotations": changed}} if changed else {}) | ({"spec": spec_patch} if spec_patch else {})
    if not patch:
        return None
    event = RouteEvent("PatchingCanaryIngress", f"Updating Ingress `{ref.name}` to desiredWeight '{split.canary}'")
    fields = ", ".join([*sorted(changed), *(f"spec.{key}" for key in spec_patch)])
    return PatchRoute(
        ref, patch, canary.metadata.resource_version, f"canary Ingress {ref.name} differs in {fields}", event
    )


def _leftovers(seen: Mapping[str, str], annotations: Mapping[str, str | None]) -> dict[str, None]:
    """Annotations of a header route that is no longer in force."""
    if HEADER_ROUTE not in seen or HEADER_ROUTE in annotations:
        return {}
    return dict.fromkeys([HEADER_ROUTE, *(key for key in seen if _is_header_key(key))])


def _is_header_key(key: str) -> bool:
    return key.endswith(("/canary-by-header", "/canary-by-header-value", "/canary-by-header-pattern"))


def _difference(seen: Json, wanted: Json) -> dict[str, Any]:
    """Merge patch of a spec whose members are replaced whole."""
    return {key: wanted.get(key) for key in sorted({*seen, *wanted}) if seen.get(key) != wanted.get(key)}


def _write_times(canary: Object) -> Iterable[datetime]:
    entries = canary.raw.get("metadata", {}).get("managedFields") or ()
    return (
        datetime.fromisoformat(entry["time"])
        for entry in entries
        if entry.get("manager") == FIELD_MANAGER and entry.get("time")
    )
