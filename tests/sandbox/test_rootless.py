"""A sandbox of an ordinary user: network namespace by way of a user namespace."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollouts.sandbox import downloads, launch

pytestmark = pytest.mark.e2e


class Person:
    """An ordinary user: ourselves, or nobody when we are root."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._become = [] if os.geteuid() else ["runuser", "--user", "nobody", "--"]
        self._environment = {
            "HOME": str(home),
            "PATH": f"{home / 'bin'}:/usr/bin:/bin",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self._python = next((python for python in self._pythons() if self._can_run(python)), "")

    def sandbox(self, *argv: str) -> str:
        done = self._run(self._python, "-m", "rollouts.cli.sandbox", *argv)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def has_python(self) -> bool:
        return bool(self._python)

    def _pythons(self) -> list[str]:
        return [sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"]

    def _can_run(self, python: str) -> bool:
        return self._run(python, "-c", "import rollouts.cli.sandbox").returncode == 0

    def _run(self, *argv: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*self._become, "env", "-i", *(f"{name}={value}" for name, value in self._environment.items()), *argv],
            capture_output=True, text=True, check=False, cwd="/",
        )  # fmt: skip


def provide(original: Path, copy: Path) -> None:
    """A program under our home is out of another user's reach."""
    try:
        copy.hardlink_to(original.resolve())
    except OSError:
        shutil.copy(original, copy)


@pytest.fixture
def person() -> Iterator[Person]:
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        (home / "bin").mkdir()
        found = launch.programs(print)
        for program in (getattr(found, name) for name in found.__struct_fields__):
            provide(program, home / "bin" / program.name)
        crds = downloads.gateway_api_crds(print)[0].parent
        shutil.copytree(crds, home / ".cache/rollouts-sandbox" / crds.name)
        if os.geteuid() == 0:
            for path in (home, home / ".cache", home / ".cache/rollouts-sandbox"):
                shutil.chown(path, "nobody")
        yield Person(home)


def test_an_ordinary_user_has_a_sandbox_too(person):
    if not person.has_python:
        pytest.skip("no Python that another user may run")
    person.sandbox("up")
    try:
        assert '"phase": "ready"' in person.sandbox("status", "--output", "json")
        asked = person.sandbox("exec", "--", "kubectl", "get", "nodes", "--output", "name")
        assert asked == "node/sandbox\n"
    finally:
        assert person.sandbox("down") == "sandbox default is gone\n"
