"""`rollouts undo`: the template of an older revision, put back."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, NamedTuple

import msgspec
import typer

from rollouts.api import keys
from rollouts.api.kinds import CONTROLLER_REVISION, POD_TEMPLATE, REPLICA_SET, STATEFUL_SET
from rollouts.api.meta import Key, Ref
from rollouts.api.workloads import ReplicaSet
from rollouts.cli import verbs
from rollouts.cli.connection import FIELD_MANAGER, Failure, run
from rollouts.cli.goflags import GoCommand
from rollouts.cli.options import Context, Form, Kubeconfig, Names, Namespace, Output, Where, only_name
from rollouts.cli.templates import template_of
from rollouts.cli.verbs import Effect
from rollouts.kube.client import Client, Content
from rollouts.planner.additions import as_written
from rollouts.wire.decode import decode
from rollouts.wire.templates import same_template, without_hash_label

Raw = Mapping[str, Any]


class Revision(NamedTuple):
    """One template there was, with its number."""

    number: int
    template: Raw


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("undo", cls=GoCommand)
    def undo(
        names: Names,
        *,
        to_revision: Annotated[int, typer.Option("--to-revision", help="Its number; 0 is the one before.")] = 0,
        namespace: Namespace = "",
        output: Output = Form.TEXT,
        kubeconfig: Kubeconfig = None,
        context: Context = None,
    ) -> None:
        """Give a Rollout the template of an older revision again, which begins a release back to it.

        With workloadRef the template is put into the object it names. Exit code 0, also where the template is that
        one already; 1 where there is no such Rollout or revision, or the API server refuses.
        """
        name = only_name(names)

        async def command(client: Client, found: str) -> None:
            key = Key(found, name)
            verbs.tell(key, await put_back(client, key, to_revision), output)

        run(command, Where(namespace, kubeconfig, context))


async def put_back(client: Client, key: Key, number: int) -> Effect:
    """Write the template of revision *number* (0: the last but one) where the Rollout has its own. Raises Failure."""
    ref, holder = await template_of(client, key)
    wanted = _chosen(sorted(await _revisions(client, key, ref, holder), key=lambda one: -one.number), key, number)
    path = "/template" if ref.kind == POD_TEMPLATE else "/spec/template"
    present = holder["template"] if ref.kind == POD_TEMPLATE else holder["spec"]["template"]
    template = without_hash_label(wanted.template)
    if same_template(template, present):
        return Effect("undo skipped", f"its template is that of revision {wanted.number} already")
    patch = [{"op": "replace", "path": path, "value": template}]
    await client.patch(ref.kind, ref.key, patch, content=Content.JSON, field_manager=FIELD_MANAGER)
    return Effect(f"undo to revision {wanted.number}")


def _chosen(newest_first: list[Revision], key: Key, number: int) -> Revision:
    if number:
        found = [one for one in newest_first if one.number == number]
        if not found:
            there = ", ".join(str(one.number) for one in newest_first) or "none"
            raise Failure(f"unable to find specified revision {number} in history of {key.name!r}: there are {there}")
        return found[0]
    if len(newest_first) < 2:
        raise Failure(f"no revision found for rollout {key.name!r} to go back to: it has had one template")
    return newest_first[1]


async def _revisions(client: Client, key: Key, ref: Ref, holder: Raw) -> list[Revision]:
    if ref.kind == STATEFUL_SET:
        found = await client.list(CONTROLLER_REVISION, key.namespace)
        return [Revision(int(one["revision"]), _patched(one)) for one in _owned(found, holder["metadata"]["uid"])]
    rollout = await verbs.read(client, key)
    sets = await client.list(REPLICA_SET, key.namespace, selector=keys.HASH_LABEL)
    return [Revision(_number(one), _written(one)) for one in _owned(sets, rollout.metadata.uid)]


def _owned(items: list[dict[str, Any]], uid: str) -> Iterator[dict[str, Any]]:
    for item in items:
        owners = item["metadata"].get("ownerReferences") or ()
        if any(owner.get("controller") and owner["uid"] == uid for owner in owners):
            yield item


def _number(replica_set: Raw) -> int:
    text = (replica_set["metadata"].get("annotations") or {}).get(keys.REVISION, "")
    return int(text) if text.isascii() and text.isdigit() else 0


def _written(replica_set: Raw) -> Raw:
    """Its template as people wrote it: without metadata of a role, and without anti-affinity between revisions."""
    found = decode(ReplicaSet, dict(replica_set))
    return as_written(found, without_hash_label(found.spec.template))


def _patched(revision: Raw) -> Raw:
    """A ControllerRevision keeps the template as a patch that replaces it whole."""
    template: dict[str, Any] = msgspec.to_builtins(revision["data"]["spec"]["template"])
    template.pop("$patch", None)
    return template
