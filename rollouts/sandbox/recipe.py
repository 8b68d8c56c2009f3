"""What goes into a sandbox of kind: images, and how the chart is installed. Pure."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

APPLICATION: Final = "web"
VERSIONS: Final = ("v1", "v2", "v3-errors5")
NAMESPACE: Final = "argo-rollouts"


class Image(NamedTuple):
    """One image to build: its name, the stage of the Dockerfile, and the arguments of the build."""

    name: str
    stage: str
    arguments: tuple[str, ...] = ()


class Recipe(NamedTuple):
    """What a sandbox of kind is made from.

    *checkout* has the Dockerfile; None where the engine has the controller's image already. *chart* is a directory or a
    reference that helm knows. *controller* is the controller's image.
    """

    checkout: Path | None
    chart: str
    controller: str
    application: str = APPLICATION

    def images(self) -> Iterator[Image]:
        """Everything the cluster's nodes are given, in the order in which it is built.

        The application only where it can be built.
        """
        yield Image(self.controller, "controller")
        if self.checkout is None:
            return
        for version in VERSIONS:
            yield Image(f"{self.application}:{version}", "application", (f"VERSION={version}",))

    def installation(self, kubeconfig: str, seconds: int) -> list[str]:
        """Arguments of helm; returns when the controller is ready, or fails after *seconds*."""
        repository, _, tag = self.controller.rpartition(":")
        # never pulled: the image is on the node, and nowhere else
        values = {"image.repository": repository, "image.tag": tag, "image.pullPolicy": "Never"}
        given = [word for name, value in values.items() for word in ("--set-string", f"{name}={value}")]
        place = ["--namespace", NAMESPACE, "--create-namespace", "--kubeconfig", kubeconfig]
        return ["upgrade", "--install", "rollouts", self.chart, *place, *given, "--wait", "--timeout", f"{seconds}s"]
