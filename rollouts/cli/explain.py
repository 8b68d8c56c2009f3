"""`rollouts explain`: what the controller thinks of a Rollout, without doing any of it."""

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer

from rollouts.api.meta import Key
from rollouts.cli.connection import Failure, complain, run
from rollouts.cli.goflags import GoCommand
from rollouts.cli.live import now
from rollouts.cli.options import Context, Form, Kubeconfig, Namespace, Output, Where, only_name
from rollouts.cli.output import print_lines, print_value
from rollouts.cli.reading import Moment, read
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
        kubeconfig: Kubeconfig = None,
        context: Context = None,
    ) -> None:
        """Say what the controller makes of a Rollout now: reasons, what it would write, when it looks next.

        Only reads. Exit code 0: nothing to do. 1: it would act. 3: the specification is invalid. 4: there is no such
        Rollout, or the API server or the file cannot be read.
        """
        if (names is None) == (file is None):
            raise typer.BadParameter("takes the name of a Rollout, or --filename")
        raise typer.Exit(asyncio.run(tell(_moment(names, file, Where(namespace, kubeconfig, context)), output)))


def _moment(names: list[str] | None, file: Path | None, where: Where) -> Moment:
    if file is not None:
        return _from_file(file)
    name = only_name(names or [])

    async def command(client: Client, namespace: str) -> Moment:
        return await read(client, Key(namespace, name), now())

    return run(command, where, failure=NOT_ASKED)


def _from_file(file: Path) -> Moment:
    try:
        return load(file.read_text(encoding="utf-8"))
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
