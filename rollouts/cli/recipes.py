"""What a sandbox of kind is made from: this checkout, or what the person names."""

from pathlib import Path
from typing import Final

import rollouts
from rollouts.sandbox.errors import SandboxError
from rollouts.sandbox.recipe import Recipe
from rollouts.settings import release

_CHECKOUT: Final = Path(rollouts.__file__).parent.parent


def recipe(image: str, chart: str, checkout: Path = _CHECKOUT) -> Recipe:
    """Images built from *checkout* unless *image* is given; raises SandboxError where there is nothing to build."""
    has_sources = (checkout / "Dockerfile").is_file()
    if not has_sources and not (image and chart):
        raise SandboxError(
            "--backend kind builds the images and takes the chart from a checkout of the repository, and this is an "
            "installed package: give --image (one that docker has, with its tag) and --chart, or run it in a checkout"
        )
    if image and ":" not in image.rpartition("/")[2]:
        raise SandboxError(f"--image {image}: give its tag too, {image}:TAG")
    built = None if image else checkout
    return Recipe(built, chart or str(checkout / "charts/rollouts"), image or f"rollouts:{release()}")
