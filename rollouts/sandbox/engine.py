"""Programs that a sandbox of kind is made with and that cannot be built here: a container engine's client, and kind."""

import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from rollouts.sandbox.errors import Missing, SandboxError
from rollouts.sandbox.recipe import Image, Recipe

_ENGINE_SECONDS: Final = 20
_WAYS: Final = {
    "docker": "a client of Docker, or of another engine under that name",
    "kind": "`go install sigs.k8s.io/kind@latest`",
}
_END: Final = 2000


def engine_complaint() -> str:
    """Why no container engine answers, in a line; "" when one does. A client alone is not enough."""
    docker = shutil.which("docker")
    if docker is None:
        return "there is no `docker` on PATH"
    try:
        asked = subprocess.run(
            [docker, "info", "--format", "{{.ServerVersion}}"],
            capture_output=True, text=True, check=False, timeout=_ENGINE_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"`docker info` says nothing for {_ENGINE_SECONDS} s"
    if asked.returncode == 0 and asked.stdout.strip():
        return ""
    return f"`docker info`: {_last_line(asked.stderr) or 'no server'}"


def build_images(recipe: Recipe, tell: Callable[[str], None]) -> list[Image]:
    """Build them from the checkout, if there is one; what the cluster is to be given."""
    images = list(recipe.images())
    if recipe.checkout is None:
        return images
    for image in images:
        tell(f"building the image {image.name}")
        run(_building(image, recipe.checkout))
    return images


def load_images(cluster: str, images: Iterable[Image], tell: Callable[[str], None]) -> None:
    """Put images of the engine onto the nodes of a cluster of kind."""
    for image in images:
        tell(f"loading the image {image.name}")
        run([program("kind"), "load", "docker-image", image.name, "--name", cluster])


def program(name: str) -> str:
    """Where a program is; raises Missing."""
    found = shutil.which(name)
    if found is None:
        raise Missing(f"{name} not found on PATH, which --backend kind needs: {_WAYS[name]}")
    return found


def run(argv: Sequence[str]) -> str:
    """What a program prints; raises SandboxError with the end of what it said when it fails."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        said = f"{done.stdout}{done.stderr}".strip()[-_END:]
        raise SandboxError(f"{' '.join([Path(argv[0]).name, *argv[1:]])} failed with {done.returncode}:\n{said}")
    return done.stdout


def _building(image: Image, checkout: Path) -> list[str]:
    arguments = [word for argument in image.arguments for word in ("--build-arg", argument)]
    return [program("docker"), "build", "--target", image.stage, *arguments, "--tag", image.name, str(checkout)]


def _last_line(text: str) -> str:
    return next(reversed(text.strip().splitlines()), "")
