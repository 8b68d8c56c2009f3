"""The chart's roles: the controller's, which is what the shell does and what plugins declare, and those of people.

Nothing else is allowed. The files are Helm templates: their rules are ours, their names and labels the release's.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import yaml

from rollouts import plugins
from rollouts.api import kinds
from rollouts.api.meta import Kind

TEMPLATES: Final = "charts/rollouts/templates"
PATH: Final = f"{TEMPLATES}/clusterrole.yaml"
NAMESPACED_PATH: Final = f"{TEMPLATES}/role.yaml"
PEOPLE_PATH: Final = f"{TEMPLATES}/people.yaml"
HEADER: Final = "# Made from what the controller and its plugins declare, by `make generate`. Do not edit.\n"
NAME: Final = "rollouts"
NAME_HERE: Final = '{{ include "rollouts.fullname" . }}'
NAMESPACE_HERE: Final = "namespace: {{ .Release.Namespace }}"
LABELS_HERE: Final = '{{- include "rollouts.labels" . | nindent 4 }}'
VERBS: Final = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
READ: Final = ("get", "list", "watch")
EDIT: Final = ("update", "patch")
EVERY: Final = ("create", *EDIT, "delete", "deletecollection")
OURS: Final = (
    kinds.ROLLOUT, kinds.ANALYSIS_RUN, kinds.ANALYSIS_TEMPLATE, kinds.CLUSTER_ANALYSIS_TEMPLATE, kinds.EXPERIMENT
)  # fmt: skip


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
    # an analysis run's Jobs
    Need(kinds.ANALYSIS_RUN, ("update",), "finalizers"),
    Need(kinds.ANALYSIS_RUN, (*READ, "create", "patch", "delete")),
    Need(kinds.ANALYSIS_TEMPLATE, READ),
    Need(kinds.CLUSTER_ANALYSIS_TEMPLATE, READ),
    Need(kinds.REPLICA_SET, (*READ, "create", "patch", "delete")),
    Need(kinds.DEPLOYMENT, (*READ, "patch")),
    Need(kinds.POD_TEMPLATE, READ),
    # whether one sets the size of a Deployment that is to give its pods up
    Need(kinds.AUTOSCALER, READ),
    # the partition
    Need(kinds.STATEFUL_SET, (*READ, "patch")),
    Need(kinds.CONTROLLER_REVISION, READ),
    # delete: only for pods of a StatefulSet that are not ready, where eviction is refused
    Need(kinds.POD, (*READ, "patch", "delete")),
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


# Into which of Kubernetes' own roles a role of ours goes, and what it adds there; admin has edit's rules, edit view's.
PEOPLE: Final[Mapping[str, tuple[Need, ...]]] = {
    "view": (
        *(Need(kind, READ) for kind in OURS),
        Need(kinds.ROLLOUT, ("get",), "status"),
        Need(kinds.ROLLOUT, ("get",), "scale"),
    ),
    # as of Deployments: CI with this role makes Rollouts and bumps images, people on call promote, abort and undo
    "edit": (
        *(Need(kind, EVERY) for kind in OURS if kind.namespaced),
        Need(kinds.ROLLOUT, EDIT, "status"),
        Need(kinds.ROLLOUT, EDIT, "scale"),
    ),
    # what every namespace's analyses read
    "admin": tuple(Need(kind, EVERY) for kind in OURS if not kind.namespaced),
}


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


def files() -> dict[str, str]:
    """The chart's templates with roles, by path."""
    whole = "and .Values.rbac.create (not .Values.namespaced)"
    narrow = "and .Values.rbac.create .Values.namespaced"
    within = (need for need in needs() if need.kind.namespaced)
    return {
        PATH: HEADER + _template(whole, "ClusterRole", NAME_HERE, needs()),
        NAMESPACED_PATH: HEADER + _template(narrow, "Role", f"{NAME_HERE}\n  {NAMESPACE_HERE}", within),
        PEOPLE_PATH: HEADER + "".join(_of_people(role, added) for role, added in PEOPLE.items()),
    }


def _of_people(role: str, added: Iterable[Need]) -> str:
    name = f'{{{{ include "rollouts.fullname" . }}}}-{role}'
    label = f'    rbac.authorization.k8s.io/aggregate-to-{role}: "true"\n'
    return "---\n" + _template("and .Values.rbac.create .Values.rbac.aggregateRoles", "ClusterRole", name, added, label)


def _template(condition: str, kind: str, name: str, wanted: Iterable[Need], labels: str = "") -> str:
    """A Helm template of a role; each directive that is not within a value stands alone on its line."""
    rules = yaml.safe_dump({"rules": list(_rules(wanted))}, sort_keys=False)
    return (
        f"{{{{- if {condition} }}}}\napiVersion: {kinds.CLUSTER_ROLE.api_version}\nkind: {kind}\n"
        f"metadata:\n  name: {name}\n  labels:\n    {LABELS_HERE}\n{labels}{rules}{{{{- end }}}}\n"
    )


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
