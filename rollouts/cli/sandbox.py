"""`rollouts sandbox`: a real cluster on this machine, without docker."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

import rollouts
from rollouts.sandbox import cluster
from rollouts.sandbox.errors import SandboxError
from rollouts.sandbox.load import Load, Target
from rollouts.sandbox.places import directory_of
from rollouts.sandbox.state import PROMETHEUS_ADDRESS, Options
from rollouts.sandbox.tally import Report

app: Final = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, help="A real cluster on this machine, without docker."
)

Name = Annotated[str, typer.Option("--name", "-n", help="Which sandbox; several run side by side.")]
Found = Annotated[str | None, typer.Option("--name", "-n", help="Which sandbox (else the one we are in, or default).")]
_REPOSITORY: Final = Path(rollouts.__file__).parent.parent
_CRDS: Final = _REPOSITORY / "crds"
_CLUSTER_ROLE: Final = _REPOSITORY / "charts/rollouts/templates/clusterrole.yaml"


@app.command()
def up(
    *,
    name: Name = "default",
    pod_ready_seconds: Annotated[float, typer.Option(min=0, help="From a pod's creation to Ready.")] = 1.0,
    crds: Annotated[Path | None, typer.Option(help="Directory of further CRDs (else the repository's).")] = None,
    cluster_role: Annotated[
        Path | None, typer.Option(help="File with the controller's ClusterRole (else the chart's).")
    ] = None,
    prometheus_address: Annotated[str, typer.Option(help="Where Prometheus listens, inside.")] = PROMETHEUS_ADDRESS,
    empty_prometheus: Annotated[
        bool, typer.Option("--empty-prometheus", help="A second one without targets, 127.0.0.1:19090.")
    ] = False,
    publish: Annotated[list[str] | None, typer.Option(help="OUTER:INNER, a port to reach on 127.0.0.1.")] = None,
) -> None:
    """Start a sandbox: API server, controllers, Traefik, Prometheus and pods that really answer.

    Programs that are not on this machine are built or downloaded once, into a cache. What a killed `up` left behind
    is cleared first.
    """
    options = Options(
        pod_ready_seconds=pod_ready_seconds,
        crds=crds or _existing(_CRDS),
        cluster_role=cluster_role or _existing(_CLUSTER_ROLE),
        prometheus_address=prometheus_address,
        empty_prometheus=empty_prometheus,
    )
    sandbox = _checked(lambda: cluster.up(name, options, _tell))
    state = sandbox.state
    seconds = state.seconds if state else 0.0
    typer.echo(f"sandbox {name} ready in {seconds:.1f} s")
    if publish:
        _checked(lambda: _publish(sandbox, publish))
    typer.echo(f"  rollouts sandbox exec --name {name} -- kubectl get pods -A")


@app.command()
def down(
    *,
    name: Name = "default",
    every: Annotated[bool, typer.Option("--all", help="Every sandbox of this user.")] = False,
) -> None:
    """End a sandbox and whatever runs in it; nothing of it stays. One that is not there is no error."""
    for sandbox in cluster.sandboxes() if every else [cluster.Sandbox(directory_of(name))]:
        _checked(sandbox.down)
        typer.echo(f"sandbox {sandbox.name} is gone")


@app.command()
def status(
    output: Annotated[str, typer.Option("--output", "-o", help="text or json")] = "text",
) -> None:
    """List the sandboxes of this user. Exit code 0 when at least one is up, 1 when none is."""
    described = [_described(sandbox) for sandbox in cluster.sandboxes()]
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
    """Run a command inside a sandbox, with KUBECONFIG, PATH and ROLLOUTS_SANDBOX set. Its exit code is ours."""
    sandbox = _checked(lambda: cluster.Sandbox.load(name))
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
    _checked(lambda: _publish(cluster.Sandbox.load(name), ports))


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
    sandbox = _checked(lambda: cluster.Sandbox.load(name))
    command = [sys.executable, "-m", "rollouts.cli.sandbox", *sys.argv[sys.argv.index("load") :]]
    entering = _checked(lambda: sandbox.command(command))
    if entering != command:
        os.execvpe(entering[0], entering, sandbox.environment())  # noqa: S606 (our own command)


async def _loaded(target: Target) -> Report:
    async with Load(target) as running:
        await running.finished()
    return running.report()


def _publish(sandbox: cluster.Sandbox, pairs: list[str]) -> None:
    mapping = {int(outer): int(inner) for outer, _, inner in (pair.partition(":") for pair in pairs)}
    sandbox.publish(mapping)
    for outer, inner in mapping.items():
        typer.echo(f"http://127.0.0.1:{outer} -> port {inner} of sandbox {sandbox.name}")


def _described(sandbox: cluster.Sandbox) -> dict[str, Any]:
    state = sandbox.state
    phase = "left over" if state is None else state.phase
    if phase in {"ready", "starting"} and not sandbox.is_alive:
        phase = "dead"
    return {
        "name": sandbox.name,
        "phase": phase,
        "directory": str(sandbox.directory),
        "message": state.message if state else "",
        "seconds": state.seconds if state else 0.0,
        "processes": {"supervisor": state.pid, **state.processes} if state else {},
        "kubeconfig": str(sandbox.kubeconfig),
    }


def _existing(path: Path) -> Path | None:
    return path if path.exists() else None


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
