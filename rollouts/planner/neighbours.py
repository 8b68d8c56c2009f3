"""Other Rollouts whose pods a selector takes for its own. None is refused for it: ReplicaSets select by hash too."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, NamedTuple

from rollouts.api.rollout import LabelSelector
from rollouts.planner.validation.labels import matches

# How many are named; of one more it is only told that there are others. So that a crowd of Rollouts with one selector
# costs each of them a few writes, and not one for each that comes.
NAMED: Final = 3
_EVER: Final = datetime.min.replace(tzinfo=UTC)


class Neighbour(NamedTuple):
    """A Rollout of the same namespace; *labels* are those of the pods that it makes."""

    name: str
    labels: Mapping[str, str]
    created: datetime | None = None


def overlapping(selector: LabelSelector, found: Iterable[Neighbour]) -> tuple[Neighbour, ...]:
    """The first of *found* whose pods *selector* selects: as many as are told of."""
    return tuple(islice((one for one in found if matches(selector, one.labels)), NAMED + 1))


def oldest_first(found: Iterable[Neighbour]) -> tuple[Neighbour, ...]:
    """Those of one second by their names."""
    return tuple(sorted(found, key=_age))


def _age(one: Neighbour) -> tuple[datetime, str]:
    return one.created or _EVER, one.name


def labels_in(template: object) -> dict[str, str]:
    """The labels of a pod template as somebody wrote it: what is no label is left out."""
    found: Any = template
    for name in ("metadata", "labels"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return {key: value for key, value in found.items() if isinstance(value, str)} if isinstance(found, Mapping) else {}
