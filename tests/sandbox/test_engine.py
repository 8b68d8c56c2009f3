"""Programs called for real: what they say when they fail is what a person reads."""

import sys

import pytest

from rollouts.sandbox.engine import engine_complaint, run
from rollouts.sandbox.errors import SandboxError


def test_what_a_program_prints_is_the_answer():
    assert run([sys.executable, "-c", "print(2)"]) == "2\n"


def test_a_failure_names_the_call_and_ends_with_what_it_said():
    with pytest.raises(SandboxError, match=r"^python\S* -c .* failed with 3:\nno such node$"):
        run([sys.executable, "-c", "import sys; print('no such node', file=sys.stderr); sys.exit(3)"])


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("echo 27.0", ""),
        ("echo 'no daemon' >&2; exit 1", "`docker info`: no daemon"),
        ("exit 0", "`docker info`: no server"),
    ],
)
def test_an_engine_answers_or_there_is_a_line_why_not(tmp_path, monkeypatch, script, complaint):
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\n{script}\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert engine_complaint() == complaint
