"""What is remembered on a route during a release: the weights that its rules had before our first write.

An annotation on the route itself, written in the same patch as the first weights: no crash can separate the two.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from rollouts.api.meta import Object
from trafficrouters.gatewayapi.rules import Pair, Rule, Weights, fingerprint, weights_of

ORIGINALS: Final = "rollouts.argoproj.io/original-weights"


class Original(msgspec.Struct, frozen=True):
    """A rule as it was before our first write: how to find it again, and the weights of its pair (None: absent)."""

    rule: str
    match: str
    weights: Weights


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one Rollout remembers on a route; *managed* are the fingerprints of the rules it added."""

    services: tuple[str, ...] = ()
    rules: tuple[Original, ...] = ()
    managed: tuple[str, ...] = ()


def records_of(route: Object) -> dict[str, Record]:
    """What is remembered, by Rollout. Raises `msgspec.DecodeError` for an annotation that is not of our writing."""
    return msgspec.json.decode(route.metadata.annotations.get(ORIGINALS, "{}"), type=dict[str, Record])


def encoded(records: Mapping[str, Record]) -> str | None:
    """The annotation's text; None: it is to be absent."""
    return msgspec.json.encode(records, order="deterministic").decode() if records else None


def originals(rules: Sequence[Rule], services: Pair, known: Sequence[Original]) -> tuple[Original, ...]:
    """For each of *rules*, all of which have the pair, what is known of it, else what it is now.

    Users edit, move and add rules during a release. A rule that nothing tells apart takes what is left over: its
    matches were edited, and its weights are ours.
    """
    seen = [Original(rule.get("name", ""), fingerprint(rule), weights_of(rule, services)) for rule in rules]
    left = list(known)
    found: dict[int, Original] = {}
    for sameness in SAMENESSES:
        for index, now in enumerate(seen):
            then = next((then for then in left if index not in found and sameness(then) == sameness(now)), None)
            if then is not None:
                left.remove(then)
                found[index] = msgspec.structs.replace(now, weights=then.weights)
    return tuple(found.get(index, now) for index, now in enumerate(seen))


def presumed(rules: Sequence[Rule], services: Pair) -> tuple[Original, ...]:
    """What *rules* with weights of ours were before, when somebody took the memory of it away: all on stable."""
    totals = [sum(weight or 0 for weight in weights_of(rule, services)) for rule in rules]
    return tuple(
        Original(rule.get("name", ""), fingerprint(rule), (total, 0)) for rule, total in zip(rules, totals, strict=True)
    )


# The first that holds decides. A rule without a name is not the same as another without one.
SAMENESSES: Final[tuple[Callable[[Original], Any], ...]] = (
    lambda rule: (rule.rule, rule.match),
    lambda rule: rule.rule or id(rule),
    lambda rule: rule.match,
    lambda _: True,
)
