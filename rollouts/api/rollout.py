"""The Rollout: what people write, with the contract's defaults, and what is observed of it."""

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from pydantic import Field
from pydantic.config import JsonDict

from rollouts.api.meta import Json, Metadata
from rollouts.api.model import IntOrString, Model, OpenObject, Problem
from rollouts.api.parsing import parsed
from rollouts.api.routing import GatewayAPI, GatewayRoute, StatefulSetRouting, TrafficRouting
from rollouts.api.status import (
    AnalysisRunStatusRef,
    BlueGreenStatus,
    CanaryStatus,
    PauseCondition,
    RolloutDuration,
    RolloutStatus,
    StepPluginStatus,
    TrafficWeights,
    WeightDestination,
    status_dict,
)
from rollouts.api.steps import (
    BackgroundAnalysis,
    ExperimentStep,
    LabelRequirement,
    LabelSelector,
    PauseStep,
    PluginStep,
    PodTemplateMetadata,
    RolloutAnalysis,
    SetCanaryScale,
    SetHeaderRoute,
    SetMirrorRoute,
    Step,
)

__all__ = [
    "AnalysisRunStatusRef",
    "AntiAffinity",
    "BackgroundAnalysis",
    "BlueGreenStatus",
    "BlueGreenStrategy",
    "CanaryStatus",
    "CanaryStrategy",
    "ExperimentStep",
    "GatewayAPI",
    "GatewayRoute",
    "HistoryLimits",
    "LabelRequirement",
    "LabelSelector",
    "PauseCondition",
    "PauseStep",
    "PingPong",
    "PluginStep",
    "PodTemplateMetadata",
    "ReplicaProgressThreshold",
    "RollbackWindow",
    "Rollout",
    "RolloutAnalysis",
    "RolloutDuration",
    "RolloutSpec",
    "RolloutStatus",
    "SetCanaryScale",
    "SetHeaderRoute",
    "SetMirrorRoute",
    "StatefulSetRouting",
    "Step",
    "StepPluginStatus",
    "Strategy",
    "TrafficRouting",
    "TrafficWeights",
    "WeightDestination",
    "WorkloadRef",
    "parse_spec",
    "status_dict",
]

DEFAULT_DELAY: Final = timedelta(seconds=30)
IMMUTABLE: Final[JsonDict] = {
    "x-kubernetes-validations": [
        {"rule": "self == oldSelf", "message": "cannot be changed; delete the Rollout and create it anew"}
    ]
}


class WorkloadRef(Model):
    """An object whose pod template the Rollout uses."""

    api_version: str = ""
    kind: str = Field(
        "",
        description="Deployment, ReplicaSet (none that a Deployment made), PodTemplate, or StatefulSet (not in Argo "
        "Rollouts)",
    )
    name: str = ""
    scale_down: str = Field("", description="When the Deployment gives its pods up: never, onsuccess, progressively")


class RollbackWindow(Model):
    """How far back a return to an old revision skips steps and analyses."""

    revisions: int = 0


class HistoryLimits(Model):
    """How many finished AnalysisRuns and Experiments are kept."""

    successful_run_history_limit: int = Field(5, description="Successful ones; 5 when absent")
    unsuccessful_run_history_limit: int = Field(5, description="Failed, Error and Inconclusive ones; 5 when absent")


class PreferredAntiAffinity(Model):
    """Stable and new pods are kept apart where that is possible."""

    weight: int = Field(description="1 to 100")


class RequiredAntiAffinity(Model):
    """Stable and new pods never share a node."""


class AntiAffinity(Model):
    """Keeps pods of different revisions on different nodes: exactly one of the two."""

    required_during_scheduling_ignored_during_execution: RequiredAntiAffinity | None = None
    preferred_during_scheduling_ignored_during_execution: PreferredAntiAffinity | None = None


class PingPong(Model):
    """Two Services that take turns as stable and canary."""

    ping_service: str
    pong_service: str


class ReplicaProgressThreshold(Model):
    """How many of the canary's pods suffice for a step to go on."""

    type: str = Field(description="Percent or Pods")
    value: int


class BlueGreenStrategy(Model):
    """A whole new set of pods, previewed, then switched to at once."""

    active_service: str = Field(description="Service of the users")
    preview_service: str = Field("", description="Service of the testers")
    preview_replica_count: int | None = Field(None, description="Pods until promotion; spec.replicas when absent")
    auto_promotion_enabled: bool = Field(default=True, description="Switch without asking; true when absent")
    auto_promotion_seconds: int = Field(0, description="Wait this long before switching by itself")
    max_unavailable: IntOrString = Field("25%", description="Pods restarted at once; 25% when absent")
    scale_down_delay_seconds: int | None = Field(None, description="Old pods stay this long; 30 when absent")
    scale_down_delay_revision_limit: int | None = Field(None, description="Old revisions that stay; all when absent")
    pre_promotion_analysis: RolloutAnalysis | None = None
    post_promotion_analysis: RolloutAnalysis | None = None
    anti_affinity: AntiAffinity | None = None
    preview_metadata: PodTemplateMetadata | None = Field(None, description="On pods while they are previewed")
    active_metadata: PodTemplateMetadata | None = Field(None, description="On pods while they are active")
    abort_scale_down_delay_seconds: int | None = Field(
        None, description="Preview pods stay this long after an abort; 0: for ever; 30 when absent"
    )

    @property
    def scale_down_delay(self) -> timedelta:
        """How long old pods stay after the switch."""
        return _delay(self.scale_down_delay_seconds)

    @property
    def abort_scale_down_delay(self) -> timedelta | None:
        """How long preview pods stay after an abort; None: for ever."""
        return _delay(self.abort_scale_down_delay_seconds) or None


class CanaryStrategy(Model):
    """New pods take over step by step; without steps, as in a rolling update."""

    canary_service: str = ""
    stable_service: str = ""
    steps: tuple[Step, ...] = ()
    traffic_routing: TrafficRouting | None = Field(None, description="Who splits traffic; by pod counts when absent")
    max_unavailable: IntOrString = Field("25", description="Number or percentage (any string); 25% when absent")
    max_surge: IntOrString = Field("25", description="Number or percentage (any string); 25% when absent")
    analysis: BackgroundAnalysis | None = None
    anti_affinity: AntiAffinity | None = None
    canary_metadata: PodTemplateMetadata | None = Field(None, description="On pods while they are canaries")
    stable_metadata: PodTemplateMetadata | None = Field(None, description="On pods while they are stable")
    scale_down_delay_seconds: int | None = Field(None, description="Old pods stay this long; 30 when absent")
    scale_down_delay_revision_limit: int | None = Field(None, description="Old revisions that stay; all when absent")
    abort_scale_down_delay_seconds: int | None = Field(
        None, description="Canary pods stay this long after an abort; 0: for ever; 30 when absent"
    )
    dynamic_stable_scale: bool = Field(default=False, description="Stable pods shrink as traffic leaves them")
    ping_pong: PingPong | None = None
    min_pods_per_replica_set: int | None = Field(None, description="Fewest pods of a revision that has traffic")
    replica_progress_threshold: ReplicaProgressThreshold | None = None

    @property
    def scale_down_delay(self) -> timedelta:
        """How long old pods stay after promotion; zero without a router."""
        return _delay(self.scale_down_delay_seconds) if self.traffic_routing else timedelta()

    @property
    def abort_scale_down_delay(self) -> timedelta | None:
        """How long canary pods stay after an abort; None: for ever. Only meaningful with a router."""
        return _delay(self.abort_scale_down_delay_seconds) or None

    @property
    def total_weight(self) -> int:
        """What all traffic weights sum to."""
        return self.traffic_routing.total_weight if self.traffic_routing else 100


class Strategy(Model):
    """How a new revision replaces the old: exactly one of the two."""

    blue_green: BlueGreenStrategy | None = None
    canary: CanaryStrategy | None = None


class RolloutSpec(Model):
    """What a Rollout should be."""

    replicas: int | None = Field(None, ge=0, description="Number of pods; written as 1 when absent")
    selector: LabelSelector | None = Field(
        None, description="Pods of this Rollout; must match the template's labels", json_schema_extra=IMMUTABLE
    )
    template: OpenObject | None = Field(None, description="Pod template; absent with workloadRef")
    workload_ref: WorkloadRef | None = Field(None, description="Use another object's pod template")
    min_ready_seconds: int = 0
    rollback_window: RollbackWindow | None = None
    strategy: Strategy = Strategy()
    revision_history_limit: int = Field(10, description="Old ReplicaSets that are kept; 10 when absent")
    paused: bool = Field(default=False, description="Hold the update where it is")
    progress_deadline_seconds: int = Field(600, description="Longest time without progress; 600 when absent")
    progress_deadline_abort: bool = Field(default=False, description="Abort when the deadline passes")
    restart_at: datetime | None = Field(None, description="Replace pods created before this time")
    analysis: HistoryLimits = HistoryLimits()
    abort: bool = Field(default=False, description="Command: abort the update. Removed when taken")
    retry: bool = Field(default=False, description="Command: start an aborted update again. Removed when taken")
    promote: bool = Field(default=False, description="Command: go on to the next step. Removed when taken")
    promote_full: bool = Field(default=False, description="Command: skip all steps. Removed when taken")


class Rollout(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An observed Rollout; *spec* as stored, see `parse_spec`."""

    metadata: Metadata
    spec: dict[str, Any] = {}
    status: RolloutStatus = RolloutStatus()


def parse_spec(raw: Json) -> RolloutSpec | tuple[Problem, ...]:
    """A stored spec with its types right, or what is wrong with it. Cache it by uid and generation."""
    return parsed(RolloutSpec, raw, "spec")


def _delay(seconds: int | None) -> timedelta:
    return DEFAULT_DELAY if seconds is None else timedelta(seconds=seconds)
