"""`rollouts terminate`: end an analysis run or an experiment early."""

from typing import Annotated, Final

import typer

from rollouts.api.kinds import ANALYSIS_RUN, EXPERIMENT
from rollouts.api.meta import Key, Kind
from rollouts.cli.connection import FIELD_MANAGER, Failure, run
from rollouts.cli.goflags import GoCommand
from rollouts.cli.options import Context, Form, Kubeconfig, Namespace, Output, Where
from rollouts.cli.output import print_value
from rollouts.kube.client import Client
from rollouts.kube.errors import NotFound

KINDS: Final[dict[str, Kind]] = {
    **dict.fromkeys(("analysisrun", "analysisruns", "ar"), ANALYSIS_RUN),
    **dict.fromkeys(("experiment", "experiments", "exp"), EXPERIMENT),
}
TERMINATE: Final = {"spec": {"terminate": True}}


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("terminate", cls=GoCommand)
    def terminate(
        kind: Annotated[str, typer.Argument(metavar="KIND", help="analysisrun or experiment.")],
        names: Annotated[list[str], typer.Argument(metavar="NAME", help="Its name; there may be several.")],
        *,
        namespace: Namespace = "",
        output: Output = Form.TEXT,
        kubeconfig: Kubeconfig = None,
        context: Context = None,
    ) -> None:
        """End an analysis run or an experiment early; what it has measured so far decides.

        Exit code 0; 1 where there is none of that name or the API server refuses.
        """
        found = KINDS.get(kind)
        if found is None:
            raise typer.BadParameter(f"{kind!r} is not one of analysisrun, experiment")

        async def command(client: Client, here: str) -> None:
            for name in names:
                await _terminate(client, found, Key(here, name))
                _tell(found, Key(here, name), output)

        run(command, Where(namespace, kubeconfig, context))


async def _terminate(client: Client, kind: Kind, key: Key) -> None:
    try:
        await client.patch(kind, key, TERMINATE, field_manager=FIELD_MANAGER)
    except NotFound:
        raise Failure(f"there is no {kind.name} {key.name!r} in namespace {key.namespace!r}") from None


def _tell(kind: Kind, key: Key, form: Form) -> None:
    noun = kind.name.lower()
    if form is Form.TEXT:
        typer.echo(f"{noun} '{key.name}' terminated")
    else:
        print_value({"kind": noun, "namespace": key.namespace, "name": key.name, "done": "terminated"}, form)
