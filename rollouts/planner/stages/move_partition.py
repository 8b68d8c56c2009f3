"""The partition follows the step, and the number of replicas, whatever pauses the release."""

from datetime import datetime
from typing import Final

from rollouts.api import reasons
from rollouts.api.rollout import TrafficWeights, WeightDestination
from rollouts.planner.actions import Announcement, PatchStatefulSet
from rollouts.planner.draft import Draft
from rollouts.planner.partition import moved
from rollouts.planner.places import share
from rollouts.planner.snapshot import Snapshot, available

STAGE: Final = "move_partition"
# So many times the load of a stable pod is worth a warning.
FACTOR: Final = 1.5


def move_partition(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Write the partition; show the share of the pods, and warn where few of them get much."""
    _ = now
    if snapshot.ordinals is None:
        return draft
    draft = _warned(snapshot, draft) if snapshot.routers else _shown(snapshot, draft)
    return moved(snapshot, draft, stage=STAGE)


def pin_promoted(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """What was promoted is pinned, once the status says so.

    Pinned first, a crash before the status would leave a whole StatefulSet of a revision that nobody promoted.
    """
    _ = now
    is_told = snapshot.status.stable_rs == draft.status.stable_rs
    if not draft.is_promoted or not is_told or any(isinstance(action, PatchStatefulSet) for action in draft.actions):
        return draft
    return moved(snapshot, draft, stage=STAGE) if snapshot.ordinals else draft


def _shown(snapshot: Snapshot, draft: Draft) -> Draft:
    """Without a router the share of traffic is that of the pods."""
    total = snapshot.total
    have = 0 if draft.is_promoted else available(snapshot.canary)
    weight = total * have // snapshot.replicas if snapshot.replicas else 0
    weights = TrafficWeights(
        canary=WeightDestination(weight, snapshot.strategy.canary_service, draft.status.current_pod_hash),
        stable=WeightDestination(total - weight, snapshot.strategy.stable_service, draft.status.stable_rs),
    )
    return draft.with_canary(weights=weights)


def _warned(snapshot: Snapshot, draft: Draft) -> Draft:
    before, now = snapshot.status.canary.weights, draft.status.canary.weights
    if now is None or (before and before.canary.weight == now.canary.weight):
        return draft
    new = share(snapshot, draft).exposed
    old, weight = snapshot.replicas - new, now.canary.weight
    if not new or not old or weight * old <= FACTOR * (snapshot.total - weight) * new:
        return draft
    text = f"{new} new pods get {weight} of {snapshot.total} of the traffic, {old} old ones the rest: is it too much?"
    return draft.announce(Announcement(reasons.CANARY_OVERLOADED, text, is_warning=True)).say(STAGE, "pass", text)
