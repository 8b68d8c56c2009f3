"""Where programs are found: directories of the test's own, with programs that only say a version."""

from pathlib import Path

import pytest

from rollouts.sandbox import binaries
from rollouts.sandbox.binaries import ETCD, HELM, PROGRAMS
from rollouts.sandbox.errors import Missing


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any of the programs, and without Go."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    return tmp_path


def install(program: Path, says: str = "") -> Path:
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)
    return program


def test_the_assets_come_first_then_the_cache_then_the_path(machine, monkeypatch):
    on_path = install(machine / "path/etcd", "etcd Version: 3.6.0")
    assert binaries.find(ETCD) == on_path
    cached = install(ETCD.cached)
    assert binaries.find(ETCD) == cached
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(machine / "assets"))
    assert binaries.find(ETCD) == cached
    assert binaries.find(ETCD) != install(machine / "assets/etcd")
    assert binaries.find(ETCD) == machine / "assets/etcd"


def test_the_cache_is_keyed_by_version(machine):
    assert ETCD.cached == machine / "cache/rollouts-sandbox/etcd-3.6.8/etcd"


@pytest.mark.parametrize("says", ["etcd Version: 3.4.9", "no version at all"])
def test_what_is_too_old_on_the_path_is_passed_over(machine, says):
    install(machine / "path/etcd", says)
    assert binaries.find(ETCD) is None


@pytest.mark.parametrize("program", [*PROGRAMS, HELM], ids=lambda program: program.name)
def test_what_is_nowhere_is_one_error_naming_the_four_ways(machine, program):
    with pytest.raises(Missing) as error:
        binaries.obtain(program, print)
    text = str(error.value)
    assert text.startswith(f"{program.name} not found")
    assert all(way in text for way in ("KUBEBUILDER_ASSETS", str(program.cached), "PATH", "Go"))


def test_go_builds_into_the_cache_and_says_so(machine):
    install(machine / "path/go")
    (machine / "path/go").write_text('#!/bin/sh\nwhile [ "$1" != "-o" ]; do shift; done; echo x > "$2"\n')
    said: list[str] = []
    assert binaries.obtain(ETCD, said.append) == ETCD.cached
    assert ETCD.cached.read_text() == "x\n"
    assert [sentence.split()[0] for sentence in said] == ["building", "built"]
    assert [path.name for path in ETCD.cached.parent.iterdir() if path.name.startswith(".etcd.")] == [".etcd.log"]


def test_a_failed_build_shows_what_go_said_and_leaves_no_half_program(machine):
    install(machine / "path/go").write_text('#!/bin/sh\necho "no space left"; exit 1\n')
    with pytest.raises(Missing, match="no space left"):
        binaries.obtain(ETCD, print)
    assert not ETCD.cached.exists()


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Kubernetes v1.36.3", (1, 36)),
        ("Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0", (1, 32)),
        ("prometheus, version 2.42.0+ds (branch: debian/sid)", (2, 42)),
        ("none", None),
    ],
)
def test_versions_are_read_from_what_programs_say(text, version):
    assert binaries.version_in(text) == version
