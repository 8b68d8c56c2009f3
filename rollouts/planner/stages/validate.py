"""Nothing is done for a specification that cannot be carried out; and `spec.replicas` is there to be scaled."""

from datetime import datetime, timedelta

from rollouts.planner.actions import EditRollout
from rollouts.planner.draft import Draft, Extent
from rollouts.planner.snapshot import Snapshot, target

STAGE = "validate"
# Everything a specification refers to is watched and wakes its Rollout; this is for what cannot be watched.
AGAIN = timedelta(seconds=20)
# What was applied together is seen in any order. Times of creation have no fractions, hence not one second.
SEEN = timedelta(seconds=2)


def validate(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Refuse with the first problem found, or write the one default that others read."""
    if snapshot.problems:
        first = str(snapshot.problems[0])
        if (seen := _may_be_unseen(snapshot)) and now < seen:
            return draft.say(STAGE, "wait", f"not seen yet? {first}").wake(seen).stop(first, Extent.NOTHING)
        return draft.say(STAGE, "refuse", first).wake(now + AGAIN).stop(first, Extent.INVALID)
    if snapshot.spec.replicas is None and snapshot.ordinals is None:
        # The scale subresource, and with it every HorizontalPodAutoscaler, answers 500 without the field.
        write = EditRollout(target(snapshot.rollout.metadata), {"spec": {"replicas": 1}}, "spec.replicas is absent: 1")
        return draft.act(write, stage=STAGE).stop("spec.replicas is being written", Extent.NOTHING)
    return draft


def _may_be_unseen(snapshot: Snapshot) -> datetime | None:
    """Until when an object that is missing may be merely unseen: of a Rollout that is new and not yet judged."""
    created = snapshot.rollout.metadata.creation_timestamp
    if snapshot.status.observed_generation or created is None or not snapshot.problems[0].is_missing:
        return None
    return created + SEEN
