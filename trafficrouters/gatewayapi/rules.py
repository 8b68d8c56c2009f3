"""Rules of an HTTPRoute as raw JSON: which are to be weighed, the weights, and the rules that header routes become."""

import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from rollouts.api.meta import Json, Object
from rollouts.api.rollout import SetHeaderRoute
from rollouts.api.steps import HeaderMatch

Rule = Mapping[str, Any]

# What the API server puts where the user gave no path; a rule of ours without it would differ for ever.
ANY_PATH: Final = {"type": "PathPrefix", "value": "/"}
NO_MATCH: Final[Json] = {}
REGEX_SIGNS: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")


# Weights of the stable and the canary backendRef; None: no weight given.
Weights = tuple[int | None, int | None]


class Pair(NamedTuple):
    """The names of the two Services."""

    stable: str
    canary: str


def rules_of(route: Object) -> Sequence[Rule]:
    """The rules as they stand in the route."""
    return route.raw.get("spec", {}).get("rules") or ()


def refs_to(rule: Rule, service: str) -> list[tuple[int, Json]]:
    """The backendRefs by that name, with their places; like Argo Rollouts' plugin, whatever their kind."""
    return [(index, ref) for index, ref in enumerate(rule.get("backendRefs") or ()) if ref.get("name") == service]


def has_pair(rule: Rule, services: Pair) -> bool:
    """The rule names both Services. One that names a single one has nothing to split: all of it goes there."""
    return bool(refs_to(rule, services.stable) and refs_to(rule, services.canary))


def weights_of(rule: Rule, services: Pair) -> Weights:
    """The weights that a rule with both Services gives them."""
    (_, stable), *_ = refs_to(rule, services.stable)
    (_, canary), *_ = refs_to(rule, services.canary)
    return stable.get("weight"), canary.get("weight")


def weighed(rule: Rule, services: Pair, weights: Weights) -> Rule:
    """*rule* with *weights* on the two Services and everything else as it was."""
    wanted = dict(zip(services, weights, strict=True))
    refs = [_weighed_ref(ref, wanted[ref["name"]]) if ref.get("name") in wanted else ref for ref in rule["backendRefs"]]
    return {**rule, "backendRefs": refs}


def _weighed_ref(ref: Json, weight: int | None) -> Json:
    bare = {key: value for key, value in ref.items() if key != "weight"}
    return bare if weight is None else {**bare, "weight": weight}


def fingerprint(rule: Rule) -> str:
    """A short name for what the rule matches, by which a rule without a name is found again."""
    return f"{zlib.crc32(msgspec.json.encode(rule.get('matches') or [], order='deterministic')):08x}"


def is_header_rule(rule: Rule, services: Pair, names: Sequence[str], known: Sequence[str]) -> bool:
    """The rule sends everything to the canary and is a header route of ours by its name.

    API servers before Gateway API 1.4 drop the names of rules; there *known* tells, the fingerprints of our rules.
    """
    if [ref.get("name") for ref in rule.get("backendRefs") or ()] != [services.canary]:
        return False
    called = rule.get("name", "")
    return any(_is_numbered(called, name) for name in names) if called else fingerprint(rule) in known


def _is_numbered(called: str, name: str) -> bool:
    return called == name or (called.startswith(f"{name}-") and called.removeprefix(f"{name}-").isdecimal())


def header_rules(route: SetHeaderRoute, rules: Sequence[Rule], services: Pair) -> list[Rule]:
    """One rule per rule with the pair: its matches with the headers added, all of it to the canary."""
    sources = [rule for rule in rules if has_pair(rule, services)]
    names = [f"{route.name}-{index}" if index else route.name for index in range(len(sources))]
    return [_header_rule(route, *named, services) for named in zip(names, sources, strict=True)]


def _header_rule(route: SetHeaderRoute, name: str, source: Rule, services: Pair) -> Rule:
    backend = {"group": "", "kind": "Service", **refs_to(source, services.canary)[0][1], "weight": 1}
    matches = [_with_headers(match, route.match) for match in source.get("matches") or [NO_MATCH]]
    return {**source, "name": name, "matches": matches, "backendRefs": [backend]}


def _with_headers(match: Json, wanted: Sequence[HeaderMatch]) -> Json:
    """A header may be matched once, so a wanted one takes the place of the rule's own."""
    own = {header["name"].lower(): header for header in match.get("headers") or ()}
    added = {header.header_name.lower(): _header(header) for header in wanted}
    return {"path": ANY_PATH, **match, "headers": list({**own, **added}.values())}


def _header(header: HeaderMatch) -> Json:
    value = header.header_value
    if value.exact:
        return {"name": header.header_name, "type": "Exact", "value": value.exact}
    # Anchored: some implementations (Traefik) search the expression anywhere in the value.
    pattern = value.regex or f"^{REGEX_SIGNS.sub(_escaped, value.prefix)}.*"
    return {"name": header.header_name, "type": "RegularExpression", "value": pattern}


def _escaped(sign: re.Match[str]) -> str:
    return f"\\{sign.group()}"
