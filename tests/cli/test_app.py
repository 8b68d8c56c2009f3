import importlib

import pytest
from typer.testing import CliRunner

from rollouts.cli import app


def test_every_command_is_found_and_says_what_it_does():
    result = CliRunner().invoke(app.build(), ["--help"])
    assert result.exit_code == 0
    assert {"controller", "crds", "sandbox"} <= set(result.output.split())


@pytest.mark.parametrize("name", ["controller", "crds", "sandbox"])
def test_a_command_is_the_same_when_only_it_is_loaded(name):
    alone = CliRunner().invoke(app.build([name]), [name, "--help"])
    among_all = CliRunner().invoke(app.build(), [name, "--help"])
    assert (alone.exit_code, alone.output) == (0, among_all.output)


def test_an_unknown_command_is_a_usage_error():
    result = CliRunner().invoke(app.build(["nonsense"]), ["nonsense"])
    assert result.exit_code == 2


def test_the_program_is_called_as_it_was_started(monkeypatch, capsys):
    with pytest.raises(SystemExit):
        app.run(["/usr/local/bin/kubectl-rollouts", "crds", "--help"])
    assert "Usage: kubectl rollouts crds" in capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(app.NOT_COMMANDS))
def test_what_is_left_out_exists(name):
    assert importlib.import_module(f"rollouts.cli.{name}")
