"""The Experiment: revisions that run side by side for a while. Contract of Argo Rollouts."""

from datetime import datetime
from typing import Any

import msgspec
from pydantic import Field

from rollouts.api.analysis import Argument, DryRun, MeasurementRetention
from rollouts.api.meta import Condition, Json, Metadata
from rollouts.api.model import Model, OpenObject, Problem
from rollouts.api.parsing import parsed
from rollouts.api.status import Part
from rollouts.api.steps import ExperimentService, LabelSelector, PodTemplateMetadata


class ExperimentTemplate(Model):
    """One group of pods."""

    name: str = Field(description="Unique in the Experiment")
    replicas: int | None = Field(None, description="Number of pods; 1 when absent")
    min_ready_seconds: int = 0
    selector: LabelSelector = Field(description="Pods of this template; must match its labels")
    template: OpenObject = Field(description="Pod template")
    service: ExperimentService | None = Field(None, description="Create a Service for the pods")


class ExperimentAnalysis(Model):
    """A template that is run once all pods are available."""

    name: str
    template_name: str
    cluster_scope: bool = False
    args: tuple[Argument, ...] = ()
    required_for_completion: bool = Field(default=False, description="The end waits for it, and only for such")


class ExperimentSpec(Model):
    """Which pods to run, for how long, and what to measure meanwhile."""

    templates: tuple[ExperimentTemplate, ...]
    duration: str = Field("", description="Go duration from when all pods are available; for ever when absent")
    progress_deadline_seconds: int = Field(600, description="Longest wait for the pods; 600 when absent")
    terminate: bool = Field(default=False, description="End it now")
    analyses: tuple[ExperimentAnalysis, ...] = ()
    scale_down_delay_seconds: int = Field(30, description="Pods stay this long after the end; 30 when absent")
    dry_run: tuple[DryRun, ...] = ()
    measurement_retention: tuple[MeasurementRetention, ...] = ()
    analysis_run_metadata: PodTemplateMetadata = PodTemplateMetadata()


class TemplateStatus(Part, frozen=True):
    """How one template's pods fare; counts are written even when 0. *status* Progressing, Running, or an end."""

    name: str
    replicas: int
    updated_replicas: int
    ready_replicas: int
    available_replicas: int
    collision_count: int | None = None
    status: str = ""
    message: str = ""
    last_transition_time: datetime | None = None
    service_name: str = ""
    pod_template_hash: str = ""


class ExperimentRunStatus(Part, frozen=True):
    """How one analysis fares; *analysis_run* is the run's name, "" until it is created."""

    name: str
    analysis_run: str
    phase: str
    message: str = ""


class ExperimentStatus(Part, frozen=True):
    """What an Experiment has come to; *available_at* is when all templates first had their pods."""

    phase: str = ""
    message: str = ""
    template_statuses: tuple[TemplateStatus, ...] = ()
    available_at: datetime | None = None
    conditions: tuple[Condition, ...] = ()
    analysis_runs: tuple[ExperimentRunStatus, ...] = ()


class Experiment(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An observed Experiment; *spec* as stored, see `parse_experiment`."""

    metadata: Metadata
    spec: dict[str, Any] = {}
    status: ExperimentStatus = ExperimentStatus()


def parse_experiment(raw: Json) -> ExperimentSpec | tuple[Problem, ...]:
    """A stored spec with its types right, or what is wrong with it."""
    return parsed(ExperimentSpec, raw, "spec")


def experiment_status_dict(status: ExperimentStatus) -> dict[str, Any]:
    """The status as JSON that is written."""
    return msgspec.json.decode(msgspec.json.encode(status), type=dict[str, Any])
