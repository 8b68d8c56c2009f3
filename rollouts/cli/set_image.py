"""`rollouts set image`: another image, in the Rollout or in the object whose template it uses."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
import typer

from rollouts.api.kinds import POD_TEMPLATE, ROLLOUT
from rollouts.api.meta import Key, Ref
from rollouts.cli import verbs
from rollouts.cli.connection import Failure, run
from rollouts.cli.goflags import GoCommand
from rollouts.cli.options import Context, Form, Kubeconfig, Namespace, Output, Where, names_of
from rollouts.cli.templates import template_of
from rollouts.cli.verbs import Effect
from rollouts.kube.client import Client
from rollouts.kube.errors import Conflict

TRIES: Final = 5
LISTS: Final = ("initContainers", "containers", "ephemeralContainers")
EVERY: Final = "*"

Images = Mapping[str, str]


def register(app: typer.Typer) -> None:
    """Add the group `set`, which has one command."""
    group = typer.Typer(no_args_is_help=True, help="Change one thing of a Rollout.")
    app.add_typer(group, name="set")

    @group.callback()
    def _group() -> None:
        """Change one thing of a Rollout."""

    @group.command("image", cls=GoCommand)
    def image(
        words: Annotated[
            list[str], typer.Argument(metavar="ROLLOUT CONTAINER=IMAGE...", help="CONTAINER * is every container.")
        ],
        *,
        namespace: Namespace = "",
        output: Output = Form.TEXT,
        kubeconfig: Kubeconfig = None,
        context: Context = None,
    ) -> None:
        """Give containers another image, which begins a release: `rollouts set image web app=registry/app:v2`.

        With workloadRef the image is set in the object it names. Exit code 0; 1 where there is no such Rollout or
        container, or the API server refuses.
        """
        name, images = _parsed(names_of(words))

        async def command(client: Client, found: str) -> None:
            key = Key(found, name)
            verbs.tell(key, await set_images(client, key, images), output)

        run(command, Where(namespace, kubeconfig, context))


def _parsed(words: list[str]) -> tuple[str, Images]:
    name, *pairs = words
    if not pairs or "=" in name:
        raise typer.BadParameter("names a Rollout and CONTAINER=IMAGE, such as: web app=registry/app:v2")
    images: dict[str, str] = {}
    for pair in pairs:
        container, _, image = pair.partition("=")
        if not container or not image:
            raise typer.BadParameter(f"{pair!r} is not CONTAINER=IMAGE")
        images[container] = image
    return name, images


async def set_images(client: Client, key: Key, images: Images) -> Effect:
    """Read, change and write the template; again where somebody else wrote in between."""
    for _ in range(TRIES):
        try:
            return await _set_images(client, key, images)
        except Conflict:
            continue
    raise Failure(f"Rollout {key.name!r} was changed by others {TRIES} times meanwhile: try again")


async def _set_images(client: Client, key: Key, images: Images) -> Effect:
    ref, found = await template_of(client, key)
    pod_spec = (found if ref.kind == POD_TEMPLATE else found["spec"])["template"]["spec"]
    before = msgspec.json.encode(found)
    _change(pod_spec, images, ref)
    if msgspec.json.encode(found) == before:
        return Effect("keeps its images", "they are what was asked for already")
    await client.update(ref.kind, ref.key, found)
    return Effect("image updated" if ref.kind == ROLLOUT else f"image updated in {ref.kind.name} '{ref.name}'")


def _change(pod_spec: dict[str, Any], images: Images, ref: Ref) -> None:
    """Set *images* in place. Raises Failure for a container that is not there."""
    containers = [container for field in LISTS for container in pod_spec.get(field) or ()]
    known = [container["name"] for container in containers]
    unknown = [name for name in images if name != EVERY and name not in known]
    if unknown:
        raise Failure(f"{ref.kind.name} {ref.name!r} has no container {unknown[0]!r}: it has {', '.join(known)}")
    for container in containers:
        image = images.get(container["name"], images.get(EVERY))
        if image is not None:
            container["image"] = image
