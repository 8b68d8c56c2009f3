"""`rollouts list`: the Rollouts of a namespace, or of all."""

from typing import Annotated

import typer

from rollouts.cli import live
from rollouts.cli.connection import Failure, run
from rollouts.cli.goflags import GoCommand
from rollouts.cli.options import NOUNS, Context, Form, Kubeconfig, Namespace, Output, Where
from rollouts.cli.output import glyphs_of, print_lines, print_value
from rollouts.cli.views.listing import listing
from rollouts.cli.views.model import RolloutView, as_json
from rollouts.kube.client import Client
from rollouts.kube.errors import NotFound


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("list", cls=GoCommand)
    def list_(
        noun: Annotated[str | None, typer.Argument(metavar="[rollouts]", help="May be left out.")] = None,
        *,
        everywhere: Annotated[bool, typer.Option("--all-namespaces", "-A", help="Of every namespace.")] = False,
        namespace: Namespace = "",
        output: Output = Form.TEXT,
        kubeconfig: Kubeconfig = None,
        context: Context = None,
    ) -> None:
        """List Rollouts: strategy, status, step, weight wanted and actual, pods.

        Exit code 0, also where there is none; 1 where the API server cannot be asked.
        """
        if noun not in {None, *NOUNS}:
            raise typer.BadParameter(f"lists rollouts, not {noun!r}; `rollouts get {noun}` shows one")

        async def command(client: Client, found: str) -> tuple[str, list[RolloutView]]:
            wanted = "" if everywhere else found
            try:
                return wanted, await live.observe_all(client, wanted)
            except NotFound:
                raise Failure(
                    "this cluster does not serve Rollouts: `rollouts crds apply` installs the kinds"
                ) from None

        wanted, views = run(command, Where(namespace, kubeconfig, context))
        show(views, wanted, output)


def show(views: list[RolloutView], namespace: str, form: Form) -> None:
    """Print the table; *namespace* is "" for all."""
    if form is not Form.TEXT:
        print_value([as_json(view) for view in views], form)
    elif views:
        print_lines(listing(views, glyphs_of(), with_namespace=not namespace))
    else:
        typer.echo(f"no Rollouts in namespace {namespace!r}" if namespace else "no Rollouts", err=True)
