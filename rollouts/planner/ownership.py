"""Whose ReplicaSets are whose: found by selector where nobody controls them (contract §1.7)."""

from collections.abc import Mapping

from rollouts.api import keys
from rollouts.api.meta import Json
from rollouts.api.rollout import LabelSelector
from rollouts.api.workloads import ReplicaSet
from rollouts.planner.validation.labels import matches


def adoptable(selector: Json, orphans: tuple[ReplicaSet, ...]) -> tuple[ReplicaSet, ...]:
    """Those of *orphans* that *selector* selects; none where it would select everything."""
    return tuple(found for found in orphans if selector and _is_revision(found) and _selects(selector, found))


def is_stray(selector: Json, owned: ReplicaSet) -> bool:
    """Somebody has taken its labels away: it fits neither *selector* nor its own.

    Its own still fits where a workloadRef moved on to another Deployment, and then its pods are wanted until the new
    ones are there.
    """
    return not _selects(selector, owned) and not _selects(owned.spec.selector, owned)


def _is_revision(found: ReplicaSet) -> bool:
    return keys.HASH_LABEL in found.metadata.labels and found.metadata.deletion_timestamp is None


def _selects(selector: Mapping[str, object], found: ReplicaSet) -> bool:
    return matches(LabelSelector.model_validate(dict(selector)), found.metadata.labels)
