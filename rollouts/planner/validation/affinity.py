"""`antiAffinity` of either strategy. Texts are Argo Rollouts', paths leave the strategy out."""

from collections.abc import Iterator
from typing import Final

from rollouts.api.model import Problem
from rollouts.api.rollout import AntiAffinity, RolloutSpec

PATH: Final = "spec.strategy.antiAffinity"
ONE: Final = "AntiAffinity must have exactly one strategy listed"
WEIGHT: Final = "AntiAffinity weight must be between 1-100"
HEAVIEST: Final = 100


def affinity_problems(spec: RolloutSpec) -> Iterator[Problem]:
    """Exactly one of the two kinds, and a weight that Kubernetes takes."""
    for strategy in (spec.strategy.blue_green, spec.strategy.canary):
        if strategy is not None and strategy.anti_affinity is not None:
            yield from _problems(strategy.anti_affinity)


def _problems(wanted: AntiAffinity) -> Iterator[Problem]:
    preferred = wanted.preferred_during_scheduling_ignored_during_execution
    required = wanted.required_during_scheduling_ignored_during_execution
    given = {"Preferred": preferred is not None, "Required": required is not None}
    if sum(given.values()) != 1:
        chosen = (
            f"antiAffinity.{kind}DuringSchedulingIgnoredDuringExecution: {str(is_given).lower()}"
            for kind, is_given in given.items()
        )
        yield Problem(PATH, " ".join(chosen), ONE)
    if preferred is not None and not 1 <= preferred.weight <= HEAVIEST:
        yield Problem(f"{PATH}.weight", preferred.weight, WEIGHT)
