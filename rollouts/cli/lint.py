"""`rollouts lint`: what is wrong with manifests, before they are applied."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer

from rollouts.api.analysis import AnalysisRunSpec, AnalysisTemplateSpec
from rollouts.api.crds import DEFINITIONS
from rollouts.api.experiment import ExperimentSpec
from rollouts.api.kinds import (
    ANALYSIS_RUN,
    ANALYSIS_TEMPLATE,
    CLUSTER_ANALYSIS_TEMPLATE,
    EXPERIMENT,
    ROLLOUT,
)
from rollouts.api.meta import Key
from rollouts.api.model import Model, Problem
from rollouts.api.parsing import parsed
from rollouts.api.schema import Schema, structural
from rollouts.cli.connection import Failure, complain
from rollouts.cli.create import read
from rollouts.cli.goflags import GoCommand
from rollouts.cli.options import Form, Output
from rollouts.cli.output import print_value
from rollouts.cli.reading import Objects, gathered
from rollouts.cli.snapshotfile import KINDS
from rollouts.planner.overlap import overlap

WRONG: Final = 1
SPECS: Final[Mapping[str, type[Model]]] = {
    ANALYSIS_RUN.name: AnalysisRunSpec,
    ANALYSIS_TEMPLATE.name: AnalysisTemplateSpec,
    CLUSTER_ANALYSIS_TEMPLATE.name: AnalysisTemplateSpec,
    EXPERIMENT.name: ExperimentSpec,
}


class Finding(NamedTuple):
    """One thing about one object; *is_error*: the controller would refuse it."""

    kind: str
    name: str
    text: str
    is_error: bool = True


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("lint", cls=GoCommand)
    def lint(
        files: Annotated[list[Path], typer.Option("--filename", "-f", help="Manifests as YAML; may be repeated.")],
        *,
        output: Output = Form.TEXT,
    ) -> None:
        """Say what is wrong with Rollouts, analyses and experiments, with the sentences of the controller.

        What they refer to is looked for in the same files; what is not there is a warning. No cluster is asked.
        Exit code 0: nothing but warnings. 1: something would be refused, or a file cannot be read.
        """
        try:
            found = list(findings([body for file in files for body in read(file)]))
        except Failure as error:
            complain(error)
            raise typer.Exit(WRONG) from None
        _print(found, output)
        if any(finding.is_error for finding in found):
            raise typer.Exit(WRONG)


def findings(bodies: list[dict[str, Any]]) -> Iterator[Finding]:
    """Everything there is to say about *bodies*, object by object. Raises Failure."""
    objects = Objects()
    for number, body in enumerate(bodies):
        kind = KINDS.get((body.get("apiVersion", ""), body["kind"]))
        if kind is not None:
            objects.add(kind, [_settled(body, number)])
    for kind in (ROLLOUT, *(definition.kind for definition in DEFINITIONS if definition.kind != ROLLOUT)):
        for key, body in objects.found.get(kind, {}).items():
            yield from _unknown(body)
            yield from _rollout(key, objects) if kind == ROLLOUT else _other(body)


def _settled(body: dict[str, Any], number: int) -> dict[str, Any]:
    """*body* as an API server would have it: in a namespace, with a uid."""
    metadata = {"namespace": "default", "uid": f"file-{number}", "generation": 1, **body["metadata"]}
    if "name" not in metadata:
        raise Failure(f"a {body['kind']} without metadata.name: lint needs a name to speak of it")
    return {**body, "metadata": metadata}


def _rollout(key: Key, objects: Objects) -> Iterator[Finding]:
    snapshot, _ = gathered(key, objects)
    for problem in snapshot.problems:
        if problem.is_missing:
            yield Finding(ROLLOUT.name, key.name, f"{problem}, at least not in these files", is_error=False)
        else:
            yield Finding(ROLLOUT.name, key.name, str(problem))
    if snapshot.overlaps:
        yield Finding(ROLLOUT.name, key.name, overlap(snapshot, snapshot.overlaps), is_error=False)


def _other(body: Mapping[str, Any]) -> Iterator[Finding]:
    problems = parsed(SPECS[body["kind"]], body.get("spec") or {}, "spec")
    if isinstance(problems, tuple):
        yield from (Finding(body["kind"], body["metadata"]["name"], str(problem)) for problem in problems)


def _unknown(body: Mapping[str, Any]) -> Iterator[Finding]:
    """Fields that the API server would drop in silence."""
    definition = next(one for one in DEFINITIONS if one.kind.name == body["kind"])
    known = {"apiVersion", "kind", "metadata", "spec", "status"}
    wrong = [Problem(name, None, _dropped(known), "Unknown field") for name in body if name not in known]
    wrong += _strangers(body.get("spec"), structural(definition.spec), "spec")
    for problem in wrong:
        yield Finding(body["kind"], body["metadata"]["name"], str(problem))


def _strangers(value: Any, schema: Schema, path: str) -> Iterator[Problem]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strangers(item, schema.get("items", {}), f"{path}[{index}]")
    if not isinstance(value, Mapping) or schema.get("x-kubernetes-preserve-unknown-fields"):
        return
    properties, rest = schema.get("properties", {}), schema.get("additionalProperties")
    for name, member in value.items():
        below = f"{path}.{name}"
        if name in properties or rest is not None:
            yield from _strangers(member, properties.get(name, rest), below)
        elif properties:
            yield Problem(below, None, _dropped(properties), "Unknown field")


def _dropped(known: Any) -> str:
    return f"the API server drops it; there are {', '.join(sorted(known))}"


def _print(found: list[Finding], form: Form) -> None:
    if form is not Form.TEXT:
        print_value([finding._asdict() for finding in found], form)
        return
    for finding in found:
        grade = "error" if finding.is_error else "warning"
        typer.echo(f"{grade}: {finding.kind} {finding.name}: {finding.text}")
    if not found:
        typer.echo("nothing is wrong")
