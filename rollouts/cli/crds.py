"""`rollouts crds`: the CustomResourceDefinitions, to be applied or to be read."""

import asyncio
from typing import Annotated, Any, Final

import typer
import yaml

from rollouts.api.crds import DEFINITIONS, crd
from rollouts.api.kinds import CUSTOM_RESOURCE_DEFINITION
from rollouts.api.meta import Key
from rollouts.cli.generate import Plain
from rollouts.kube.access import AccessError
from rollouts.kube.client import Client, Content
from rollouts.kube.errors import ApiError
from rollouts.settings import release

MANAGER: Final = "rollouts-crds"

crds: Final = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="The kinds that are served.")


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    app.add_typer(crds, name="crds")


@crds.command("print")
def print_() -> None:
    """Print them as YAML, for `kubectl apply --server-side -f -`."""
    typer.echo(yaml.dump_all(manifests(), Dumper=Plain, sort_keys=False, allow_unicode=True, width=120), nl=False)


@crds.command()
def apply(
    *,
    kubeconfig: Annotated[str | None, typer.Option(help="Else $KUBECONFIG, or ~/.kube/config.")] = None,
    context: Annotated[str | None, typer.Option(help="Context of the kubeconfig.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be applied.")] = False,
) -> None:
    """Apply them to a cluster, server-side. Exit code 1 where the API server refuses one."""
    if dry_run:
        for manifest in manifests():
            typer.echo(f"would apply {manifest['metadata']['name']}")
        return
    try:
        asyncio.run(_apply(manifests(), kubeconfig, context))
    except (ApiError, AccessError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None


def manifests() -> list[dict[str, Any]]:
    """All of them, made from the models as the files in `crds/` are: an installed package needs no files."""
    return sorted((crd(definition) for definition in DEFINITIONS), key=lambda one: str(one["metadata"]["name"]))


async def _apply(definitions: list[dict[str, Any]], kubeconfig: str | None, context: str | None) -> None:
    async with Client.connect(kubeconfig=kubeconfig, context=context, user_agent=f"rollouts/{release()}") as client:
        for manifest in definitions:
            key = Key("", manifest["metadata"]["name"])
            await client.patch(
                CUSTOM_RESOURCE_DEFINITION, key, manifest, content=Content.APPLY, field_manager=MANAGER, force=True
            )
            typer.echo(f"applied {key.name}")
