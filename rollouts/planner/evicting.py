"""Which pod of a StatefulSet goes next, and whether PodDisruptionBudgets let it."""

from typing import NamedTuple

from rollouts.api.workloads import Pod, PodDisruptionBudget
from rollouts.planner.ordinals import Ordinals, selecting

IF_HEALTHY_BUDGET = "IfHealthyBudget"


class Next(NamedTuple):
    """*pod* is the one to go, or None; then *wait* says for what, "" when there is none left."""

    pod: Pod | None
    wait: str = ""


def next_of(ordinals: Ordinals, wrong: tuple[Pod, ...]) -> Next:
    """The next of *wrong* pods: those that are not ready first, then the highest ordinal; one at a time.

    Of a StatefulSet that fills its places in order, the lowest pod that is not ready keeps all above it from coming
    back: it goes first. A ready one goes only while every other pod is ready.
    """
    if not wrong:
        return Next(None)
    unready = [pod for pod in wrong if not pod.is_ready]
    if unready:
        return _unready(ordinals, unready)
    unfit = next((index for index, pod in enumerate(ordinals.places) if not _is_fit(pod)), None)
    if unfit is not None:
        return Next(None, f"the pod at index {unfit} must be ready before the next one goes")
    return Next(max(wrong, key=ordinals.index_of))


def _unready(ordinals: Ordinals, unready: list[Pod]) -> Next:
    choose = min if ordinals.is_ordered else max
    pod = choose(unready, key=ordinals.index_of)
    gap = next(
        (index for index, found in enumerate(ordinals.places) if found not in unready and _is_gap(found, pod)), None
    )
    if gap is None or (ordinals.is_ordered and ordinals.index_of(pod) < gap):
        return Next(pod)
    return Next(None, f"the pod at index {gap} must be ready before the next one goes")


def _is_fit(pod: Pod | None) -> bool:
    return pod is not None and pod.is_ready and not pod.is_deleting


def _is_gap(found: Pod | None, candidate: Pod) -> bool:
    """Missing, going, or made anew lately and not ready yet."""
    if found is None or found.is_deleting:
        return True
    born, other = found.metadata.creation_timestamp, candidate.metadata.creation_timestamp
    return not found.is_ready and born is not None and other is not None and born > other


def refusal(ordinals: Ordinals, pod: Pod) -> str:
    """Which of the StatefulSet's PodDisruptionBudgets would refuse the pod's eviction; "" when none would."""
    return refusal_by(ordinals.budgets, pod)


def refusal_by(every: tuple[PodDisruptionBudget, ...], pod: Pod) -> str:
    """Which of *every* PodDisruptionBudget would refuse the pod's eviction, with its numbers; "" when none would."""
    if pod.status.phase == "Pending":
        return ""
    budgets = selecting(every, pod.metadata)
    if len(budgets) > 1:
        names = ", ".join(sorted(budget.metadata.name for budget in budgets))
        return f"PodDisruptionBudgets {names} all select it, and Kubernetes then evicts nothing"
    return next((text for text in (_refused(budget, pod) for budget in budgets) if text), "")


def _refused(budget: PodDisruptionBudget, pod: Pod) -> str:
    status = budget.status
    if not pod.is_ready:
        if budget.spec.unhealthy_pod_eviction_policy == "AlwaysAllow":
            return ""
        if status.current_healthy >= status.desired_healthy > 0:
            return ""
    if status.disruptions_allowed > 0 and status.observed_generation >= budget.metadata.generation:
        return ""
    return (
        f"PodDisruptionBudget {budget.metadata.name} allows {status.disruptions_allowed} disruptions: "
        f"{status.current_healthy} of {status.expected_pods} pods are healthy, {status.desired_healthy} must be"
    )
