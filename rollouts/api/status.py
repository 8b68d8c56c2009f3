"""A Rollout's status as clients read it: names, order of fields and which zeros are written, as Argo Rollouts does."""

from datetime import datetime
from typing import Any

import msgspec

from rollouts.api.meta import Condition, Json


class Part(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A part of a status. Fields with a default are left out when they have it; fields without are always written."""


class PauseCondition(Part, frozen=True):
    """Why and since when an update waits; a person who deletes it resumes the update."""

    reason: str
    start_time: datetime


class AnalysisRunStatusRef(Part, frozen=True):
    """The AnalysisRun that matters now; *status* is its phase, "" until it has one."""

    name: str
    status: str
    message: str = ""


class WeightDestination(Part, frozen=True):
    """The share of one revision's pods; *service_name* is empty with ping-pong Services."""

    weight: int
    service_name: str = ""
    pod_template_hash: str = ""


class TrafficWeights(Part, frozen=True):
    """How traffic is split; *verified* is None where the router cannot tell."""

    canary: WeightDestination
    stable: WeightDestination
    additional: tuple[WeightDestination, ...] = ()
    verified: bool | None = None


class StepPluginStatus(Part, frozen=True):
    """How a plugin's step fares; *backoff* is a Go duration."""

    index: int
    name: str
    message: str = ""
    phase: str = ""
    started_at: datetime | None = None
    updated_at: datetime | None = None
    finished_at: datetime | None = None
    backoff: str = ""
    executions: int = 0
    operation: str = ""
    disabled: bool = False
    status: Json | None = None


class CanaryStatus(Part, frozen=True):
    """What only the canary strategy keeps."""

    current_step_analysis_run_status: AnalysisRunStatusRef | None = None
    current_background_analysis_run_status: AnalysisRunStatusRef | None = None
    current_experiment: str = ""
    weights: TrafficWeights | None = None
    stable_ping_pong: str = ""
    step_plugin_statuses: tuple[StepPluginStatus, ...] = ()


class BlueGreenStatus(Part, frozen=True):
    """What only the blue-green strategy keeps; selectors are the hashes last seen in the Services."""

    preview_selector: str = ""
    active_selector: str = ""
    scale_up_preview_check_point: bool = False
    pre_promotion_analysis_run_status: AnalysisRunStatusRef | None = None
    post_promotion_analysis_run_status: AnalysisRunStatusRef | None = None


class AWSResource(Part, frozen=True):
    """An AWS resource."""

    name: str
    arn: str
    full_name: str = ""


class ALBStatus(Part, frozen=True):
    """The load balancer behind one Ingress, when its target groups are verified."""

    load_balancer: AWSResource | None = None
    canary_target_group: AWSResource | None = None
    stable_target_group: AWSResource | None = None
    ingress: str = ""


class RolloutDuration(Part, frozen=True):
    """How long the update takes and how it ended; manual pauses are counted apart."""

    rollout_started_at: datetime | None = None
    finished_at: datetime | None = None
    manual_pause_started_at: datetime | None = None
    total_manual_pause_duration_seconds: int | None = None
    completion_status: str = ""


class PartitionStatus(Part, frozen=True):
    """Ours: what only a Rollout of a StatefulSet keeps.

    *workload*: the StatefulSet. *original*: its partition as its users want it, given back in the end. *step*: whose
    share the partition stands for (the number of steps: all pods; None: no share).
    *serving*: "<revision> <Service>@<RFC 3339>", since when it stands behind that Service. *resets*: when somebody else
    wrote the partition, lately. *ignored_replicas*: of which `spec.replicas` an Event already said that it counts for
    nothing. *lost*: the revision that Kubernetes made current though it was not promoted.
    """

    original: int
    workload: str = ""
    step: int | None = None
    serving: str = ""
    resets: tuple[datetime, ...] = ()
    ignored_replicas: int | None = None
    lost: str = ""


class RolloutStatus(Part, frozen=True):
    """What a Rollout has come to. Hashes are values of label `rollouts-pod-template-hash`.

    Those of a StatefulSet are values of label `controller-revision-hash`.
    *current_step_index* is None without steps. *observed_generation* is text, as clients expect.
    """

    abort: bool = False
    aborted_at: datetime | None = None
    pause_conditions: tuple[PauseCondition, ...] = ()
    controller_pause: bool = False
    current_pod_hash: str = ""
    current_step_hash: str = ""
    current_step_index: int | None = None
    stable_rs: str = msgspec.field(default="", name="stableRS")
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    hpa_replicas: int = msgspec.field(default=0, name="HPAReplicas")
    selector: str = ""
    collision_count: int | None = None
    observed_generation: str = ""
    workload_observed_generation: str = ""
    restarted_at: datetime | None = None
    promote_full: bool = False
    phase: str = ""
    message: str = ""
    conditions: tuple[Condition, ...] = ()
    canary: CanaryStatus = CanaryStatus()
    blue_green: BlueGreenStatus = BlueGreenStatus()
    alb: ALBStatus | None = None
    albs: tuple[ALBStatus, ...] = ()
    duration: RolloutDuration | None = None
    last_command: str = ""
    partition: PartitionStatus | None = None


def status_dict(status: RolloutStatus) -> dict[str, Any]:
    """The status as JSON that is written; `canary` and `blueGreen` are there even when empty."""
    written: dict[str, Any] = {"canary": {}, "blueGreen": {}}
    return written | msgspec.json.decode(msgspec.json.encode(status), type=dict[str, Any])
