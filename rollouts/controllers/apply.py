"""Writes a plan: its actions in order up to the first that is refused, the status last. Nothing is read here.

Every write is bound to the version that was seen, or creates an object whose name follows from the plan: doing it
again does no harm.
"""

from dataclasses import dataclass
from typing import Final

from rollouts.api.kinds import ROLLOUT
from rollouts.api.rollout import RolloutStatus, status_dict
from rollouts.controllers.deeds import carry_out
from rollouts.controllers.writes import Writer, Written
from rollouts.kube.client import Client
from rollouts.kube.errors import AlreadyExists, ApiError, Conflict, Forbidden, Invalid, NotFound, TooManyRequests
from rollouts.planner.actions import Action, CreateReplicaSet, EvictPod
from rollouts.planner.draft import Plan
from rollouts.planner.snapshot import Snapshot, target
from rollouts.wire.mergepatch import diff

# What cannot be decoded into its kind (a number where text must stand), and what is too large.
UNREADABLE: Final = frozenset({400, 413})


@dataclass(frozen=True)
class Refusal:
    """What ended a plan early; *action* is None where it was the status."""

    action: Action | None
    error: ApiError

    @property
    def is_stale(self) -> bool:
        """The plan was made from a past that is over: the next snapshot decides, nobody has to hear of it."""
        return isinstance(self.error, Conflict | NotFound | AlreadyExists) or self.error.is_namespace_going

    @property
    def is_name_taken(self) -> bool:
        """A ReplicaSet of that name exists."""
        return isinstance(self.action, CreateReplicaSet) and isinstance(self.error, AlreadyExists)

    @property
    def is_reprieve(self) -> bool:
        """A pod may not be evicted for now: its PodDisruptionBudget will say when."""
        return isinstance(self.action, EvictPod) and isinstance(self.error, TooManyRequests)

    @property
    def is_verdict(self) -> bool:
        """The object itself is refused, by a quota, a policy or its own form: the same again will not pass either."""
        if self.error.is_namespace_going:
            return False
        return isinstance(self.error, Invalid | Forbidden) or self.error.status in UNREADABLE


@dataclass(frozen=True)
class Receipt:
    """What was written: actions accepted, versions to wait for, whether the status was, and what ended it early."""

    done: tuple[Action, ...] = ()
    written: tuple[Written, ...] = ()
    status_written: bool = False
    refusal: Refusal | None = None


async def apply(plan: Plan, snapshot: Snapshot, client: Client) -> Receipt:
    """Write *plan*, made from *snapshot*. Refusals are in the receipt; raises only what is no answer to a write."""
    writer, done = Writer(client), 0
    try:
        for action in plan.actions:
            await carry_out(action, writer)
            done += 1
        status_written = await write_status(writer, snapshot, plan.status)
    except ApiError as error:
        refused = plan.actions[done] if done < len(plan.actions) else None
        return Receipt(plan.actions[:done], tuple(writer.written), refusal=Refusal(refused, error))
    return Receipt(plan.actions, tuple(writer.written), status_written)


async def write_status(writer: Writer, snapshot: Snapshot, status: RolloutStatus) -> bool:
    """Write what differs between the Rollout's status as seen and *status*; whether anything does.

    Fields of the stored status that we do not know are left alone.
    """
    before = {} if snapshot.status == RolloutStatus() else status_dict(snapshot.status)
    patch = diff(before, status_dict(status)) if status != snapshot.status else {}
    if patch:
        await writer.patch(ROLLOUT, target(snapshot.rollout.metadata), {"status": patch}, subresource="status")
    return bool(patch)
