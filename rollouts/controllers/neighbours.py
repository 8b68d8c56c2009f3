"""Who makes pods with which labels, and whom it concerns when that changes."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from rollouts.api.keys import HASH_LABEL
from rollouts.api.kinds import REPLICA_SET, ROLLOUT
from rollouts.api.meta import Key, Kind, Ref
from rollouts.api.rollout import Rollout
from rollouts.api.workloads import template_of
from rollouts.controllers.stores import BY_LABEL, BY_NAMESPACE, Stores, borrowers
from rollouts.kube.store import Event
from rollouts.planner.neighbours import Neighbour, labels_in
from rollouts.planner.validation.references import KINDS as LENDERS

# Seconds until those with the same labels are looked at again: a crowd that comes at once is looked at once. No less
# than `planner.overlap.SETTLED`.
CALM: Final = 2.0
_LENDING: Final = frozenset(LENDERS.values())


class Found(NamedTuple):
    """Rollouts that may have certain labels, and the name of what their change is heard by."""

    heard_by: Ref
    neighbours: tuple[Neighbour, ...]


def neighbours(rollout: Key, labels: Mapping[str, str], stores: Stores) -> Found:
    """The Rollouts beside *rollout*: at least all whose pods have *labels*."""
    space = rollout.namespace
    label, found = _rarest(space, labels, stores)
    others = (one for one in found if one.metadata.key != rollout and _lives(one))
    made = (
        Neighbour(one.metadata.name, labels_of_pods(one, stores), one.metadata.creation_timestamp) for one in others
    )
    return Found(Ref(ROLLOUT, space, label), tuple(made))


def _rarest(space: str, labels: Mapping[str, str], stores: Stores) -> tuple[str, tuple[Rollout, ...]]:
    """Whoever has that one of *labels* that the fewest have; without labels, everybody."""
    if not labels:
        return "", stores.rollouts.by_index(BY_NAMESPACE, space)
    written = [f"{key}={value}" for key, value in sorted(labels.items())]
    holders = {label: stores.rollouts.by_index(BY_LABEL, f"{space}/{label}") for label in written}
    rarest = min(written, key=lambda label: len(holders[label]))
    return rarest, (*holders[rarest], *stores.rollouts.by_index(BY_LABEL, borrowers(space)))


def labels_of_pods(rollout: Rollout, stores: Stores) -> dict[str, str]:
    """The labels that the pods of *rollout* get, also by a workloadRef."""
    ref = rollout.spec.get("workloadRef")
    if not ref:
        return labels_in(rollout.spec.get("template"))
    kind = LENDERS.get(ref.get("kind"))
    if kind is None:
        return {}
    store = stores.plain_replica_sets if kind == REPLICA_SET else stores.of(kind)
    workload = store.get(Key(rollout.metadata.namespace, ref.get("name", ""))) if store is not None else None
    return labels_in(template_of(workload)) if workload is not None else {}


def concerned(kind: Kind, event: Event[Any], stores: Stores) -> frozenset[Key]:
    """The Rollouts whose selector may select other pods than before, because *event* changed these pods' labels."""
    old, new = (_labels(kind, found, stores).items() for found in (event.old, event.new))
    if old == new:
        return frozenset()
    space = event.key.namespace
    names = ("", *(f"{key}={value}" for key, value in old | new))
    return frozenset(reader for name in names for reader in stores.memory.readers(Ref(ROLLOUT, space, name)))


def _labels(kind: Kind, found: Any, stores: Stores) -> dict[str, str]:
    if found is None:
        return {}
    if kind == ROLLOUT:
        return labels_of_pods(found, stores) if _lives(found) else {}
    is_lender = kind in _LENDING and HASH_LABEL not in found.metadata.labels
    return labels_in(template_of(found)) if is_lender else {}


def _lives(found: Rollout) -> bool:
    return found.metadata.deletion_timestamp is None
