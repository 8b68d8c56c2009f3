"""`antiAffinity` of either strategy. Texts are Argo Rollouts'."""

from collections.abc import Iterator
from typing import Final

from rollouts.api.model import Problem
from rollouts.api.rollout import AntiAffinity, RolloutSpec

PATH: Final = "spec.strategy"
ONE: Final = "AntiAffinity must have exactly one strategy listed"
WEIGHT: Final = "preferredDuringSchedulingIgnoredDuringExecution.weight must be between 1 and 100"
HEAVIEST: Final = 100


def affinity_problems(spec: RolloutSpec) -> Iterator[Problem]:
    """Exactly one of the two kinds, and a weight that Kubernetes takes."""
    strategies = {"blueGreen": spec.strategy.blue_green, "canary": spec.strategy.canary}
    for name, strategy in strategies.items():
        if strategy is not None and strategy.anti_affinity is not None:
            yield from _problems(strategy.anti_affinity, f"{PATH}.{name}.antiAffinity")


def _problems(wanted: AntiAffinity, path: str) -> Iterator[Problem]:
    preferred = wanted.preferred_during_scheduling_ignored_during_execution
    required = wanted.required_during_scheduling_ignored_during_execution
    if (preferred is None) == (required is None):
        yield Problem(path, None, ONE)
    elif preferred is not None and not 1 <= preferred.weight <= HEAVIEST:
        yield Problem(f"{path}.preferredDuringSchedulingIgnoredDuringExecution.weight", preferred.weight, WEIGHT)
