"""`rollouts pause`."""

import typer

from rollouts.api.rollout import Rollout
from rollouts.cli import verbs
from rollouts.cli.goflags import GoCommand
from rollouts.cli.options import Context, Form, Kubeconfig, Names, Namespace, Output, Where, names_of


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("pause", cls=GoCommand)
    def pause(
        names: Names,
        *,
        namespace: Namespace = "",
        output: Output = Form.TEXT,
        kubeconfig: Kubeconfig = None,
        context: Context = None,
    ) -> None:
        """Hold a release where it is, and hold back new ones, until it is promoted.

        Exit code 0; 1 where there is no such Rollout or the API server refuses.
        """
        where = Where(namespace, kubeconfig, context)
        verbs.order(names_of(names), verbs.PAUSE, _effect, where=where, form=output)


def _effect(_: Rollout) -> verbs.Effect:
    return verbs.Effect("paused")
