"""`rollouts demo`: two real releases on a real cluster, a good one promoted and a bad one taken back."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer

from rollouts.cli.definitions import definitions
from rollouts.cli.demo.manifests import ROUTERS
from rollouts.cli.demo.stage import Place, play
from rollouts.cli.output import is_live
from rollouts.sandbox import cluster
from rollouts.sandbox.errors import SandboxError
from rollouts.sandbox.state import Options

_INSIDE: Final = "ROLLOUTS_SANDBOX"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    *,
    router: Annotated[str, typer.Option(help=f"Who splits the traffic: {' or '.join(ROUTERS)}.")] = "gateway",
    kubeconfig: Annotated[
        Path | None,
        typer.Option(help="A cluster of yours instead of a sandbox; it needs the CRDs, --url and --prometheus."),
    ] = None,
    url: Annotated[str, typer.Option(help="Where the proxy answers, as seen from here.")] = "",
    prometheus: Annotated[str, typer.Option(help="Where Prometheus answers, as seen from the controller.")] = "",
    image: Annotated[str, typer.Option(help="The application, without a tag; v1, v2 and v3-errors5 are used.")] = "web",
) -> None:
    """Watch a good release promoted and a bad one taken back, on a real cluster under load.

    Starts a sandbox (or uses the cluster of --kubeconfig), a controller with exactly the chart's rights, and steady
    requests through the proxy. Exit code 0 when every claim of the table at the end holds, 1 when one does not.
    """
    if router not in ROUTERS:
        raise typer.BadParameter(f"{router!r} is not one of {', '.join(ROUTERS)}", param_hint="--router")
    if _INSIDE in os.environ or kubeconfig is not None:
        place = _given(kubeconfig, url, prometheus, router)
        raise typer.Exit(asyncio.run(play(place, router, image, is_live=is_live())))
    raise typer.Exit(_in_a_sandbox(router))


def _given(kubeconfig: Path | None, url: str, prometheus: str, router: str) -> Place:
    if kubeconfig is None:
        sandbox = cluster.Sandbox.load()
        front = sandbox.gateway_url if router == "gateway" else sandbox.web_url
        controller = sandbox.controller_kubeconfig
        return Place(sandbox.kubeconfig, controller, f"{front}/", sandbox.prometheus_url, sandbox.directory)
    if not url or not prometheus:
        raise typer.BadParameter("a cluster of yours needs --url and --prometheus too", param_hint="--kubeconfig")
    return Place(kubeconfig, kubeconfig, url, prometheus, Path(tempfile.mkdtemp(prefix="rollouts-demo-")))


def _in_a_sandbox(router: str) -> int:
    """The same command again, inside a sandbox that is gone afterwards."""
    name = f"demo-{os.getpid()}"
    try:
        with definitions() as ours:
            sandbox = cluster.up(name, Options(crds=ours.crds, cluster_role=ours.cluster_role), typer.echo)
    except SandboxError as error:
        typer.echo(f"error: {error}", err=True)
        return 1
    try:
        state = sandbox.state
        typer.echo(f"sandbox {name} ready in {state.seconds if state else 0:.1f} s")
        return sandbox.exec([sys.executable, "-m", "rollouts", "demo", "--router", router]).returncode
    finally:
        sandbox.down()
