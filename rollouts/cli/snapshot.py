"""`rollouts snapshot`: the facts of a decision as a file, for a bug report or for `explain -f`."""

import typer

from rollouts.api.meta import Key
from rollouts.cli.connection import run
from rollouts.cli.goflags import GoCommand
from rollouts.cli.live import now
from rollouts.cli.options import Context, Kubeconfig, Names, Namespace, Where, only_name
from rollouts.cli.reading import Moment, read
from rollouts.cli.snapshotfile import dump
from rollouts.kube.client import Client


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("snapshot", cls=GoCommand)
    def snapshot(
        names: Names,
        *,
        namespace: Namespace = "",
        kubeconfig: Kubeconfig = None,
        context: Context = None,
    ) -> None:
        """Print, as YAML, all that a decision about a Rollout depends on: `rollouts snapshot web > bug.yaml`.

        Secrets are not read; values of environment variables and of web metrics' headers are hidden. `explain -f`
        takes the file. Exit code 0; 1 where there is no such Rollout or the API server cannot be asked.
        """
        name = only_name(names)

        async def command(client: Client, found: str) -> Moment:
            return await read(client, Key(found, name), now())

        typer.echo(dump(run(command, Where(namespace, kubeconfig, context))), nl=False)
