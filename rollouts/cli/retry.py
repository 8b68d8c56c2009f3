"""`rollouts retry`."""

import typer

from rollouts.api.rollout import Rollout
from rollouts.cli import verbs
from rollouts.cli.goflags import GoCommand
from rollouts.cli.options import Context, Form, Kubeconfig, Names, Namespace, Output, Where, names_of


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("retry", cls=GoCommand)
    def retry(
        names: Names,
        *,
        namespace: Namespace = "",
        output: Output = Form.TEXT,
        kubeconfig: Kubeconfig = None,
        context: Context = None,
    ) -> None:
        """Start an aborted release again, from its first step. `retry rollout NAME` is the same.

        Exit code 0; 1 where there is no such Rollout or the API server refuses.
        """
        where = Where(namespace, kubeconfig, context)
        verbs.order(names_of(names), verbs.RETRY, _effect, where=where, form=output)


def _effect(rollout: Rollout) -> verbs.Effect:
    return verbs.Effect("retried", _remark(rollout))


def _remark(rollout: Rollout) -> str:
    if verbs.is_aborted(rollout):
        return ""
    return verbs.nothing_in_flight(rollout) or "it was not aborted, so the release goes on as it was"
