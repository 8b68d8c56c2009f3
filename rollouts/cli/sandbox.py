"""`rollouts sandbox`: a real cluster on this machine, without docker; or one of kind, where docker answers."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from rollouts.cli.definitions import definitions
from rollouts.cli.recipes import recipe
from rollouts.sandbox import backends, cluster, kind
from rollouts.sandbox.errors import SandboxError
from rollouts.sandbox.kind import KindSandbox
from rollouts.sandbox.load import Load, Target
from rollouts.sandbox.state import PROMETHEUS_ADDRESS, Options
from rollouts.sandbox.tally import Report

app: Final = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, help="A real cluster on this machine, without docker."
)

Name = Annotated[str, typer.Option("--name", "-n", help="Which sandbox; several run side by side.")]
Found = Annotated[str | None, typer.Option("--name", "-n", help="Which sandbox (else the one we are in, or default).")]
Backend = Annotated[
    str,
    typer.Option(
        help="processes: parts that run on this machine as they are. kind: a cluster of kind with the chart installed, "
        "where `docker info` answers; with real containers, without proxy and Prometheus."
    ),
]
PROCESSES: Final = "processes"
KIND: Final = "kind"


@app.command()
def up(
    *,
    name: Name = "default",
    backend: Backend = PROCESSES,
    pod_ready_seconds: Annotated[float, typer.Option(min=0, help="From a pod's creation to Ready.")] = 1.0,
    crds: Annotated[Path | None, typer.Option(help="Directory of further CRDs (else ours).")] = None,
    cluster_role: Annotated[
        Path | None, typer.Option(help="File with the controller's ClusterRole (else ours).")
    ] = None,
    prometheus_address: Annotated[str, typer.Option(help="Where Prometheus listens, inside.")] = PROMETHEUS_ADDRESS,
    empty_prometheus: Annotated[
        bool, typer.Option("--empty-prometheus", help="A second one without targets, 127.0.0.1:19090.")
    ] = False,
    publish: Annotated[list[str] | None, typer.Option(help="OUTER:INNER, a port to reach on 127.0.0.1.")] = None,
    image: Annotated[str, typer.Option(help="kind: the controller's image (else built from the checkout).")] = "",
    chart: Annotated[str, typer.Option(help="kind: the chart (else the checkout's).")] = "",
) -> None:
    """Start a sandbox: API server, controllers, Traefik, Prometheus and pods that really answer.

    Programs that are not on this machine are built or downloaded once, into a cache. What a killed `up` left behind
    is cleared first.
    """
    if backend == KIND:
        _up_of_kind(name, image, chart)
        return
    if backend != PROCESSES:
        raise typer.BadParameter(f"{backend!r} is neither {PROCESSES} nor {KIND}", param_hint="--backend")
    with definitions() as ours:
        options = Options(
            pod_ready_seconds=pod_ready_seconds,
            crds=crds or ours.crds,
            cluster_role=cluster_role or ours.cluster_role,
            prometheus_address=prometheus_address,
            empty_prometheus=empty_prometheus,
        )
        sandbox = _checked(lambda: cluster.up(name, options, _tell))
    _ready(sandbox)
    if publish:
        _checked(lambda: _publish(sandbox, publish))


@app.command()
def down(
    *,
    name: Name = "default",
    every: Annotated[bool, typer.Option("--all", help="Every sandbox of this user.")] = False,
) -> None:
    """End a sandbox and whatever runs in it; nothing of it stays. One that is not there is no error."""
    for sandbox in backends.every() if every else [_checked(lambda: backends.named(name))]:
        _checked(sandbox.down)
        typer.echo(f"sandbox {sandbox.name} is gone")


@app.command()
def status(
    output: Annotated[str, typer.Option("--output", "-o", help="text or json")] = "text",
) -> None:
    """List the sandboxes of this user. Exit code 0 when at least one is up, 1 when none is."""
    described = [_described(sandbox) for sandbox in backends.every()]
    if output == "json":
        typer.echo(json.dumps(described, indent=2))
    else:
        for one in described:
            typer.echo(f"{one['name']:20} {one['phase']:10} {one['directory']}{_indented(one['message'])}")
    raise typer.Exit(0 if any(one["phase"] == "ready" for one in described) else 1)


@app.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def execute(
    argv: Annotated[list[str], typer.Argument(metavar="-- COMMAND [ARGUMENT]...")],
    name: Found = None,
) -> None:
    """Run a command inside a sandbox, with KUBECONFIG, PATH and ROLLOUTS_SANDBOX set. Its exit code is ours.

    For one of kind, which has no inside, only KUBECONFIG is set.
    """
    sandbox = _checked(lambda: backends.find(name))
    command = _checked(lambda: sandbox.command(argv))
    sys.stdout.flush()
    environment = sandbox.environment()
    os.execvpe(command[0], command, environment)  # noqa: S606 (the command is the user's)


@app.command()
def publish(
    ports: Annotated[list[str], typer.Argument(metavar="OUTER:INNER...", help="For example 8080:80.")],
    name: Found = None,
) -> None:
    """Make ports of a sandbox reachable on 127.0.0.1 of this machine, until the sandbox ends."""
    _checked(lambda: _publish(backends.of_processes(name, "inside to publish ports of"), ports))


@app.command()
def load(
    url: Annotated[str, typer.Argument(help="Where to send requests, inside: http://127.0.0.1:8000/")],
    *,
    name: Found = None,
    host: Annotated[str, typer.Option(help="Host header.")] = "",
    clients: Annotated[int, typer.Option(min=1, help="Keep-alive connections.")] = 4,
    requests: Annotated[int, typer.Option(min=1, help="End after so many.")] = 1000,
    seconds: Annotated[float, typer.Option(min=0, help="End after so long.")] = 60.0,
    rate: Annotated[float | None, typer.Option(help="Requests per second (else as fast as answers come).")] = None,
) -> None:
    """Send requests inside a sandbox and print, as JSON, which pods and versions answered and what failed.

    Exit code 0 when every request got a good answer, 1 otherwise.
    """
    _go_inside(name)
    target = Target(url, host, clients, requests, seconds, rate)
    report = asyncio.run(_loaded(target))
    typer.echo(json.dumps(report.as_json(), indent=2))
    raise typer.Exit(1 if report.total.failed else 0)


def _go_inside(name: str | None) -> None:
    """Run this very command again inside the sandbox; returns when there."""
    sandbox = _checked(lambda: backends.of_processes(name, "proxy to send requests to"))
    command = [sys.executable, "-m", "rollouts.cli.sandbox", *sys.argv[sys.argv.index("load") :]]
    entering = _checked(lambda: sandbox.command(command))
    if entering != command:
        os.execvpe(entering[0], entering, sandbox.environment())  # noqa: S606 (our own command)


async def _loaded(target: Target) -> Report:
    async with Load(target) as running:
        await running.finished()
    return running.report()


def _up_of_kind(name: str, image: str, chart: str) -> None:
    _ready(_checked(lambda: kind.up(name, recipe(image, chart), _tell)))


def _ready(sandbox: backends.AnySandbox) -> None:
    state = sandbox.state
    typer.echo(f"sandbox {sandbox.name} ready in {state.seconds if state else 0.0:.1f} s")
    typer.echo(f"  rollouts sandbox exec --name {sandbox.name} -- kubectl get pods -A")


def _publish(sandbox: cluster.Sandbox, pairs: list[str]) -> None:
    mapping = {int(outer): int(inner) for outer, _, inner in (pair.partition(":") for pair in pairs)}
    sandbox.publish(mapping)
    for outer, inner in mapping.items():
        typer.echo(f"http://127.0.0.1:{outer} -> port {inner} of sandbox {sandbox.name}")


def _described(sandbox: backends.AnySandbox) -> dict[str, Any]:
    state = sandbox.state
    phase, message = "left over" if state is None else state.phase, ""
    try:
        if phase in {"ready", "starting"} and not sandbox.is_alive:
            phase = "dead"
    except SandboxError as error:  # one of kind, and kind is not there any more
        phase, message = "unknown", str(error)
    processes: dict[str, int] = {}
    if isinstance(sandbox, cluster.Sandbox) and sandbox.state:
        message, processes = sandbox.state.message, {"supervisor": sandbox.state.pid, **sandbox.state.processes}
    return {
        "name": sandbox.name,
        "backend": KIND if isinstance(sandbox, KindSandbox) else PROCESSES,
        "phase": phase,
        "directory": str(sandbox.directory),
        "message": message,
        "seconds": state.seconds if state else 0.0,
        "processes": processes,
        "kubeconfig": str(sandbox.kubeconfig),
    }


def _indented(message: str) -> str:
    return "".join(f"\n    {line}" for line in message.splitlines())


def _tell(sentence: str) -> None:
    typer.echo(sentence, err=True)


def _checked(action: Any) -> Any:
    try:
        return action()
    except (SandboxError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    app()
