"""What is wrong with a route, and what its Gateways have not confirmed: one sentence each."""

from collections.abc import Collection, Iterable
from typing import Final

import msgspec

from rollouts.api.kinds import GATEWAY
from rollouts.api.meta import Json, Object, Ref
from trafficrouters.gatewayapi.originals import ORIGINALS, records_of
from trafficrouters.gatewayapi.rules import Pair, Rule, has_pair, refs_to, rules_of

CONFIRMATIONS: Final = ("Accepted", "ResolvedRefs")


def wrongs(route: Object, services: Pair, rollout: str) -> Iterable[str]:
    """Why *rollout* cannot weigh *services* in this route, first things first."""
    yield from _foreign_records(route, services, rollout)
    for index, rule in enumerate(rules_of(route)):
        if has_pair(rule, services):
            where = f"rules[{index}]"
            yield from _wrong_ports(f"HTTPRoute {route.metadata.key}: {where}", rule, services)
            yield from _named_twice(f"HTTPRoute {route.metadata.key}: {where}", rule, services)
    yield from _missing_services(route, services)


def _foreign_records(route: Object, services: Pair, rollout: str) -> Iterable[str]:
    key = route.metadata.key
    try:
        records = records_of(route)
    except msgspec.DecodeError:
        yield f"annotation {ORIGINALS} of HTTPRoute {key} cannot be read: set the weights right and remove it"
        return
    for other, record in records.items():
        if other != rollout and not {*record.services}.isdisjoint(services):
            yield (
                f"HTTPRoute {key} is in the middle of a release of Rollout {other} with the same Services: wait for "
                f"its end, or, if that Rollout is gone, set the weights right and remove annotation {ORIGINALS}"
            )


def _wrong_ports(where: str, rule: Rule, services: Pair) -> Iterable[str]:
    """The weights stand in `port`, as in a widespread tutorial: 0, or two different ports that sum to 100."""
    index, stable = refs_to(rule, services.stable)[0]
    other, canary = refs_to(rule, services.canary)[0]
    ports = (stable.get("port"), canary.get("port"))
    if 0 in ports or (ports[0] != ports[1] and sum(port or 0 for port in ports) == 100):
        yield (
            f"{where}.backendRefs[{index}].port is {ports[0]} and backendRefs[{other}].port is {ports[1]}, which look "
            f"like weights: write the port of Services {services.stable} and {services.canary} there, such as 80; "
            "weights go in `weight`, and the Rollout sets them"
        )


def _named_twice(where: str, rule: Rule, services: Pair) -> Iterable[str]:
    for service in services:
        if len(refs_to(rule, service)) > 1:
            yield f"{where} names Service {service} more than once: one backendRef must carry its whole weight"


def _missing_services(route: Object, services: Pair) -> Iterable[str]:
    if any(has_pair(rule, services) for rule in rules_of(route)):
        return
    right = f"one rule must have backendRefs for both {services.stable} and {services.canary}"
    for role, service in zip(Pair._fields, services, strict=True):
        if not any(refs_to(rule, service) for rule in rules_of(route)):
            yield f"HTTPRoute {route.metadata.key} has no backendRef for the {role} Service {service}: {right}"
    yield f"HTTPRoute {route.metadata.key} names the two Services in different rules only: {right}"


def gateways(route: Object) -> frozenset[Ref]:
    """The Gateways that the route names as parents, whether they exist or not."""
    return frozenset(_gateway(route, parent) for parent in _parents(route))


def unconfirmed(route: Object, existing: Collection[Ref]) -> Iterable[str]:
    """What the *existing* Gateways among the route's parents have not confirmed about its generation."""
    for parent in _parents(route):
        gateway = _gateway(route, parent)
        if gateway in existing and (missing := _shortfall(route, parent)):
            section = f" ({parent['sectionName']})" if parent.get("sectionName") else ""
            yield f"{gateway}{section} about HTTPRoute {route.metadata.key}: {missing}"


def _parents(route: Object) -> list[Json]:
    parents = route.raw.get("spec", {}).get("parentRefs") or ()
    return [parent for parent in parents if parent.get("kind", GATEWAY.name) == GATEWAY.name]


def _gateway(route: Object, parent: Json) -> Ref:
    return Ref(GATEWAY, parent.get("namespace") or route.metadata.namespace, parent["name"])


def _shortfall(route: Object, parent: Json) -> str:
    """What the best report about *parent* lacks: former controllers leave theirs behind."""
    identity = _identity(route, parent)
    reports = (route.raw.get("status") or {}).get("parents") or ()
    found = [
        _lacks(report, route.metadata.generation)
        for report in reports
        if _identity(route, report.get("parentRef") or {}) == identity
    ]
    return min(found, key=bool) if found else f"no report yet for generation {route.metadata.generation}"


def _identity(route: Object, parent: Json) -> tuple[object, ...]:
    gateway = (
        parent.get("kind", GATEWAY.name),
        parent.get("namespace") or route.metadata.namespace,
        parent.get("name"),
    )
    return (*gateway, parent.get("sectionName") or "", parent.get("port") or 0)


def _lacks(report: Json, generation: int) -> str:
    conditions = {condition["type"]: condition for condition in report.get("conditions") or ()}
    for name in CONFIRMATIONS:
        condition = conditions.get(name)
        if condition is None or condition.get("observedGeneration", 0) < generation:
            seen = f" (last for generation {condition.get('observedGeneration', 0)})" if condition else ""
            return f"{name} not reported yet for generation {generation}{seen}"
        if condition["status"] != "True":
            return _told(condition)
    invalid = conditions.get("PartiallyInvalid", {})
    return _told(invalid) if invalid.get("status") == "True" else ""


def _told(condition: Json) -> str:
    generation = condition.get("observedGeneration", 0)
    told = f"{condition.get('reason', 'no reason')}: {condition.get('message') or 'no message'}"
    return f"{condition['type']} is {condition['status']} for generation {generation}, {told}"
