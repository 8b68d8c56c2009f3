"""`rollouts create`: objects from files, and runs from analysis templates."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
import yaml

from analysis.templates import flatten, run_spec, with_arguments
from rollouts.api import keys
from rollouts.api.analysis import AnalysisTemplateSpec, TemplateRef, parse_template_spec
from rollouts.api.crds import DEFINITIONS
from rollouts.api.kinds import ANALYSIS_RUN, ANALYSIS_TEMPLATE, CLUSTER_ANALYSIS_TEMPLATE
from rollouts.api.meta import Kind
from rollouts.api.model import SpecError
from rollouts.cli.connection import Failure, run
from rollouts.cli.goflags import GoCommand
from rollouts.cli.options import Context, Form, Kubeconfig, Namespace, Output, Where, spread
from rollouts.cli.output import print_value
from rollouts.kube.client import Client
from rollouts.kube.errors import NotFound

KINDS: Final = {(one.kind.api_version, one.kind.name): one.kind for one in DEFINITIONS}
create: Final = typer.Typer(invoke_without_command=True, pretty_exceptions_enable=False)


def register(app: typer.Typer) -> None:
    """Add the group of commands; without one of them it creates what is in files."""
    app.add_typer(create, name="create")


@create.callback()
def files(
    context_: typer.Context,
    *,
    filename: Annotated[list[Path] | None, typer.Option("--filename", "-f", help="Manifests as YAML.")] = None,
    namespace: Namespace = "",
    output: Output = Form.TEXT,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Create Rollouts, analyses and experiments from files, or a run from an analysis template.

    Exit code 0; 1 where a file cannot be read or the API server refuses.
    """
    if context_.invoked_subcommand is not None:
        return
    if not filename:
        raise typer.BadParameter("give manifests with -f FILE, or a command: analysisrun")

    async def command(client: Client, here: str) -> None:
        for body in [one for file in filename for one in read(file)]:
            await _create(client, namespace or body["metadata"].get("namespace") or here, body, output)

    run(command, Where(namespace, kubeconfig, context))


@dataclass(frozen=True, slots=True)
class Asked:
    """The run that a person asks for, and where it goes."""

    from_template: Annotated[str, typer.Option("--from", help="KIND/NAME in the cluster.")] = ""
    from_file: Annotated[Path | None, typer.Option("--from-file", help="A template as YAML.")] = None
    name: Annotated[str, typer.Option("--name", help="Name of the run.")] = ""
    generate_name: Annotated[str, typer.Option("--generate-name", help="Beginning of a name to make up.")] = ""
    argument: Annotated[list[str] | None, typer.Option("--argument", "-a", help="NAME=VALUE.")] = None
    instance_id: Annotated[str, typer.Option("--instance-id", help="Which controller runs it.")] = ""
    is_global: Annotated[bool, typer.Option("--global", help="--from names a ClusterAnalysisTemplate.")] = False
    namespace: Namespace = ""
    output: Output = Form.TEXT
    kubeconfig: Kubeconfig = None
    context: Context = None

    def metadata(self, template: str) -> dict[str, Any]:
        """That of the run; without a name it is called after its *template*."""
        called = {"name": self.name} if self.name else {"generateName": self.generate_name or f"{template}-"}
        return called | ({"labels": {keys.INSTANCE_ID_LABEL: self.instance_id}} if self.instance_id else {})


@create.command("analysisrun", cls=GoCommand)
@spread(Asked)
def analysisrun(asked: Asked) -> None:
    """Run an analysis now: `create analysisrun --from analysistemplate/success-rate -a service=web`.

    Exit code 0; 1 where there is no such template, an argument lacks a value, or the API server refuses.
    """
    if bool(asked.from_template) == (asked.from_file is not None):
        raise typer.BadParameter("give one of --from KIND/NAME and --from-file FILE")
    values = dict(_pair(text) for text in asked.argument or ())

    async def command(client: Client, here: str) -> None:
        ref, known = await _templates(client, here, asked)
        spec, metadata = run_content(ref, known, values), asked.metadata(ref.template_name)
        body = {"apiVersion": ANALYSIS_RUN.api_version, "kind": ANALYSIS_RUN.name, "metadata": metadata, "spec": spec}
        await _create(client, here, body, asked.output)

    run(command, Where(asked.namespace, asked.kubeconfig, asked.context))


def read(file: Path) -> Iterator[dict[str, Any]]:
    """The manifests in *file*. Raises Failure."""
    try:
        bodies = [body for body in yaml.safe_load_all(file.read_text(encoding="utf-8")) if body is not None]
    except (OSError, yaml.YAMLError) as error:
        raise Failure(f"{file}: {error}") from None
    for body in bodies:
        if not isinstance(body, dict) or not isinstance(body.get("metadata"), dict) or "kind" not in body:
            raise Failure(f"{file}: not a manifest: each document needs apiVersion, kind and metadata")
        yield from body["items"] if body["kind"] == "List" else (body,)


async def _create(client: Client, namespace: str, body: dict[str, Any], form: Form) -> None:
    kind = KINDS.get((body.get("apiVersion", ""), body["kind"]))
    if kind is None:
        served = ", ".join(sorted(one.name for one in KINDS.values()))
        raise Failure(f"{body['kind']} of {body.get('apiVersion')} is not one of {served}: use kubectl create")
    made = msgspec.json.decode(await client.create(kind, namespace if kind.namespaced else "", body))
    name = made["metadata"]["name"]
    if form is Form.TEXT:
        typer.echo(f"{kind.name.lower()}.{kind.group}/{name} created")
    else:
        print_value(made, form)


async def _templates(
    client: Client, namespace: str, asked: Asked
) -> tuple[TemplateRef, Mapping[TemplateRef, AnalysisTemplateSpec]]:
    """Which template is meant, and all that it may refer to. Raises Failure."""
    known: dict[TemplateRef, AnalysisTemplateSpec] = {}
    for kind in (ANALYSIS_TEMPLATE, CLUSTER_ANALYSIS_TEMPLATE):
        known |= {_ref(one): _spec(one) for one in await _listed(client, kind, namespace)}
    file = asked.from_file
    if file is not None:
        given = [one for one in read(file) if one["kind"] in {ANALYSIS_TEMPLATE.name, CLUSTER_ANALYSIS_TEMPLATE.name}]
        if not given:
            raise Failure(f"{file}: there is no AnalysisTemplate in it")
        return _ref(given[0]), known | {_ref(one): _spec(one) for one in given}
    noun, _, name = asked.from_template.rpartition("/")
    is_cluster = asked.is_global or noun.lower() in {"clusteranalysistemplate", "clusteranalysistemplates", "cat"}
    ref = TemplateRef(template_name=name, cluster_scope=is_cluster)
    if ref not in known:
        kind = CLUSTER_ANALYSIS_TEMPLATE if is_cluster else ANALYSIS_TEMPLATE
        there = ", ".join(sorted(one.template_name for one in known if one.cluster_scope == is_cluster)) or "none"
        raise Failure(f"there is no {kind.name} {name!r}; there are: {there}")
    return ref, known


async def _listed(client: Client, kind: Kind, namespace: str) -> list[dict[str, Any]]:
    try:
        return await client.list(kind, namespace if kind.namespaced else "")
    except NotFound:
        raise Failure("this cluster does not serve analysis templates: `rollouts crds apply` installs them") from None


def _ref(template: Mapping[str, Any]) -> TemplateRef:
    is_cluster = template["kind"] == CLUSTER_ANALYSIS_TEMPLATE.name
    return TemplateRef(template_name=template["metadata"]["name"], cluster_scope=is_cluster)


def _spec(template: Mapping[str, Any]) -> AnalysisTemplateSpec:
    try:
        return parse_template_spec(template.get("spec") or {})
    except SpecError as error:
        raise Failure(f"{template['kind']} {template['metadata']['name']}: {error}") from None


def run_content(
    ref: TemplateRef, known: Mapping[TemplateRef, AnalysisTemplateSpec], values: Mapping[str, str]
) -> dict[str, Any]:
    """The spec of a run of template *ref* with *values* for its arguments. Raises Failure."""
    try:
        return run_spec(with_arguments(flatten([ref], known.get), values))
    except SpecError as error:
        raise Failure(str(error)) from None


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise typer.BadParameter(f"{text!r} is not NAME=VALUE")
    return name, value
