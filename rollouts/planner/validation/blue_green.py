"""`strategy.blueGreen`: what contradicts itself. Texts are Argo Rollouts', paths leave `blueGreen` out."""

from collections.abc import Iterator
from typing import Final

from rollouts.api.model import Problem
from rollouts.api.rollout import BlueGreenStrategy, RolloutSpec
from rollouts.wire.intorstring import resolve

PATH: Final = "spec.strategy"
SAME_SERVICE: Final = (
    "This rollout uses the same service for the active and preview services, but two different services are required."
)


def blue_green_problems(spec: RolloutSpec) -> Iterator[Problem]:
    """What is wrong in the strategy, if it is this one."""
    strategy = spec.strategy.blue_green
    if strategy is None:
        return
    if strategy.active_service == strategy.preview_service:
        yield Problem(f"{PATH}.activeService", strategy.active_service, SAME_SERVICE)
    limit = strategy.scale_down_delay_revision_limit
    if limit is not None and limit > spec.revision_history_limit:
        detail = "This rollout's revision history limit can not be smaller than the rollout's scale down limit"
        yield Problem(f"{PATH}.scaleDownDelayRevisionLimit", limit, detail)
    yield from _number_problems(strategy)
    yield from _restart_problems(strategy)


def _number_problems(strategy: BlueGreenStrategy) -> Iterator[Problem]:
    """Ours: Argo Rollouts takes negative counts and times, and then waits for ever or not at all."""
    numbers = {
        "previewReplicaCount": strategy.preview_replica_count,
        "autoPromotionSeconds": strategy.auto_promotion_seconds,
        "scaleDownDelaySeconds": strategy.scale_down_delay_seconds,
        "abortScaleDownDelaySeconds": strategy.abort_scale_down_delay_seconds,
    }
    for name, number in numbers.items():
        if number is not None and number < 0:
            yield Problem(f"{PATH}.blueGreen.{name}", number, "must be greater than or equal to 0")


def _restart_problems(strategy: BlueGreenStrategy) -> Iterator[Problem]:
    """Ours, as with a canary: how many pods may restart at once must be a number when that is asked."""
    try:
        resolve(strategy.max_unavailable, 100, round_up=False)
    except ValueError as wrong:
        yield Problem(f"{PATH}.blueGreen.maxUnavailable", strategy.max_unavailable, str(wrong))
