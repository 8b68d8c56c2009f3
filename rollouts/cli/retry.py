"""`rollouts retry`: an aborted release, or an experiment, from the beginning."""

from typing import Final

import typer

from rollouts.api.kinds import EXPERIMENT
from rollouts.api.meta import Json, Key
from rollouts.api.rollout import Rollout
from rollouts.cli import verbs
from rollouts.cli.connection import FIELD_MANAGER, Failure, run
from rollouts.cli.goflags import GoCommand
from rollouts.cli.options import Context, Form, Kubeconfig, Names, Namespace, Output, Where, names_of
from rollouts.cli.output import print_value
from rollouts.kube.client import Client
from rollouts.kube.errors import NotFound

EXPERIMENTS: Final = frozenset({"experiment", "experiments", "exp"})
# Experiments have no status subresource: what is retried has no status, like one that is new.
ANEW: Final[Json] = {"status": None}


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

        `retry experiment NAME` starts an experiment again. Exit code 0; 1 where there is none of that name or the API
        server refuses.
        """
        where = Where(namespace, kubeconfig, context)
        if len(names) > 1 and names[0] in EXPERIMENTS:
            _retry_experiments(names[1:], where, output)
        else:
            verbs.order(names_of(names), verbs.RETRY, _effect, where=where, form=output)


def _retry_experiments(names: list[str], where: Where, form: Form) -> None:
    async def command(client: Client, namespace: str) -> None:
        for name in names:
            key = Key(namespace, name)
            try:
                await client.patch(EXPERIMENT, key, ANEW, field_manager=FIELD_MANAGER)
            except NotFound:
                raise Failure(f"there is no Experiment {name!r} in namespace {namespace!r}") from None
            _tell(key, form)

    run(command, where)


def _tell(key: Key, form: Form) -> None:
    if form is Form.TEXT:
        typer.echo(f"experiment '{key.name}' retried")
    else:
        print_value({"kind": "experiment", "namespace": key.namespace, "name": key.name, "done": "retried"}, form)


def _effect(rollout: Rollout) -> verbs.Effect:
    return verbs.Effect("retried", _remark(rollout))


def _remark(rollout: Rollout) -> str:
    if verbs.is_aborted(rollout):
        return ""
    return verbs.nothing_in_flight(rollout) or "it was not aborted, so the release goes on as it was"
