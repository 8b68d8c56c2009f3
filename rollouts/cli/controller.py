"""`rollouts controller`: the part that runs in the cluster and brings Rollouts to what they should be."""

import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from datetime import timedelta
from typing import Annotated, Any, Final, NamedTuple, TypeVar, get_type_hints

import typer

from rollouts.api.keys import INSTANCE_ID_LABEL
from rollouts.cli.goflags import GoCommand
from rollouts.controllers.main import main
from rollouts.runtime.telemetry import Format, configure_logs
from rollouts.settings import Settings, own_namespace, release
from rollouts.wire.durations import format_go_duration, parse_go_duration

T = TypeVar("T")


class Flag(NamedTuple):
    """How a field of Settings is given; its type and default are the field's."""

    field: str
    name: str
    help: str
    panel: str
    envvar: str = ""


CLUSTER: Final = "Cluster"
WORK: Final = "What is worked on"
LEADING: Final = "Leader election"
TELLING: Final = "Logs and ports"
TRAFFIC: Final = "Traffic"

FLAGS: Final = (
    Flag("kubeconfig", "--kubeconfig", "File; else $KUBECONFIG, the pod's account, ~/.kube/config.", CLUSTER),
    Flag("context", "--context", "Context of the kubeconfig.", CLUSTER),
    Flag("qps", "--qps", "Requests per second to the API server; 0: no limit.", CLUSTER),
    Flag("burst", "--burst", "Requests at once before --qps counts.", CLUSTER),
    Flag("instance_id", "--instance-id", f"Only objects with this value of label {INSTANCE_ID_LABEL}.", WORK),
    Flag("namespaced", "--namespaced/--no-namespaced", "Work in one namespace only.", WORK),
    Flag("namespace", "--namespace,-n", "The one for --namespaced; else the kubeconfig's, or the pod's.", WORK),
    Flag("rollout_workers", "--rollout-threads", "Rollouts looked at at once.", WORK),
    Flag("analysis_workers", "--analysis-threads", "AnalysisRuns looked at at once.", WORK),
    Flag("resync", "--rollout-resync", "Look at everything again after so many seconds; 0: never.", WORK),
    Flag(
        "prometheus_address",
        "--prometheus-address",
        "For metrics that name none.",
        WORK,
        envvar="ARGO_ROLLOUTS_PROMETHEUS_ADDRESS",
    ),
    Flag("leader_elect", "--leader-elect/--no-leader-elect", "Work only while holding the Lease.", LEADING),
    Flag("lease_duration", "--leader-election-lease-duration", "How long others wait for us.", LEADING),
    Flag("renew_deadline", "--leader-election-renew-deadline", "How long we trust a renewal.", LEADING),
    Flag("retry_period", "--leader-election-retry-period", "Between renewals.", LEADING),
    Flag("bind_address", "--bind-address", "Where both ports listen.", TELLING),
    Flag("metrics_port", "--metricsPort", "Port of /metrics.", TELLING),
    Flag("health_port", "--healthzPort", "Port of /healthz and /readyz.", TELLING),
    Flag("nginx_settle", "--nginx-settle", "A changed Ingress counts as in effect after this.", TRAFFIC),
    Flag("gateway_settle", "--gateway-settle", "A changed HTTPRoute, once accepted, likewise.", TRAFFIC),
)

# Flags of Argo Rollouts; True where a value follows.
WITHOUT_EFFECT: Final = {
    "--alb-ingress-classes": True,
    "--alb-tag-key-resource-id": True,
    "--alb-verify-weight": False,
    "--ambassador-api-version": True,
    "--appmesh-crd-version": True,
    "--aws-target-group-binding-api-version": True,
    "--aws-verify-target-group": False,
    "--enable-pprof-address": True,
    "--ephemeral-metadata-threads": True,
    "--ephemeral-metadata-update-pod-retries": True,
    "--experiment-threads": True,
    "--ingress-api-version": True,
    "--ingress-threads": True,
    "--istio-api-version": True,
    "--kloglevel": True,
    "--nginx-ingress-classes": True,
    "--request-timeout": True,
    "--self-service-notification-enabled": False,
    "--service-threads": True,
    "--traefik-api-group": True,
    "--traefik-api-version": True,
    "--traffic-split-api-version": True,
}


JOBS_ELSEWHERE: Final = "ARGO_ROLLOUTS_ANALYSIS_JOB_KUBECONFIG"


class ControllerCommand(GoCommand):
    """Takes the command line that Argo Rollouts' controller takes."""

    without_effect = WITHOUT_EFFECT


def register(app: typer.Typer) -> None:
    """Add the command; its parameters are those of `controller` and all of FLAGS."""
    own = [one for one in inspect.signature(controller).parameters.values() if one.kind is one.KEYWORD_ONLY]

    def command(**given: Any) -> None:
        controller(**given)

    command.__doc__ = controller.__doc__
    command.__signature__ = inspect.Signature([*own, *_parameters()])  # type: ignore[attr-defined]
    epilog = "Taken for compatibility, without effect: " + ", ".join(WITHOUT_EFFECT)
    app.command("controller", cls=ControllerCommand, epilog=epilog)(command)


def _parameters() -> Iterator[inspect.Parameter]:
    defaults, types = {field.name: field.default for field in fields(Settings)}, get_type_hints(Settings)
    for flag in FLAGS:
        default = defaults[flag.field]
        option = typer.Option(default, *flag.name.split(","), help=flag.help, rich_help_panel=flag.panel, **_form(flag))
        kind = inspect.Parameter.KEYWORD_ONLY
        yield inspect.Parameter(flag.field, kind, default=option, annotation=types[flag.field])


def _form(flag: Flag) -> dict[str, Any]:
    """How a value is read and shown, where that does not follow from its type."""
    default = getattr(Settings, flag.field)
    if isinstance(default, timedelta):
        return {"parser": _duration, "metavar": "DURATION", "show_default": format_go_duration(default)}
    return {"envvar": flag.envvar} if flag.envvar else {}


def _duration(text: str | timedelta) -> timedelta:
    if isinstance(text, timedelta):
        return text
    try:
        return parse_go_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rollouts {release()}")
        raise typer.Exit


def controller(
    *,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say it.")] = False,
    loglevel: Annotated[
        str, typer.Option("--loglevel", help="debug, info, warn or error.", rich_help_panel=TELLING)
    ] = "info",
    logformat: Annotated[
        str,
        typer.Option("--logformat", help="json, text; auto: text on a terminal, else json.", rich_help_panel=TELLING),
    ] = "auto",
    **given: Any,
) -> None:
    """Run the controller until SIGTERM.

    Exit code 0 after an orderly end, 1 when a part of it died or the Lease was lost, 2 for wrong flags.
    """
    _ = version
    settings = _checked(lambda: Settings(**surroundings(os.environ), **given))
    _checked(lambda: configure_logs(loglevel, _log_format(logformat)))
    if settings.namespace and not settings.namespaced:
        typer.echo("--namespace has no effect without --namespaced: every namespace is worked on", err=True)
    raise typer.Exit(main(settings))


def surroundings(environment: Mapping[str, str]) -> dict[str, Any]:
    """Settings that Argo Rollouts takes from the environment alone."""
    if environment.get(JOBS_ELSEWHERE):
        raise ValueError(f"${JOBS_ELSEWHERE}: Jobs of analyses run in this cluster only; unset it")
    return {
        "own_namespace": own_namespace(environment.get("POD_NAMESPACE")),
        "job_namespace": environment.get("ARGO_ROLLOUTS_ANALYSIS_JOB_NAMESPACE", ""),
    }


def _log_format(text: str) -> Format:
    match text:
        case "auto" | "json" | "text":
            return text
    raise ValueError(f"unknown log format {text!r}: one of auto, json, text")


def _checked(make: Callable[[], T]) -> T:
    """What *make* gives; a value it refuses is a usage error."""
    try:
        return make()
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
