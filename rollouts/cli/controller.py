"""`rollouts controller`: the part that runs in the cluster and brings Rollouts to what they should be."""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, Final, TypeVar

import typer

from rollouts.api.keys import INSTANCE_ID_LABEL
from rollouts.cli.goflags import GoCommand
from rollouts.controllers.main import main
from rollouts.runtime.telemetry import Format, configure_logs
from rollouts.settings import Settings, own_namespace, release
from rollouts.wire.durations import parse_go_duration

T = TypeVar("T")

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


class ControllerCommand(GoCommand):
    """Takes the command line that Argo Rollouts' controller takes."""

    without_effect = WITHOUT_EFFECT


def register(app: typer.Typer) -> None:
    """Add the command."""
    epilog = "Taken for compatibility, without effect: " + ", ".join(WITHOUT_EFFECT)
    app.command("controller", cls=ControllerCommand, epilog=epilog)(controller)


_ACCESS: Final = "Cluster"
_WORK: Final = "What is worked on"
_LEADING: Final = "Leader election"
_TELLING: Final = "Logs and ports"
_SETTLING: Final = "Traffic"


def _duration(text: str | timedelta) -> timedelta:
    if isinstance(text, timedelta):
        return text
    try:
        return parse_go_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _span(name: str, text: str, panel: str, default: str) -> Any:
    return typer.Option(
        name, help=text, rich_help_panel=panel, parser=_duration, metavar="DURATION", show_default=default
    )


def _flag(name: str, text: str, panel: str) -> Any:
    return typer.Option(name, help=text, rich_help_panel=panel)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rollouts {release()}")
        raise typer.Exit


def controller(
    *,
    kubeconfig: Annotated[
        str | None, _flag("--kubeconfig", "File; else $KUBECONFIG, the pod's account, ~/.kube/config.", _ACCESS)
    ] = None,
    context: Annotated[str | None, _flag("--context", "Context of the kubeconfig.", _ACCESS)] = None,
    qps: Annotated[float, _flag("--qps", "Requests per second to the API server; 0: no limit.", _ACCESS)] = 40,
    burst: Annotated[int, _flag("--burst", "Requests at once before --qps counts.", _ACCESS)] = 80,
    instance_id: Annotated[
        str, _flag("--instance-id", f"Only objects with this value of label {INSTANCE_ID_LABEL}.", _WORK)
    ] = "",
    namespaced: Annotated[bool, _flag("--namespaced/--no-namespaced", "Work in one namespace only.", _WORK)] = False,
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", help="The one for --namespaced.", rich_help_panel=_WORK)
    ] = "",
    rollout_threads: Annotated[int, _flag("--rollout-threads", "Rollouts looked at at once.", _WORK)] = 10,
    analysis_threads: Annotated[int, _flag("--analysis-threads", "AnalysisRuns looked at at once.", _WORK)] = 30,
    rollout_resync: Annotated[
        int, _flag("--rollout-resync", "Look at everything again after so many seconds; 0: never.", _WORK)
    ] = 900,
    prometheus_address: Annotated[
        str,
        typer.Option(
            envvar="ARGO_ROLLOUTS_PROMETHEUS_ADDRESS", help="For metrics that name none.", rich_help_panel=_WORK
        ),
    ] = "",
    leader_elect: Annotated[
        bool, _flag("--leader-elect/--no-leader-elect", "Work only while holding the Lease.", _LEADING)
    ] = True,
    lease_duration: Annotated[
        timedelta, _span("--leader-election-lease-duration", "How long others wait for us.", _LEADING, "15s")
    ] = timedelta(seconds=15),
    renew_deadline: Annotated[
        timedelta, _span("--leader-election-renew-deadline", "How long we trust a renewal.", _LEADING, "10s")
    ] = timedelta(seconds=10),
    retry_period: Annotated[
        timedelta, _span("--leader-election-retry-period", "Between renewals.", _LEADING, "2s")
    ] = timedelta(seconds=2),
    bind_address: Annotated[str, _flag("--bind-address", "Where both ports listen.", _TELLING)] = "0.0.0.0",  # noqa: S104
    metrics_port: Annotated[int, _flag("--metricsPort", "Port of /metrics.", _TELLING)] = 8090,
    health_port: Annotated[int, _flag("--healthzPort", "Port of /healthz and /readyz.", _TELLING)] = 8080,
    log_level: Annotated[str, _flag("--loglevel", "debug, info, warn or error.", _TELLING)] = "info",
    log_format: Annotated[
        str, _flag("--logformat", "json, text, or auto: text on a terminal, else json.", _TELLING)
    ] = "auto",
    nginx_settle: Annotated[
        timedelta, _span("--nginx-settle", "A changed Ingress counts as in effect after this.", _SETTLING, "2s")
    ] = timedelta(seconds=2),
    gateway_settle: Annotated[
        timedelta, _span("--gateway-settle", "A changed HTTPRoute, once accepted, likewise.", _SETTLING, "0s")
    ] = timedelta(0),
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say it and end.")
    ] = False,
) -> None:
    """Run the controller until SIGTERM.

    Exit code 0 after an orderly end, 1 when a part of it died or the Lease was lost, 2 for wrong flags.
    """
    settings = _checked(
        lambda: Settings(
            instance_id=instance_id,
            namespaced=namespaced,
            namespace=namespace,
            own_namespace=own_namespace(os.environ.get("POD_NAMESPACE")),
            kubeconfig=kubeconfig,
            context=context,
            qps=qps,
            burst=burst,
            rollout_workers=rollout_threads,
            analysis_workers=analysis_threads,
            resync=timedelta(seconds=rollout_resync),
            leader_elect=leader_elect,
            lease_duration=lease_duration.total_seconds(),
            renew_deadline=renew_deadline.total_seconds(),
            retry_period=retry_period.total_seconds(),
            bind_address=bind_address,
            metrics_port=metrics_port,
            health_port=health_port,
            prometheus_address=prometheus_address,
            nginx_settle=nginx_settle,
            gateway_settle=gateway_settle,
        )
    )
    _ = version
    _checked(lambda: configure_logs(log_level, _form(log_format)))
    raise typer.Exit(main(settings))


def _form(text: str) -> Format:
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
