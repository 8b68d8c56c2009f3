"""AnalysisTemplate, ClusterAnalysisTemplate and AnalysisRun.

What people write is pydantic, what the cluster reports is msgspec.

The wording of fields is the contract of Argo Rollouts (`argoproj.io/v1alpha1`); descriptions become the CRDs'.
"""

from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, TypeVar

import msgspec
from pydantic import Field

from rollouts.api.meta import Metadata
from rollouts.api.model import IntOrString, Model, OpenObject, SpecError
from rollouts.api.parsing import parsed
from rollouts.api.providers import Provider


class Phase(StrEnum):
    """Phase of a measurement, a metric or a run; "" before the first write."""

    NONE = ""
    PENDING = "Pending"
    RUNNING = "Running"
    SUCCESSFUL = "Successful"
    FAILED = "Failed"
    ERROR = "Error"
    INCONCLUSIVE = "Inconclusive"


Spec = TypeVar("Spec", bound=Model)

COMPLETED: Final = frozenset({Phase.SUCCESSFUL, Phase.FAILED, Phase.ERROR, Phase.INCONCLUSIVE})


class SecretKeyRef(Model):
    """One key of a Secret in the run's namespace."""

    name: str = Field(description="Name of the Secret")
    key: str = Field(description="Key in the Secret")


class FieldRef(Model):
    """A field of the Rollout that the run belongs to."""

    field_path: str = Field(
        description="`metadata.labels['team']`, or a dotted path into the Rollout such as `spec.replicas`"
    )


class ArgumentSource(Model):
    """Where an argument's value comes from when it is not written down."""

    secret_key_ref: SecretKeyRef | None = Field(None, description="Read from a Secret at the time of each measurement")
    field_ref: FieldRef | None = Field(None, description="Read from the Rollout when the run is created")


class Argument(Model):
    """A value that metrics refer to as `{{args.NAME}}`."""

    name: str = Field(description="Name of the argument")
    value: str | None = Field(None, description="The value; the referrer's value wins over a template's default")
    value_from: ArgumentSource | None = Field(None, description="Where to read the value instead")


class DryRun(Model):
    """Metrics that are measured and shown but never decide."""

    metric_name: str = Field(description="Regular expression (RE2, not anchored) searched in metric names")


class MeasurementRetention(Model):
    """How many measurements of some metrics the status keeps."""

    metric_name: str = Field(description="Regular expression (RE2, not anchored) searched in metric names")
    limit: int = Field(description="Newest measurements kept; 10 when absent or not positive")


class TemplateRef(Model):
    """An AnalysisTemplate, or a ClusterAnalysisTemplate, by name."""

    template_name: str = Field("", description="Name of the template")
    cluster_scope: bool = Field(default=False, description="The template is a ClusterAnalysisTemplate")


class TtlStrategy(Model):
    """When a finished run is deleted, in seconds after its completion."""

    seconds_after_completion: int | None = Field(None, description="After any end that has no number of its own")
    seconds_after_failure: int | None = Field(None, description="After phase Failed")
    seconds_after_success: int | None = Field(None, description="After phase Successful")


class Metric(Model):
    """A question put to a provider again and again, and the rules that judge the answers."""

    name: str = Field(description="Name, unique in the run")
    interval: str = Field(
        "", description="Go duration from the end of one measurement to the next; without it one is made"
    )
    initial_delay: str = Field("", description="Go duration from the run's start to the first measurement")
    count: IntOrString | None = Field(
        None, description="Measurements wanted (errors do not count); unlimited when absent and an interval is given"
    )
    success_condition: str = Field("", description="Expression over `result` that is true for a success")
    failure_condition: str = Field("", description="Expression over `result` that is true for a failure")
    failure_limit: IntOrString | None = Field(None, description="Failures tolerated; 0 when absent, -1 for any number")
    inconclusive_limit: IntOrString | None = Field(
        None, description="Inconclusive measurements tolerated; 0 when absent"
    )
    consecutive_error_limit: IntOrString | None = Field(None, description="Errors in a row tolerated; 4 when absent")
    consecutive_success_limit: IntOrString | None = Field(
        None, description="Successes in a row that end the metric as Successful; 0, off, when absent"
    )
    provider: Provider = Field(description="Who is asked, and what")


class AnalysisTemplateSpec(Model):
    """Metrics and arguments to make runs from, and other templates to include."""

    metrics: tuple[Metric, ...] = Field((), description="What is measured")
    args: tuple[Argument, ...] = Field((), description="Arguments that metrics refer to, with defaults")
    dry_run: tuple[DryRun, ...] = Field((), description="Metrics that never decide")
    measurement_retention: tuple[MeasurementRetention, ...] = Field(
        (), description="Metrics whose status keeps another number of measurements than 10"
    )
    templates: tuple[TemplateRef, ...] = Field((), description="Templates whose content is added to this one's")


class AnalysisRunSpec(Model):
    """What one run measures; arguments have values, metrics still refer to them."""

    metrics: tuple[Metric, ...] = Field(description="What is measured")
    args: tuple[Argument, ...] = Field((), description="Arguments with their values")
    terminate: bool = Field(default=False, description="End the run early; what has not failed counts as successful")
    dry_run: tuple[DryRun, ...] = Field((), description="Metrics that never decide")
    measurement_retention: tuple[MeasurementRetention, ...] = Field(
        (), description="Metrics whose status keeps another number of measurements than 10"
    )
    ttl_strategy: TtlStrategy | None = Field(None, description="When the finished run is deleted")


class Measurement(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One answer of a provider and its judgement. Without *finished_at* it is still under way."""

    phase: str = ""
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    value: str = ""
    metadata: dict[str, str] = {}
    resume_at: datetime | None = None


class MetricResult(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What is known of one metric: its newest measurements, oldest first, and counts over all of them."""

    name: str = ""
    phase: str = ""
    measurements: tuple[Measurement, ...] = ()
    message: str = ""
    count: int = 0
    successful: int = 0
    failed: int = 0
    inconclusive: int = 0
    error: int = 0
    consecutive_error: int = 0
    dry_run: bool = False
    metadata: dict[str, str] = {}
    consecutive_success: int = 0


class RunSummary(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """How many metrics there are and how many ended in each phase."""

    count: int = 0
    successful: int = 0
    failed: int = 0
    inconclusive: int = 0
    error: int = 0


class AnalysisRunStatus(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """State of a run; *metric_results* in the order in which metrics were first finished."""

    phase: str = ""
    message: str = ""
    metric_results: tuple[MetricResult, ...] = ()
    started_at: datetime | None = None
    run_summary: RunSummary | None = None
    dry_run_summary: RunSummary | None = None
    completed_at: datetime | None = None

    @property
    def completed(self) -> bool:
        """The phase is one that never changes again."""
        return self.phase in COMPLETED


class AnalysisRun(msgspec.Struct, frozen=True):
    """An observed AnalysisRun; *spec* as stored, see `parse_run_spec`."""

    metadata: Metadata
    spec: dict[str, Any] = {}
    status: AnalysisRunStatus = AnalysisRunStatus()


class AnalysisTemplate(msgspec.Struct, frozen=True):
    """An observed AnalysisTemplate or ClusterAnalysisTemplate (no namespace); *spec* as stored."""

    metadata: Metadata
    spec: dict[str, Any] = {}


def parse_run_spec(raw: OpenObject) -> AnalysisRunSpec:
    """The spec of an AnalysisRun as stored. Cached by content. Raises SpecError with the first wrong field's path."""
    return _run_spec(msgspec.json.encode(raw))


def parse_template_spec(raw: OpenObject) -> AnalysisTemplateSpec:
    """The spec of a template as stored. Cached by content. Raises SpecError with the first wrong field's path."""
    return _template_spec(msgspec.json.encode(raw))


@lru_cache(maxsize=1024)
def _run_spec(raw: bytes) -> AnalysisRunSpec:
    return _parsed(AnalysisRunSpec, raw)


@lru_cache(maxsize=1024)
def _template_spec(raw: bytes) -> AnalysisTemplateSpec:
    return _parsed(AnalysisTemplateSpec, raw)


def _parsed(model: type[Spec], raw: bytes) -> Spec:
    found = parsed(model, msgspec.json.decode(raw), "spec")
    if isinstance(found, tuple):
        raise SpecError(found[0].path, found[0].value, found[0].detail, cause=found[0].cause)
    return found
