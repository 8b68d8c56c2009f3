"""`rollouts abort`."""

import typer

from rollouts.api.rollout import Rollout
from rollouts.cli import verbs
from rollouts.cli.goflags import GoCommand
from rollouts.cli.options import Context, Form, Kubeconfig, Names, Namespace, Output, Where, names_of


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("abort", cls=GoCommand)
    def abort(
        names: Names,
        *,
        namespace: Namespace = "",
        output: Output = Form.TEXT,
        kubeconfig: Kubeconfig = None,
        context: Context = None,
    ) -> None:
        """Take a release back: all traffic to the stable revision, then the new pods go.

        The Rollout is Degraded until it is retried, or gets another template (the stable one ends it at once).
        Exit code 0; 1 where there is no such Rollout or the API server refuses.
        """
        where = Where(namespace, kubeconfig, context)
        verbs.order(names_of(names), verbs.ABORT, _effect, where=where, form=output)


def _effect(rollout: Rollout) -> verbs.Effect:
    return verbs.Effect("aborted", verbs.nothing_in_flight(rollout))
