"""Fields of the API that this version does not carry out: refused with a sentence, never half-done or ignored.

One row each. Whoever builds a feature deletes its row.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from rollouts.api.model import Problem
from rollouts.api.rollout import RolloutSpec

Asks = Callable[[RolloutSpec], bool]


class Unserved(NamedTuple):
    """*path* of a field, what to do instead, and whether a specification asks for it."""

    path: str
    instead: str
    is_asked: Asks


def _canary_has(name: str) -> Asks:
    return lambda spec: spec.strategy.canary is not None and bool(getattr(spec.strategy.canary, name))


UNSERVED: Final[tuple[Unserved, ...]] = (
    Unserved(
        "spec.strategy.canary.pingPong",
        "use stableService and canaryService",
        _canary_has("ping_pong"),
    ),
)


def unserved_problems(spec: RolloutSpec) -> Iterator[Problem]:
    """Every unserved field that *spec* asks for."""
    for row in UNSERVED:
        if row.is_asked(spec):
            yield Problem(row.path, None, f"this version does not carry it out: {row.instead}", "Forbidden")
