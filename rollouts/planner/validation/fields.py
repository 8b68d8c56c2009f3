"""Top-level fields of a specification, and the choice of its strategy. Texts are Argo Rollouts'."""

from collections.abc import Iterator
from typing import Final

from rollouts.api.model import Problem
from rollouts.api.rollout import RolloutSpec
from rollouts.planner.validation.labels import selector_problems
from rollouts.planner.validation.shown import required, shown

MISSING: Final = "Rollout has missing field '{}'"


def selection_problems(spec: RolloutSpec) -> Iterator[Problem]:
    """What is wrong with the selector; with a workloadRef it may be absent."""
    if spec.selector is not None:
        yield from selector_problems(spec.selector, "spec.selector")
    if spec.workload_ref is not None:
        return
    if spec.selector is None:
        yield required("spec.selector", MISSING.format(".spec.selector"))
    elif spec.selector.is_empty:
        yield Problem("spec.selector", shown({}), "empty selector is invalid for deployment")


def number_problems(spec: RolloutSpec) -> Iterator[Problem]:
    """Numbers that must not be negative, and a deadline that could never be met."""
    numbers = {
        "minReadySeconds": spec.min_ready_seconds,
        "revisionHistoryLimit": spec.revision_history_limit,
        "progressDeadlineSeconds": spec.progress_deadline_seconds,
    }
    for name, number in numbers.items():
        if number < 0:
            yield Problem(f"spec.{name}", number, "must be greater than or equal to 0")
    if spec.progress_deadline_seconds <= spec.min_ready_seconds:
        deadline = spec.progress_deadline_seconds
        yield Problem("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")


def strategy_problems(spec: RolloutSpec) -> Iterator[Problem]:
    """Exactly one strategy must be given."""
    has_canary, has_blue_green = spec.strategy.canary is not None, spec.strategy.blue_green is not None
    if has_canary and has_blue_green:
        chosen = "blueGreen: true canary: true"
        yield Problem("spec.strategy.strategy", chosen, "Multiple Strategies can not be listed")
    if not has_canary and not has_blue_green:
        missing = MISSING.format(".spec.strategy.canary or .spec.strategy.blueGreen")
        yield required("spec.strategy.strategy", missing)
