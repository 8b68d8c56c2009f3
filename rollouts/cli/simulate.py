"""`rollouts simulate`: what a Rollout will do, told in a moment, without a cluster."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from pydantic import ValidationError

from rollouts.api.kinds import ROLLOUT
from rollouts.cli.goflags import GoCommand
from rollouts.cli.options import Form, Output
from rollouts.cli.output import print_value
from rollouts.simulator.script import Script, ScriptError, default_story, played
from rollouts.simulator.telling import told, values
from rollouts.simulator.timeline import HotLoop, Simulation, Stuck

WRONG = 1


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("simulate", cls=GoCommand)
    def simulate(
        file: Annotated[Path, typer.Option("--filename", "-f", help="A Rollout, and what it refers to, as YAML.")],
        *,
        script: Annotated[
            Path | None, typer.Option("--script", help="What happens: YAML with story and cluster.")
        ] = None,
        events: Annotated[bool, typer.Option("--events", help="Show Events too.")] = False,
        output: Output = Form.TEXT,
    ) -> None:
        """Tell what a Rollout does, moment by moment: first deploy, then another image (or the script's story).

        Services and routes that the Rollout names and the file has not are made up. No cluster is asked.
        Exit code 0: the story is told. 1: the files cannot be read or the story cannot go on, which is said.
        """
        try:
            simulation = played(_script(file, script))
        except (ScriptError, Stuck, HotLoop, OSError, yaml.YAMLError, ValidationError) as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(WRONG) from None
        _print(simulation, output, events=events)


def _print(simulation: Simulation, form: Form, *, events: bool) -> None:
    if form is Form.TEXT:
        for line in told(simulation, events=events):
            typer.echo(line)
    else:
        print_value(values(simulation), form)


def _script(file: Path, script: Path | None) -> Script:
    objects = [body for body in yaml.safe_load_all(file.read_text(encoding="utf-8")) if body]
    written: Mapping[str, Any] = yaml.safe_load(script.read_text(encoding="utf-8")) if script else {}
    if not isinstance(written, Mapping):
        raise ScriptError(f"{script}: a script is an object with `story`, and `cluster` if need be")
    story = written.get("story") or default_story(_rollout(objects))
    return Script.model_validate({**written, "objects": [*objects, *written.get("objects", ())], "story": story})


def _rollout(objects: list[Any]) -> Mapping[str, Any]:
    found = [body for body in objects if isinstance(body, Mapping) and body.get("kind") == ROLLOUT.name]
    if not found:
        raise ScriptError("there is no Rollout in the file: give one, kind: Rollout")
    return found[0]
