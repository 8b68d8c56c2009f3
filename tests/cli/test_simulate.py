import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rollouts.cli.app import build

EXAMPLE = Path(__file__).parents[2] / "examples" / "web.yaml"


def simulate(*arguments):
    return CliRunner().invoke(build(["simulate"]), ["simulate", *map(str, arguments)])


def test_the_example_ends_healthy():
    result = simulate("-f", EXAMPLE)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].split()[1:4] == ["Healthy", "step", "4/4"]


def test_a_script_tells_another_story(tmp_path):
    script = tmp_path / "script.yaml"
    script.write_text("story: [{until: Healthy}, {image: 'nginx:2'}, {until: Paused}, abort, rest]")
    moments = json.loads(simulate("-f", EXAMPLE, "--script", script, "-o", "json").stdout)
    assert moments[-1]["phase"] == "Degraded"
    assert [moment["told"] for moment in moments if "told" in moment] == ["image: nginx:2", "abort"]


def test_events_are_shown_on_request():
    assert "* RolloutCompleted" in simulate("-f", EXAMPLE, "--events").stdout
    assert "* RolloutCompleted" not in simulate("-f", EXAMPLE).stdout


@pytest.mark.parametrize(
    ("content", "why"), [("kind: Service", "there is no Rollout"), ("[", "while parsing"), ("", "there is no Rollout")]
)
def test_wrong_files_are_said(tmp_path, content, why):
    file = tmp_path / "wrong.yaml"
    file.write_text(content)
    result = simulate("-f", file)
    assert (result.exit_code, why in result.stderr) == (1, True)
