"""How many pods of a StatefulSet the steps expose to the new revision, and whether exactly those are of it."""

from typing import NamedTuple

from rollouts.api import reasons
from rollouts.api.workloads import Pod
from rollouts.planner.arithmetic import weight_to_replicas
from rollouts.planner.draft import Draft
from rollouts.planner.ordinals import PINNED, Ordinals, revision_of
from rollouts.planner.sizes import index_of, is_whole, missing_pods
from rollouts.planner.snapshot import Snapshot, available
from rollouts.steps.base import goal_of


class Share(NamedTuple):
    """Of *exposed* pods, those of the highest ordinals, the new revision is wanted; by which *step*, and why."""

    exposed: int
    step: int | None
    because: str


def is_held(snapshot: Snapshot, draft: Draft) -> bool:
    """A person paused the whole Rollout, or a run was inconclusive: the share stays what it is."""
    inconclusive = any(p.reason == reasons.INCONCLUSIVE_ANALYSIS_RUN for p in draft.status.pause_conditions)
    return snapshot.spec.paused or inconclusive


def share(snapshot: Snapshot, draft: Draft) -> Share:
    """The pods that the step in force exposes; its number counts from the *replicas* there are now."""
    if draft.is_aborted or draft.is_promoted:
        return Share(0, None, "the release is aborted" if draft.is_aborted else "nothing is being released")
    partition, count = draft.status.partition, len(snapshot.steps)
    if is_held(snapshot, draft):
        step = partition.step if partition else None
        return Share(_exposed(snapshot, step), step, "the Rollout is paused by a person or an inconclusive run")
    if is_whole(snapshot, draft):
        return Share(snapshot.replicas, count, "full promotion")
    step = index_of(snapshot, draft)
    if step is None or step >= count:
        return Share(snapshot.replicas, count, "all steps are complete")
    said = f"step {step + 1} of {count}, {snapshot.steps[step].describe()}"
    return Share(_exposed(snapshot, step), step, said)


def _exposed(snapshot: Snapshot, step: int | None) -> int:
    """Pods of the new revision once *step* is reached."""
    replicas = snapshot.replicas
    if step is None:
        return 0
    if step >= len(snapshot.steps):
        return replicas
    goal = goal_of(snapshot.steps[: step + 1])
    if goal.scale is not None and goal.scale.replicas is not None:
        wanted = min(goal.scale.replicas, replicas)
    elif goal.scale is not None and goal.scale.weight is not None:
        wanted = min(weight_to_replicas(goal.scale.weight, replicas), replicas)
    else:
        return exposed_by(goal.weight, replicas, snapshot.total)
    if snapshot.routers and goal.weight < snapshot.total:
        # The last old pod goes only with its traffic: a step that asked for its place would wait for ever.
        wanted = min(wanted, max(replicas - 1, 0))
    # Weight without pods would be lost.
    return max(wanted, min(1, exposed_by(goal.weight, replicas, snapshot.total)))


def exposed_by(weight: int, replicas: int, total: int) -> int:
    """Pods for *weight* of *total*: at least one for any weight, and never all of them below *total*."""
    if weight >= total:
        return replicas
    return min(weight_to_replicas(weight, replicas, total), max(replicas - 1, 0))


def allowed(snapshot: Snapshot, draft: Draft, wanted: int) -> tuple[int, str]:
    """*wanted*, or one pod less while old pods still have traffic; and why.

    The last old pod goes only when no traffic is meant for it, and when its Service leads to the new revision: some
    proxies send nothing to a canary whose stable Service has no endpoints.
    """
    if not snapshot.routers or wanted < snapshot.replicas or snapshot.replicas < 2:
        return wanted, ""
    routing = draft.routing
    if routing is None or not routing.is_in_effect or routing.split.canary < snapshot.total:
        return wanted - 1, "one old pod stays until all traffic is with the new ones"
    name = snapshot.strategy.stable_service
    if not snapshot.ready_pods(name, snapshot.canary):
        return wanted - 1, f"one old pod stays until Service {name} leads to the new ones"
    return wanted, ""


def partition_for(snapshot: Snapshot, draft: Draft, exposed: int) -> int:
    """The partition that exposes that many pods; pinned where none shall be: an ordinal added then is born old."""
    ordinals = snapshot.ordinals
    assert ordinals is not None
    if draft.is_promoted:
        return _partition_at_rest(ordinals, draft)
    return ordinals.replicas - exposed if exposed else PINNED


def _partition_at_rest(ordinals: Ordinals, draft: Draft) -> int:
    """Pinned; but as long as pods of an abandoned revision stand there, low enough for them to be replaced."""
    revision = draft.status.stable_rs
    wrong = [index for index, pod in enumerate(ordinals.places) if pod and revision_of(pod) != revision]
    if wrong:
        return min(wrong)
    # Pinned earlier, a pod that dies would come back in the revision that is current by then.
    is_current = ordinals.stateful_set.status.current_revision == revision
    return PINNED if is_current or ordinals.replicas == 0 else ordinals.partition


def lacking(snapshot: Snapshot, draft: Draft) -> str:
    """Why pods are not as the current step wants them; "" when they are."""
    ordinals = snapshot.ordinals
    if ordinals is None:
        return missing_pods(snapshot, draft)
    exposed = share(snapshot, draft).exposed
    return (
        _not_there(snapshot, exposed)
        or _unsettled(ordinals, partition_for(snapshot, draft, exposed))
        or _misplaced(snapshot, ordinals, draft, ordinals.replicas - exposed)
    )


def too_few(snapshot: Snapshot, draft: Draft) -> str:
    """Why the new revision cannot carry the current step's weight; where more pods than wanted are new, it can."""
    if snapshot.ordinals is None:
        return missing_pods(snapshot, draft)
    wanted = share(snapshot, draft).exposed
    return _not_there(snapshot, min(wanted, max(snapshot.replicas - 1, 1)))


def relief(snapshot: Snapshot, draft: Draft) -> int:
    """The least weight that spares the last old pods of a StatefulSet, while the new ones are still coming.

    Every new pod takes an old one's place: old pods shall have twice their even share at most, new ones their own.
    """
    total, replicas = snapshot.total, snapshot.replicas
    if snapshot.ordinals is None or not replicas:
        return 0
    old, new = available(snapshot.of_hash(draft.status.stable_rs)), available(snapshot.canary)
    return max(0, min(total - 2 * total * old // replicas, total * new // replicas))


def _not_there(snapshot: Snapshot, exposed: int) -> str:
    have = available(snapshot.canary)
    return f"canary has {have} of {exposed} pods available" if have < exposed else ""


def _unsettled(ordinals: Ordinals, wanted: int) -> str:
    if ordinals.partition != wanted:
        return f"partition is {ordinals.partition}, going to {wanted}"
    return "" if ordinals.is_observed else "the StatefulSet controller has not seen the partition yet"


def _misplaced(snapshot: Snapshot, ordinals: Ordinals, draft: Draft, first_new: int) -> str:
    """The first place whose pod is not of the revision that belongs there, or not ready."""
    for index, pod in enumerate(ordinals.places):
        revision = snapshot.canary_hash if index >= first_new else draft.status.stable_rs
        wrong = _wrong(pod, revision)
        if wrong:
            return f"the pod at index {index} {wrong}"
    return f"{len(ordinals.surplus)} pods are still to be scaled down" if ordinals.surplus else ""


def _wrong(pod: Pod | None, revision: str) -> str:
    if pod is None:
        return "is missing"
    if pod.is_deleting:
        return f"({pod.metadata.name}) is being deleted"
    if revision_of(pod) != revision:
        return f"({pod.metadata.name}) is not of revision {revision}"
    return "" if pod.is_ready else f"({pod.metadata.name}) is not ready"
