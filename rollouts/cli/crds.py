"""`rollouts crds`: the CustomResourceDefinitions, to be applied or to be read."""

import asyncio
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml

import rollouts
from rollouts.api.kinds import CUSTOM_RESOURCE_DEFINITION
from rollouts.api.meta import Key
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
    typer.echo("---\n".join(path.read_text(encoding="utf-8") for path in definitions()), nl=False)


@crds.command()
def apply(
    *,
    kubeconfig: Annotated[str | None, typer.Option(help="Else $KUBECONFIG, or ~/.kube/config.")] = None,
    context: Annotated[str | None, typer.Option(help="Context of the kubeconfig.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be applied.")] = False,
) -> None:
    """Apply them to a cluster, server-side. Exit code 1 where the API server refuses one."""
    manifests = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in definitions()]
    if dry_run:
        for manifest in manifests:
            typer.echo(f"would apply {manifest['metadata']['name']}")
        return
    try:
        asyncio.run(_apply(manifests, kubeconfig, context))
    except (ApiError, AccessError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None


def definitions() -> list[Path]:
    """The files: beside an installed package, or in the repository. Raises FileNotFoundError where neither has them."""
    package = Path(str(files(rollouts)))
    for directory in (package / "crds", package.parent / "crds"):
        if found := sorted(directory.glob("*.yaml")):
            return found
    raise FileNotFoundError(f"no CRDs in {package / 'crds'} or {package.parent / 'crds'}")


async def _apply(manifests: list[dict[str, Any]], kubeconfig: str | None, context: str | None) -> None:
    async with Client.connect(kubeconfig=kubeconfig, context=context, user_agent=f"rollouts/{release()}") as client:
        for manifest in manifests:
            key = Key("", manifest["metadata"]["name"])
            await client.patch(
                CUSTOM_RESOURCE_DEFINITION, key, manifest, content=Content.APPLY, field_manager=MANAGER, force=True
            )
            typer.echo(f"applied {key.name}")
