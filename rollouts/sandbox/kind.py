"""A sandbox of the other make: a cluster of kind, where a container engine answers.

Thin on purpose: create, load images, install the chart, delete. It has no proxy, no Prometheus and no made-up pods;
what runs in it are real containers.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from rollouts.sandbox import binaries
from rollouts.sandbox.engine import build_images, engine_complaint, load_images, program, run
from rollouts.sandbox.errors import SandboxError
from rollouts.sandbox.launch import locked
from rollouts.sandbox.places import directory_of
from rollouts.sandbox.recipe import Recipe

Tell = Callable[[str], None]

_STATE: Final = "kind.json"
_READY_SECONDS: Final = 180


class KindState(msgspec.Struct, frozen=True):
    """How one is, as kept in its directory. *phase*: starting or ready."""

    name: str
    phase: str
    seconds: float = 0.0


class KindSandbox:
    """One cluster of kind that is up, or was."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @property
    def name(self) -> str:
        """The sandbox's name; the cluster's has our name before it."""
        return self.directory.name

    @property
    def cluster(self) -> str:
        """What kind calls it."""
        return f"rollouts-{self.name}"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.directory / "admin.kubeconfig"

    @property
    def state(self) -> KindState | None:
        """What `up` last wrote; None when nothing is there."""
        try:
            return msgspec.json.decode((self.directory / _STATE).read_bytes(), type=KindState)
        except FileNotFoundError:
            return None

    @property
    def is_alive(self) -> bool:
        """Whether kind knows the cluster."""
        return self.cluster in run([program("kind"), "get", "clusters"]).split()

    @property
    def is_up(self) -> bool:
        """Whether it became ready and is still there."""
        state = self.state
        return state is not None and state.phase == "ready" and self.is_alive

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """*base* (this process's) with KUBECONFIG set, and a kubectl on PATH."""
        given = dict(base or os.environ)
        path = os.pathsep.join([str(self.directory / "bin"), given.get("PATH", "/usr/bin:/bin")])
        return {**given, "PATH": path, "KUBECONFIG": str(self.kubeconfig)}

    def command(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs *argv* against it; raises SandboxError when it is not up."""
        if not self.is_up:
            raise SandboxError(f"sandbox {self.name!r} is not up: `rollouts sandbox up --backend kind -n {self.name}`")
        return list(argv)

    def exec(self, argv: Sequence[str], **options: Any) -> "subprocess.CompletedProcess[str]":
        """Run *argv* against it and wait; *options* are those of subprocess.run."""
        settings = {"env": self.environment(), "text": True, "check": False, **options}
        return subprocess.run(self.command(argv), **settings)  # noqa: PLW1510 (it is in the settings)

    def down(self) -> None:
        """Delete the cluster and its files. One that is not there is no error."""
        with locked(self.directory):
            self.clear()

    def clear(self) -> None:
        """Delete them without asking whether somebody else is at it."""
        if self.state is not None:
            run([program("kind"), "delete", "cluster", "--name", self.cluster])
        shutil.rmtree(self.directory, ignore_errors=True)

    def record(self, state: KindState) -> None:
        """Keep the state in its directory."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.directory / _STATE).write_bytes(msgspec.json.encode(state))


def is_there(directory: Path) -> bool:
    """Whether the sandbox in *directory* is, or was, one of kind."""
    return (directory / _STATE).exists()


def up(name: str, recipe: Recipe, tell: Tell) -> KindSandbox:
    """Create the cluster, load the images, install the chart; return when the controller is ready.

    Raises SandboxError when it is up already, when a program is missing, or when a step fails: then it is deleted.
    """
    sandbox = KindSandbox(directory_of(name))
    with locked(sandbox.directory):
        _refuse(sandbox)
        began = time.monotonic()
        sandbox.clear()  # what a killed `up` left
        sandbox.record(KindState(name, "starting"))
        try:
            _make(sandbox, recipe, tell)
        except BaseException:
            sandbox.clear()  # half a cluster is of no use to anybody
            raise
        sandbox.record(KindState(name, "ready", time.monotonic() - began))
    return sandbox


def _refuse(sandbox: KindSandbox) -> None:
    if complaint := engine_complaint():
        raise SandboxError(
            f"--backend kind needs a container engine, and none answers ({complaint}); "
            "`rollouts sandbox up` without it needs none"
        )
    program("kind")
    if sandbox.directory.exists() and not is_there(sandbox.directory):
        raise SandboxError(f"sandbox {sandbox.name!r} is made of processes; `rollouts sandbox down -n {sandbox.name}`")
    if sandbox.is_up:
        raise SandboxError(f"sandbox {sandbox.name!r} is up already; `rollouts sandbox down -n {sandbox.name}` ends it")


def _make(sandbox: KindSandbox, recipe: Recipe, tell: Tell) -> None:
    helm, kubectl = binaries.obtain(binaries.HELM, tell), binaries.obtain(binaries.KUBECTL, tell)
    (sandbox.directory / "bin").mkdir()
    (sandbox.directory / "bin/kubectl").symlink_to(kubectl)
    built = build_images(recipe, tell)
    tell(f"creating the cluster {sandbox.cluster}")
    kubeconfig = str(sandbox.kubeconfig)
    kind = program("kind")
    run([kind, "create", "cluster", "--name", sandbox.cluster, "--kubeconfig", kubeconfig, "--wait", "120s"])
    load_images(sandbox.cluster, built, tell)
    tell(f"installing the chart {recipe.chart}")
    run([str(helm), *recipe.installation(kubeconfig, _READY_SECONDS)])
