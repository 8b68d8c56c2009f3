"""How far a release is: steps, and the canary's share wanted and actual."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from rollouts.api.meta import Json
from rollouts.api.rollout import Rollout, RolloutStatus
from rollouts.api.workloads import ReplicaSet
from rollouts.cli.views.model import StepView, WeightView
from rollouts.cli.views.words import pause_length, step_words
from rollouts.planner.snapshot import hash_of
from rollouts.wire.durations import parse_pause_duration


def strategy_of(spec: Json) -> str:
    """The strategy's name, as Argo Rollouts' clients write it."""
    strategy = spec.get("strategy") or {}
    return "BlueGreen" if strategy.get("blueGreen") is not None else "Canary"


def canary_of(spec: Json) -> Json | None:
    """The canary strategy as written, {} where none is; None for blue-green."""
    if strategy_of(spec) == "BlueGreen":
        return None
    found: Json = (spec.get("strategy") or {}).get("canary") or {}
    return found


def steps_of(spec: Json) -> Sequence[Json]:
    """The canary's steps as written."""
    found: Sequence[Json] = (canary_of(spec) or {}).get("steps") or ()
    return found


def step_view(rollout: Rollout) -> StepView | None:
    """How far the steps are; None without steps."""
    steps, index = steps_of(rollout.spec), rollout.status.current_step_index
    if not steps:
        return None
    index = min(index or 0, len(steps))
    if index == len(steps):
        return StepView(index, len(steps))
    return StepView(index, len(steps), step_words(steps[index]), _resumes_at(steps[index], rollout.status))


def _resumes_at(step: Json, status: RolloutStatus) -> datetime | None:
    length = pause_length(step)
    if length is None or not status.pause_conditions:
        return None
    try:
        return status.pause_conditions[0].start_time + parse_pause_duration(length)
    except (ValueError, OverflowError):
        return None


def is_promoted(status: RolloutStatus) -> bool:
    """Nothing is being released."""
    return status.stable_rs != "" and status.stable_rs == status.current_pod_hash


def weight_view(rollout: Rollout, owned: Iterable[ReplicaSet]) -> WeightView | None:
    """The canary's share, wanted and actual; None for blue-green."""
    canary = canary_of(rollout.spec)
    if canary is None:
        return None
    routing = canary.get("trafficRouting")
    routers, total = (_routers(routing), routing.get("maxTrafficWeight") or 100) if routing else ((), 100)
    weights = rollout.status.canary.weights
    wanted = _wanted(rollout, total)
    if is_promoted(rollout.status):
        # all pods are of one revision, whichever way the traffic takes to them
        return WeightView(wanted, total, total, weights.verified if weights else None, routers)
    if routing:
        actual = weights.canary.weight if weights else 0
        return WeightView(wanted, actual, total, weights.verified if weights else None, routers)
    return WeightView(wanted, _available_share(rollout.status, owned))


def _wanted(rollout: Rollout, total: int) -> int:
    """The weight in force: the last setWeight up to the current step."""
    status, steps = rollout.status, steps_of(rollout.spec)
    index = status.current_step_index
    if is_promoted(status) or not steps or (index is not None and index >= len(steps)):
        return 0 if status.abort and not is_promoted(status) else total
    if status.abort:
        return 0
    reached = reversed(steps[: (index or 0) + 1])
    return next((int(step["setWeight"]) for step in reached if step.get("setWeight") is not None), 0)


def _available_share(status: RolloutStatus, owned: Iterable[ReplicaSet]) -> int:
    canary = sum(rs.status.available_replicas for rs in owned if hash_of(rs) == status.current_pod_hash)
    return canary * 100 // status.available_replicas if status.available_replicas else 0


def _routers(routing: Json) -> tuple[str, ...]:
    plain = [key for key, value in routing.items() if isinstance(value, dict) and key != "plugins"]
    return (*plain, *(routing.get("plugins") or {}))
