"""`rollouts status`: wait for the end of a release, for scripts and pipelines."""

import asyncio
from datetime import timedelta
from typing import Annotated, Final

import typer

from rollouts.api.meta import Key
from rollouts.api.reasons import PHASE_DEGRADED, PHASE_HEALTHY
from rollouts.cli import live
from rollouts.cli.connection import Failure, complain, run
from rollouts.cli.goflags import GoCommand
from rollouts.cli.options import Context, Form, Kubeconfig, Names, Namespace, Output, Where, duration, only_name
from rollouts.cli.output import print_value
from rollouts.cli.views.model import RolloutView
from rollouts.kube.client import Client

DEGRADED: Final = 1
TIMED_OUT: Final = 3
NOT_ASKED: Final = 4


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("status", cls=GoCommand)
    def status(
        names: Names,
        *,
        watch: Annotated[
            bool,
            typer.Option("--watch/--no-watch", "-w/-W", help="Wait until Healthy or Degraded (--watch=false works)."),
        ] = True,
        timeout: Annotated[timedelta, duration("--timeout", "Such as 5m.", "none")] = timedelta(0),
        namespace: Namespace = "",
        output: Output = Form.TEXT,
        kubeconfig: Kubeconfig = None,
        context: Context = None,
    ) -> None:
        """Print the status, and each change of it until the release has ended well or badly.

        Exit code 0: Healthy (with --watch=false also Paused and Progressing). 1: Degraded. 3: --timeout is over.
        4: no such Rollout, or the API server cannot be asked.
        """
        name = only_name(names)

        async def command(client: Client, found: str) -> int:
            key = Key(found, name)
            if not watch:
                return _told(await live.observe(client, key), output)
            return await wait(client, key, timeout, output)

        raise typer.Exit(run(command, Where(namespace, kubeconfig, context), failure=NOT_ASKED))


async def wait(client: Client, key: Key, patience: timedelta, form: Form) -> int:
    """Wait for the end, no longer than *patience* (zero: for ever); returns the exit code."""
    try:
        async with asyncio.timeout(patience.total_seconds() or None):
            return await _ended(client, key, form)
    except TimeoutError:
        complain(Failure(f"Rollout {key.name!r} did not end within {patience.total_seconds():g} s"))
        return TIMED_OUT


async def _ended(client: Client, key: Key, form: Form) -> int:
    before = None
    async with live.following(client, key) as following:
        while (view := following.view()) is not None:
            seen = (view.phase, view.message)
            if seen != before:
                code, before = _told(view, form, is_one_of_many=True), seen
                if view.phase in {PHASE_HEALTHY, PHASE_DEGRADED}:
                    return code
            await following.changed()
    raise Failure(f"Rollout {key.name!r} in namespace {key.namespace!r} was deleted")


def _told(view: RolloutView, form: Form, *, is_one_of_many: bool = False) -> int:
    """Print phase and message; returns the exit code they mean."""
    if form is Form.TEXT:
        typer.echo(f"{view.phase} - {view.message}" if view.message else view.phase)
    else:
        value = {"namespace": view.namespace, "name": view.name, "phase": view.phase, "message": view.message}
        print_value(value, form, compact=is_one_of_many)
    return DEGRADED if view.phase == PHASE_DEGRADED else 0
