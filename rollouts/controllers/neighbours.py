"""Who makes pods with which labels, and whom it concerns when that changes."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from rollouts.api.keys import HASH_LABEL
from rollouts.api.kinds import REPLICA_SET, ROLLOUT
from rollouts.api.meta import Key, Kind, Ref
from rollouts.api.rollout import Rollout
from rollouts.api.workloads import template_of
from rollouts.controllers.stores import BY_LABEL, BY_NAMESPACE, Stores, borrowers
from rollouts.kube.store import Event
from rollouts.planner.neighbours import Neighbour, labels_in, oldest_first
from rollouts.planner.validation.references import KINDS as LENDERS

# Seconds until those with the same labels are looked at again: a crowd that comes at once is looked at once. No less
# than `planner.overlap.SETTLED`.
CALM: Final = 2.0
_MAKING: Final = frozenset({ROLLOUT, *LENDERS.values()})


class Found(NamedTuple):
    """Rollouts that may have certain labels, oldest first, and the name of what their change is heard by."""

    heard_by: Ref
    neighbours: Iterable[Neighbour]


def neighbours(rollout: Key, labels: Mapping[str, str], stores: Stores) -> Found:
    """The Rollouts beside *rollout*: at least all whose pods have *labels*."""
    space = rollout.namespace
    written = tuple(f"{key}={value}" for key, value in sorted(labels.items()))
    label, alike = stores.memory.shared(space, ",".join(written), lambda: _alike(space, written, stores))
    return Found(Ref(ROLLOUT, space, label), (one for one in alike if one.name != rollout.name))


def _alike(space: str, labels: tuple[str, ...], stores: Stores) -> tuple[str, tuple[Neighbour, ...]]:
    """That one of *labels* that the fewest have, and who has it; without labels, everybody."""
    if not labels:
        return "", _made(stores.rollouts.by_index(BY_NAMESPACE, space), stores)
    lent = stores.memory.shared(space, "lent", lambda: _lent(space, stores))
    holders = {
        label: (*stores.rollouts.by_index(BY_LABEL, f"{space}/{label}"), *lent.get(label, ())) for label in labels
    }
    rarest = min(labels, key=lambda label: len(holders[label]))
    return rarest, _made(holders[rarest], stores)


def _lent(space: str, stores: Stores) -> dict[str, tuple[Rollout, ...]]:
    """Rollouts by the labels that they borrow."""
    found: dict[str, tuple[Rollout, ...]] = {}
    for one in stores.rollouts.by_index(BY_LABEL, borrowers(space)):
        for key, value in labels_of_pods(one, stores).items():
            label = f"{key}={value}"
            found[label] = (*found.get(label, ()), one)
    return found


def _made(found: Iterable[Rollout], stores: Stores) -> tuple[Neighbour, ...]:
    return oldest_first(
        Neighbour(one.metadata.name, labels_of_pods(one, stores), one.metadata.creation_timestamp)
        for one in found
        if _lives(one)
    )


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
    """The Rollouts whose selector may select other pods than before, because *event* changed these pods' labels.

    What is remembered of such labels is forgotten: every event is to be told here, before anybody looks again.
    """
    if kind not in _MAKING:
        return frozenset()
    old, new = (_labels(kind, found, stores).items() for found in (event.old, event.new))
    if old == new and not _is_another(event):
        return frozenset()
    space = event.key.namespace
    stores.memory.unshare(space)
    names = ("", *(f"{key}={value}" for key, value in old | new))
    return frozenset(reader for name in names for reader in stores.memory.readers(Ref(ROLLOUT, space, name)))


def _labels(kind: Kind, found: Any, stores: Stores) -> dict[str, str]:
    if found is None:
        return {}
    if kind == ROLLOUT:
        return labels_of_pods(found, stores) if _lives(found) else {}
    # a ReplicaSet that a Rollout made lends nothing
    return {} if HASH_LABEL in found.metadata.labels else labels_in(template_of(found))


def _is_another(event: Event[Any]) -> bool:
    """A list shows a successor of the same name."""
    return event.old is not None and event.new is not None and event.old.metadata.uid != event.new.metadata.uid


def _lives(found: Rollout) -> bool:
    return found.metadata.deletion_timestamp is None
