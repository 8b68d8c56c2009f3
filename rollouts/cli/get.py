"""`rollouts get`: one Rollout, its revisions, pods and analyses, once or live."""

from typing import Annotated

import typer
from rich.live import Live

from rollouts.api.meta import Key
from rollouts.cli import live
from rollouts.cli.connection import Failure, run
from rollouts.cli.goflags import GoCommand
from rollouts.cli.options import Context, Form, Kubeconfig, Names, Namespace, Output, Where, only_name
from rollouts.cli.output import console, glyphs_of, is_live, print_lines, print_value
from rollouts.cli.views.changes import changes
from rollouts.cli.views.model import RolloutView, as_json
from rollouts.cli.views.tree import page
from rollouts.kube.client import Client
from rollouts.wire.durations import rfc3339

# How often ages and countdowns are drawn anew, in seconds.
TICK = 1.0


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("get", cls=GoCommand)
    def get(
        names: Names,
        *,
        watch: Annotated[bool, typer.Option("--watch/--no-watch", "-w", help="Show changes until Ctrl-C.")] = False,
        namespace: Namespace = "",
        output: Output = Form.TEXT,
        kubeconfig: Kubeconfig = None,
        context: Context = None,
    ) -> None:
        """Show a Rollout: status, step, weights, images, and the tree of its revisions, pods and analyses.

        With --watch the tree is redrawn on a terminal; elsewhere a line is added for each change, and with JSON or
        YAML a document. Exit code 0; 1 where there is no such Rollout, it was deleted while watched, or the API
        server cannot be asked; 130 after Ctrl-C.
        """
        name = only_name(names)

        async def command(client: Client, found: str) -> None:
            key = Key(found, name)
            if watch:
                await follow(client, key, output)
            else:
                show(await live.observe(client, key), output)

        run(command, Where(namespace, kubeconfig, context))


def show(view: RolloutView, form: Form, *, is_one_of_many: bool = False) -> None:
    """Print the whole view."""
    if form is Form.TEXT:
        print_lines(page(view, glyphs_of()))
    else:
        print_value(as_json(view), form, compact=is_one_of_many)


async def follow(client: Client, key: Key, form: Form) -> None:
    """Show the Rollout until it is gone, which is a Failure, or somebody interrupts."""
    async with live.following(client, key) as following:
        await (redraw(following) if form is Form.TEXT and is_live() else append(following, form))
    raise Failure(f"Rollout {key.name!r} in namespace {key.namespace!r} was deleted")


async def redraw(following: live.Following) -> None:
    """Draw the tree anew with every change and every second, until the Rollout is gone."""
    with Live(console=console(), auto_refresh=False, vertical_overflow="ellipsis") as screen:
        while (view := following.view()) is not None:
            screen.update(live.tree(view), refresh=True)
            await following.changed(within=TICK)


async def append(following: live.Following, form: Form) -> None:
    """Show the whole once, then what changes, until the Rollout is gone."""
    before: RolloutView | None = None
    while (view := following.view()) is not None:
        if before is None:
            show(view, form, is_one_of_many=True)
        elif said := changes(before, view):
            _say(said, view, form)
        before = view
        await following.changed()


def _say(said: list[str], view: RolloutView, form: Form) -> None:
    if form is not Form.TEXT:
        show(view, form, is_one_of_many=True)
        return
    for sentence in said:
        typer.echo(f"{rfc3339(view.at)}  {sentence}")
