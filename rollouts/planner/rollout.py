"""The table of contents of a release: stages in order, each reading the snapshot and adding to the draft."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from rollouts.planner.bluegreen import strategy_of
from rollouts.planner.draft import Draft, Plan
from rollouts.planner.revisions import seen_at
from rollouts.planner.snapshot import Snapshot
from rollouts.planner.stages.adopt import adopt
from rollouts.planner.stages.await_promotion import await_promotion
from rollouts.planner.stages.conclude import conclude
from rollouts.planner.stages.create_revision import create_revision
from rollouts.planner.stages.face_loss import face_loss
from rollouts.planner.stages.follow_replicas import follow_replicas
from rollouts.planner.stages.free_services import free_services
from rollouts.planner.stages.give_up_workload import give_up_workload
from rollouts.planner.stages.keep_partition import keep_partition
from rollouts.planner.stages.label_pods import label_pods
from rollouts.planner.stages.let_go import let_go
from rollouts.planner.stages.make_services import make_services
from rollouts.planner.stages.move_partition import move_partition, pin_promoted
from rollouts.planner.stages.number_revision import number_revision
from rollouts.planner.stages.point_preview import point_preview
from rollouts.planner.stages.point_services import point_services
from rollouts.planner.stages.promote import promote
from rollouts.planner.stages.promote_active import promote_active
from rollouts.planner.stages.restart_pods import restart_pods
from rollouts.planner.stages.return_pods import return_pods
from rollouts.planner.stages.route_traffic import route_traffic
from rollouts.planner.stages.run_analyses import run_analyses
from rollouts.planner.stages.run_promotion_analyses import run_promotion_analyses
from rollouts.planner.stages.scale import scale
from rollouts.planner.stages.settle_resume import settle_resume
from rollouts.planner.stages.settle_retry import settle_retry
from rollouts.planner.stages.start_over import start_over_if_changed
from rollouts.planner.stages.switch_active import switch_active
from rollouts.planner.stages.take_commands import take_commands
from rollouts.planner.stages.take_hold import take_hold
from rollouts.planner.stages.take_step import take_step
from rollouts.planner.stages.trim_history import trim_history
from rollouts.planner.stages.validate import validate
from rollouts.planner.validation.partition import is_partitioned

Stage = Callable[[Snapshot, Draft, datetime], Draft]

CANARY: Final[tuple[Stage, ...]] = (
    validate,
    take_commands,
    adopt,
    create_revision,
    settle_retry,
    settle_resume,
    follow_replicas,
    start_over_if_changed,
    restart_pods,
    label_pods,
    trim_history,
    route_traffic,
    point_services,
    free_services,
    run_analyses,
    give_up_workload,
    scale,
    take_step,
    promote,
)

# Side by side instead of step by step: the Service is what moves.
BLUE_GREEN: Final[tuple[Stage, ...]] = (
    validate,
    take_commands,
    adopt,
    create_revision,
    settle_retry,
    settle_resume,
    follow_replicas,
    point_preview,
    start_over_if_changed,
    restart_pods,
    trim_history,
    free_services,
    scale,
    give_up_workload,
    run_promotion_analyses,
    await_promotion,
    switch_active,
    label_pods,
    promote_active,
)

# The same for a StatefulSet, which makes revisions and pods itself: a partition takes the place of sizes.
PARTITIONED: Final[tuple[Stage, ...]] = (
    keep_partition,
    validate,
    take_hold,
    take_commands,
    number_revision,
    settle_retry,
    settle_resume,
    face_loss,
    start_over_if_changed,
    make_services,
    route_traffic,
    point_services,
    run_analyses,
    move_partition,
    return_pods,
    take_step,
    promote,
    pin_promoted,
)

# A Rollout of a StatefulSet that is being deleted.
RELEASED: Final[tuple[Stage, ...]] = (let_go,)


def stages_for(snapshot: Snapshot) -> tuple[Stage, ...]:
    """The stages that decide about *snapshot*."""
    if snapshot.rollout.metadata.deletion_timestamp is not None:
        return RELEASED
    if is_partitioned(snapshot.spec):
        return PARTITIONED
    return CANARY if strategy_of(snapshot) is None else BLUE_GREEN


def plan(snapshot: Snapshot, now: datetime) -> Plan:
    """What to do about *snapshot* at *now* (UTC). Pure: it neither awaits, logs nor reads a clock."""
    snapshot = seen_at(snapshot, now)
    draft = Draft(status=snapshot.status)
    for stage in stages_for(snapshot):
        draft = stage(snapshot, draft, now)
        if draft.stopped:
            break
    return conclude(snapshot, draft, now).finish()
