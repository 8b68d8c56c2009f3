"""The controller's ClusterRole: what the shell itself does, and what plugins declare. Nothing else is allowed."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from rollouts import plugins
from rollouts.api import kinds
from rollouts.api.meta import Kind

PATH: Final = "charts/rollouts/templates/clusterrole.yaml"
HEADER: Final = "# Made from what the controller and its plugins declare, by `make generate`. Do not edit.\n"
NAME: Final = "rollouts"
VERBS: Final = ("get", "list", "watch", "create", "update", "patch", "delete")
READ: Final = ("get", "list", "watch")


class Need(NamedTuple):
    """What somebody does to objects of one kind, or to a subresource of them."""

    kind: Kind
    verbs: tuple[str, ...]
    subresource: str = ""

    @property
    def resource(self) -> str:
        """The name a rule uses."""
        return f"{self.kind.plural}/{self.subresource}" if self.subresource else self.kind.plural


SHELL: Final = (
    Need(kinds.ROLLOUT, (*READ, "patch")),
    Need(kinds.ROLLOUT, ("patch",), "status"),
    # who sets blockOwnerDeletion must be allowed to write the owner's finalizers, where admission checks that
    Need(kinds.ROLLOUT, ("update",), "finalizers"),
    Need(kinds.ANALYSIS_RUN, (*READ, "create", "patch", "delete")),
    Need(kinds.ANALYSIS_TEMPLATE, READ),
    Need(kinds.CLUSTER_ANALYSIS_TEMPLATE, READ),
    Need(kinds.REPLICA_SET, (*READ, "create", "patch", "delete")),
    Need(kinds.DEPLOYMENT, (*READ, "patch")),
    # the partition
    Need(kinds.STATEFUL_SET, (*READ, "patch")),
    Need(kinds.CONTROLLER_REVISION, READ),
    # delete: only for pods of a StatefulSet that are not ready, where eviction is refused
    Need(kinds.POD, (*READ, "delete")),
    Need(kinds.POD, ("create",), "eviction"),
    Need(kinds.POD_DISRUPTION_BUDGET, READ),
    # create: beside a router, one for each revision of a StatefulSet
    Need(kinds.SERVICE, (*READ, "create", "patch")),
    Need(kinds.ENDPOINT_SLICE, READ),
    # arguments of analyses: one by name, at the time of a measurement
    Need(kinds.SECRET, ("get",)),
    Need(kinds.EVENT, ("create", "patch")),
    Need(kinds.LEASE, ("get", "create", "update")),
)


def needs() -> tuple[Need, ...]:
    """Everything the controller and its plugins do."""
    return (*SHELL, *_of_plugins())


def cluster_role() -> dict[str, Any]:
    """The ClusterRole, one rule for each API group and set of verbs."""
    return {
        "apiVersion": kinds.CLUSTER_ROLE.api_version,
        "kind": kinds.CLUSTER_ROLE.name,
        "metadata": {"name": NAME, "labels": {"app.kubernetes.io/part-of": NAME}},
        "rules": list(_rules(needs())),
    }


def _of_plugins() -> Iterator[Need]:
    for router in dict.fromkeys(plugins.routers().values()):
        yield from _declared(router.kinds)
    for provider in plugins.providers().values():
        yield from _declared(provider.kinds)


def _declared(declared: Mapping[Kind, tuple[str, ...]]) -> Iterator[Need]:
    for kind, wanted in declared.items():
        yield Need(kind, tuple(wanted))


def _rules(wanted: Iterable[Need]) -> Iterator[dict[str, Any]]:
    allowed: dict[tuple[str, str], set[str]] = {}
    for need in wanted:
        allowed.setdefault((need.kind.group, need.resource), set()).update(need.verbs)
    rules: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (group, resource), verbs in allowed.items():
        rules.setdefault((group, tuple(sorted(verbs, key=VERBS.index))), []).append(resource)
    for (group, ordered), resources in rules.items():
        yield {"apiGroups": [group], "resources": resources, "verbs": list(ordered)}
