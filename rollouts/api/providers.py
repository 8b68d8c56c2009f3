"""What a metric can ask of whom: the provider part of a metric, with the contract's fields."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from rollouts.api.model import IntOrString, Model, OpenObject


class Header(Model):
    """One HTTP request header."""

    key: str = Field(description="Name of the header")
    value: str = Field(description="Value of the header; `{{args.NAME}}` may stand for a Secret's")


class Sigv4(Model):
    """AWS Signature Version 4, for Amazon Managed Prometheus."""

    region: str = Field("", description="AWS region that signs")
    profile: str = Field("", description="Profile of the shared AWS configuration")
    role_arn: str = Field("", description="Role to assume")


class OAuth2(Model):
    """OAuth 2.0 client credentials."""

    token_url: str = Field("", description="Address that answers with a token")
    client_id: str = Field("", description="The client's identity")
    client_secret: str = Field("", description="The client's secret")
    scopes: tuple[str, ...] = Field((), description="Scopes asked for")


class BasicAuth(Model):
    """HTTP basic authentication."""

    username: str = Field("", description="User name")
    password: str = Field("", description="Password")


class Authentication(Model):
    """How requests prove who sends them; at most one kind."""

    sigv4: Sigv4 | None = Field(None, description="Sign requests for AWS")
    oauth2: OAuth2 | None = Field(None, description="Send a bearer token got with client credentials")
    basic_auth: BasicAuth | None = Field(None, description="Send user name and password")


class RangeQuery(Model):
    """A query over a span of time instead of one instant."""

    start: str = Field("", description='Expression for the first instant: `now() - duration("1h")`')
    end: str = Field("", description="Expression for the last instant: `now()`")
    step: str = Field("", description="Go duration between samples")


class Prometheus(Model):
    """A PromQL query to a Prometheus server."""

    address: str = Field("", description="URL of the server; the controller's default when absent")
    query: str = Field("", description="PromQL; a vector's result is a list, a scalar's a number")
    authentication: Authentication | None = Field(None, description="How to authenticate")
    timeout: int | None = Field(None, description="Seconds the query may take; 30 when absent")
    insecure: bool = Field(default=False, description="Do not verify the server's certificate")
    headers: tuple[Header, ...] = Field((), description="Request headers to add")
    range_query: RangeQuery | None = Field(None, description="Ask for a span of time instead of now")


class Web(Model):
    """A request to an HTTP endpoint, with a JSON path into its answer."""

    method: str = Field("", description="HTTP method; GET when absent")
    url: str = Field(description="Address of the endpoint")
    headers: tuple[Header, ...] = Field((), description="Request headers to add")
    body: str = Field("", description="Request body; not together with jsonBody, not with GET")
    timeout_seconds: int = Field(0, description="Seconds the request may take; 10 when absent")
    json_path: str = Field("", description="Kubernetes JSONPath template of the value in the answer; `{$}` when absent")
    insecure: bool = Field(default=False, description="Do not verify the server's certificate")
    json_body: Any = Field(None, description="Request body as JSON; sets Content-Type application/json")
    authentication: Authentication | None = Field(None, description="How to authenticate")


class JobMetadata(Model):
    """Labels and annotations of the Job."""

    labels: Mapping[str, str] = Field({}, description="Labels to add")
    annotations: Mapping[str, str] = Field({}, description="Annotations to add")


class JobMetric(Model):
    """A Kubernetes Job that succeeds or fails."""

    metadata: JobMetadata | None = Field(None, description="Labels and annotations of the Job")
    spec: OpenObject = Field(description="Spec of the Job")


class DatadogSecret(Model):
    """The Secret with address and keys."""

    name: str = Field("", description="Name of the Secret")
    namespaced: bool = Field(default=False, description="The Secret is in the run's namespace, not the controller's")


class Datadog(Model):
    """A query to Datadog."""

    interval: str = Field("", description="Go duration the query looks back; 5m when absent")
    query: str = Field("", description="The query; not together with queries")
    queries: Mapping[str, str] = Field({}, description="Named queries that formula combines")
    formula: str = Field("", description="Formula over queries")
    api_version: str = Field("", description="v1 or v2")
    aggregator: str = Field("", description="How a series becomes one number: avg, min, max, sum, last …")
    secret_ref: DatadogSecret | None = Field(None, description="Where address and keys are")


class NewRelic(Model):
    """An NRQL query to New Relic."""

    profile: str = Field("", description="Secret with the account; newrelic when absent")
    query: str = Field("", description="The NRQL query")
    timeout: int | None = Field(None, description="Seconds the query may take; 5 when absent")


class Wavefront(Model):
    """A query to Wavefront."""

    address: str = Field("", description="Address of the server")
    query: str = Field("", description="The query")


class CloudWatchDimension(Model):
    """One name and value that narrow a metric."""

    name: str = Field("", description="Name of the dimension")
    value: str = Field("", description="Value of the dimension")


class CloudWatchMetric(Model):
    """Which metric is meant."""

    dimensions: tuple[CloudWatchDimension, ...] = Field((), description="What narrows the metric")
    metric_name: str = Field("", description="Name of the metric")
    namespace: str | None = Field(None, description="Namespace of the metric")


class CloudWatchStat(Model):
    """A statistic of one metric."""

    metric: CloudWatchMetric = Field(CloudWatchMetric(), description="The metric")
    period: IntOrString | None = Field(None, description="Seconds one value covers")
    stat: str = Field("", description="The statistic, such as Average or p99")
    unit: str = Field("", description="Unit of the values")


class CloudWatchQuery(Model):
    """One query of a GetMetricData request: a metric's statistic or an expression over others."""

    id: str = Field("", description="Name of the query, for expressions")
    expression: str | None = Field(None, description="Math over other queries")
    label: str | None = Field(None, description="Label of the result")
    metric_stat: CloudWatchStat | None = Field(None, description="A metric's statistic")
    period: IntOrString | None = Field(None, description="Seconds one value covers")
    return_data: bool | None = Field(None, description="Include the result in the answer")


class CloudWatch(Model):
    """A GetMetricData request to Amazon CloudWatch."""

    interval: str = Field("", description="Go duration the request looks back; 5m when absent")
    metric_data_queries: tuple[CloudWatchQuery, ...] = Field(description="The queries")


class Graphite(Model):
    """A render query to Graphite."""

    address: str = Field("", description="Address of the server")
    query: str = Field("", description="The target to render")


class InfluxDb(Model):
    """A Flux query to InfluxDB."""

    profile: str = Field("", description="Secret with address, authToken and org")
    query: str = Field("", description="The Flux query")


class SkyWalking(Model):
    """A GraphQL query to Apache SkyWalking."""

    address: str = Field("", description="Address of the server")
    query: str = Field("", description="The GraphQL query")
    interval: str = Field("", description="Go duration the query looks back; 5m when absent")


class KayentaThreshold(Model):
    """Scores that divide pass, marginal and fail."""

    # The contract spells these two with a small first letter and as 64-bit integers.
    pass_: int = Field(alias="pass", description="Lowest score that passes")
    marginal: int = Field(description="Lowest score that is inconclusive")


class KayentaScopeDetail(Model):
    """Where and when one side of a comparison is measured."""

    scope: str = Field(description="The scope's name")
    region: str = Field(description="Region of the scope")
    step: int = Field(description="Seconds between samples")
    start: str = Field(description="RFC 3339 start")
    end: str = Field(description="RFC 3339 end")


class KayentaScope(Model):
    """Both sides of one comparison."""

    name: str = Field(description="Name of the scope")
    control_scope: KayentaScopeDetail = Field(description="What is compared with")
    experiment_scope: KayentaScopeDetail = Field(description="What is judged")


class Kayenta(Model):
    """A canary judgement by Spinnaker's Kayenta."""

    address: str = Field(description="Address of the server")
    application: str = Field(description="The application")
    canary_config_name: str = Field(description="Name of the canary configuration")
    metrics_account_name: str = Field(description="Account that holds metrics")
    configuration_account_name: str = Field(description="Account that holds configuration")
    storage_account_name: str = Field(description="Account that stores results")
    threshold: KayentaThreshold = Field(description="Scores that divide pass, marginal and fail")
    scopes: tuple[KayentaScope, ...] = Field(description="What is compared")
    lookback: bool = Field(default=False, description="Look back from the end instead of waiting for it")


class Provider(Model):
    """Exactly one provider."""

    prometheus: Prometheus | None = Field(None, description="A PromQL query")
    kayenta: Kayenta | None = Field(None, description="A canary judgement by Kayenta")
    web: Web | None = Field(None, description="A request to an HTTP endpoint")
    datadog: Datadog | None = Field(None, description="A query to Datadog")
    wavefront: Wavefront | None = Field(None, description="A query to Wavefront")
    new_relic: NewRelic | None = Field(None, description="An NRQL query to New Relic")
    job: JobMetric | None = Field(None, description="A Kubernetes Job")
    cloud_watch: CloudWatch | None = Field(None, description="A request to Amazon CloudWatch")
    graphite: Graphite | None = Field(None, description="A query to Graphite")
    influxdb: InfluxDb | None = Field(None, description="A Flux query to InfluxDB")
    skywalking: SkyWalking | None = Field(None, description="A GraphQL query to SkyWalking")
    plugin: Mapping[str, OpenObject] = Field({}, description="A provider found as a plugin, by its name")

    @property
    def chosen(self) -> tuple[str, ...]:
        """Wire names of the providers that are given; each plugin counts, as its own name."""
        names = (
            field.alias or name
            for name, field in type(self).model_fields.items()
            if name != "plugin" and getattr(self, name) is not None
        )
        return (*names, *self.plugin)
