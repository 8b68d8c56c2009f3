"""`rollouts explain`: what the controller thinks of a Rollout, without doing any of it."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from rollouts.api.meta import Key
from rollouts.cli.connection import Failure, complain, run
from rollouts.cli.goflags import GoCommand
from rollouts.cli.live import now
from rollouts.cli.options import Context, Form, Kubeconfig, Namespace, Output, Where, duration, only_name
from rollouts.cli.output import print_lines, print_value
from rollouts.cli.reading import DEFAULT_SETTLE, Moment, Settle, read
from rollouts.cli.rehearsal import rehearse
from rollouts.cli.snapshotfile import load
from rollouts.cli.views.explain import explained, explanation, verdict
from rollouts.kube.client import Client
from rollouts.planner.rollout import plan

CODES: Final = {"settled": 0, "act": 1, "invalid": 3}
NOT_ASKED: Final = 4


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("explain", cls=GoCommand)
    def explain(
        names: Annotated[list[str] | None, typer.Argument(metavar="[ROLLOUT]", help="Its name.")] = None,
        *,
        file: Annotated[
            Path | None, typer.Option("--filename", "-f", help="What `rollouts snapshot` wrote, not a cluster.")
        ] = None,
        namespace: Namespace = "",
        output: Output = Form.TEXT,
        nginx_settle: Annotated[
            timedelta, duration("--nginx-settle", "As the controller's flag.", "2s")
        ] = DEFAULT_SETTLE["nginx"],
        gateway_settle: Annotated[
            timedelta, duration("--gateway-settle", "As the controller's flag.", "0s")
        ] = DEFAULT_SETTLE["gatewayAPI"],
        kubeconfig: Kubeconfig = None,
        context: Context = None,
    ) -> None:
        """Say what the controller makes of a Rollout now: reasons, what it would write, when it looks next.

        Only reads. Exit code 0: nothing to do. 1: it would act. 3: the specification is invalid. 4: there is no such
        Rollout, or the API server or the file cannot be read.
        """
        if (names is None) == (file is None):
            raise typer.BadParameter("takes the name of a Rollout, or --filename")
        settle = {"nginx": nginx_settle, "gatewayAPI": gateway_settle}
        if file is not None:
            moment = _from_file(file, settle)
        else:
            moment = _from_cluster(only_name(names or []), Where(namespace, kubeconfig, context), settle)
        raise typer.Exit(asyncio.run(tell(moment, output)))


def _from_cluster(name: str, where: Where, settle: Settle) -> Moment:
    async def command(client: Client, namespace: str) -> Moment:
        return await read(client, Key(namespace, name), now(), settle)

    return run(command, where, failure=NOT_ASKED)


def _from_file(file: Path, settle: Settle) -> Moment:
    try:
        return load(file.read_text(encoding="utf-8"), settle)
    except (Failure, OSError, UnicodeDecodeError) as error:
        complain(error)
        raise typer.Exit(NOT_ASKED) from None


async def tell(moment: Moment, form: Form) -> int:
    """Plan, print, and return the exit code."""
    decided = plan(moment.snapshot, moment.at)
    writes = await rehearse(decided, moment.snapshot)
    if form is Form.TEXT:
        print_lines(explained(moment.snapshot, decided, writes))
    else:
        print_value(explanation(moment.snapshot, decided, writes), form)
    return CODES[verdict(moment.snapshot, writes)]
