"""The canary's steps and the analyses a Rollout asks for, as people write them. Contract of Argo Rollouts."""

from collections.abc import Mapping

from pydantic import Field

from rollouts.api.analysis import DryRun, FieldRef, MeasurementRetention, TemplateRef
from rollouts.api.model import IntOrString, Model, OpenObject


class LabelRequirement(Model):
    """One expression of a label selector."""

    key: str
    operator: str = Field(description="In, NotIn, Exists or DoesNotExist")
    values: tuple[str, ...] = ()


class LabelSelector(Model):
    """Kubernetes' label selector; all requirements hold at once."""

    match_labels: Mapping[str, str] = {}
    match_expressions: tuple[LabelRequirement, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True if it would select everything."""
        return not self.match_labels and not self.match_expressions


class PodTemplateMetadata(Model):
    """Labels and annotations put on pods, or on the runs of an analysis."""

    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}


class ArgumentSource(Model):
    """Where an argument's value comes from: exactly one of the two."""

    pod_template_hash_value: str | None = Field(None, description="Latest (the new revision's hash) or Stable")
    field_ref: FieldRef | None = None


class RolloutArgument(Model):
    """An argument for the templates of an analysis, by value or by source."""

    name: str
    value: str = ""
    value_from: ArgumentSource | None = None


class RolloutAnalysis(Model):
    """Which templates to run, with which arguments."""

    templates: tuple[TemplateRef, ...] = ()
    args: tuple[RolloutArgument, ...] = ()
    dry_run: tuple[DryRun, ...] = ()
    measurement_retention: tuple[MeasurementRetention, ...] = ()
    analysis_run_metadata: PodTemplateMetadata = PodTemplateMetadata()


class BackgroundAnalysis(RolloutAnalysis):
    """An analysis that runs beside the steps until the update ends."""

    starting_step: int | None = Field(None, description="Index of the step to begin at; 0 when absent")


class PauseStep(Model):
    """Waits for a while, or without a duration until a person promotes."""

    duration: IntOrString | None = Field(None, description="Seconds, or a Go duration such as 1h30m")
    timeout: IntOrString | None = Field(
        None, description="Ours, without a duration: how long to wait for a person; seconds, or a Go duration"
    )
    on_timeout: str | None = Field(None, description="Ours: what then happens, abort (when absent) or promote")


class SetCanaryScale(Model):
    """Sizes the canary apart from its traffic, until matchTrafficWeight or the end. Needs a router."""

    weight: int | None = Field(None, description="Percent of spec.replicas")
    replicas: int | None = Field(None, description="Number of pods")
    match_traffic_weight: bool = Field(default=False, description="Follow the traffic weight again")


class StringMatch(Model):
    """How a string is compared: exactly one of the three."""

    exact: str = ""
    prefix: str = ""
    regex: str = ""


class HeaderMatch(Model):
    """A header that a request must carry."""

    header_name: str
    header_value: StringMatch


class SetHeaderRoute(Model):
    """Sends requests with certain headers to the canary; without *match* the route is removed."""

    name: str = Field("", description="One of trafficRouting.managedRoutes")
    match: tuple[HeaderMatch, ...] = ()


class RouteMatch(Model):
    """Requests to mirror; what is given must all match."""

    method: StringMatch | None = None
    path: StringMatch | None = None
    headers: Mapping[str, StringMatch] = {}


class SetMirrorRoute(Model):
    """Copies matching requests to the canary; without *match* the route is removed."""

    name: str = Field(description="One of trafficRouting.managedRoutes")
    match: tuple[RouteMatch, ...] = ()
    percentage: int | None = Field(None, description="Share of the requests to copy; all when absent")


class PluginStep(Model):
    """A step carried out by a plugin."""

    name: str
    config: OpenObject | None = Field(None, description="Whatever the plugin understands")


class ExperimentService(Model):
    """A Service for one template of an experiment."""

    name: str = Field("", description="The ReplicaSet's name when absent")


class ExperimentStepTemplate(Model):
    """Pods of one revision beside the Rollout's own."""

    name: str
    spec_ref: str = Field(description="canary or stable: whose pod template is used")
    replicas: int | None = Field(None, description="1 when absent")
    metadata: PodTemplateMetadata = PodTemplateMetadata()
    selector: LabelSelector | None = None
    weight: int | None = Field(None, description="Share of the traffic; needs a router that can split it")
    service: ExperimentService | None = None


class ExperimentAnalysisRef(Model):
    """A template that is run once all pods of an experiment are available."""

    name: str
    template_name: str
    cluster_scope: bool = False
    args: tuple[RolloutArgument, ...] = ()
    required_for_completion: bool = Field(default=False, description="The experiment waits for it, and only for such")


class ExperimentStep(Model):
    """Runs an Experiment and waits for its end."""

    templates: tuple[ExperimentStepTemplate, ...]
    duration: str = Field("", description="Go duration; until the analyses end when absent")
    analyses: tuple[ExperimentAnalysisRef, ...] = ()
    dry_run: tuple[DryRun, ...] = ()
    analysis_run_metadata: PodTemplateMetadata = PodTemplateMetadata()
    scale_down_delay_seconds: int | None = None


class Step(Model):
    """One step: exactly one of the fields, except that setCanaryScale may stand beside another."""

    set_weight: int | None = Field(None, description="Share of the traffic for the canary")
    pause: PauseStep | None = None
    set_canary_scale: SetCanaryScale | None = None
    analysis: RolloutAnalysis | None = None
    experiment: ExperimentStep | None = None
    set_header_route: SetHeaderRoute | None = None
    set_mirror_route: SetMirrorRoute | None = None
    plugin: PluginStep | None = None
