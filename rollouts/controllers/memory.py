"""What gathering remembers between two looks at a Rollout: values made from it, and which objects it looked at."""

from collections.abc import Callable, Hashable
from typing import Any, Final, NamedTuple, TypeVar

from rollouts.api.meta import Key, Ref
from rollouts.api.rollout import Rollout

Made = TypeVar("Made")
# Far more Rollouts than one controller has; a bound all the same.
MOST: Final = 50_000


class _Values(NamedTuple):
    """Values by slot, each with its stamp, for one generation of one Rollout."""

    uid: str
    generation: int
    slots: dict[str, tuple[Hashable, Any]]


class Memory:
    """Everything here can be lost at any time: it saves work, and it tells whom an object's change concerns."""

    def __init__(self) -> None:
        self._values: dict[Key, _Values] = {}
        self._seen: dict[Key, frozenset[Ref]] = {}
        self._readers: dict[Ref, set[Key]] = {}
        self._shared: dict[str, dict[str, Any]] = {}

    def recall(self, rollout: Rollout, slot: str, stamp: Hashable, make: Callable[[], Made]) -> Made:
        """What was made under *slot* for this generation of *rollout* and this *stamp*, else what *make* gives."""
        slots = self._slots(rollout)
        known = slots.get(slot)
        if known is None or known[0] != stamp:
            known = slots[slot] = (stamp, make())
        made: Made = known[1]
        return made

    def shared(self, namespace: str, slot: str, make: Callable[[], Made]) -> Made:
        """What was made under *slot* of all Rollouts of *namespace*, else what *make* gives."""
        slots = self._shared.setdefault(namespace, {})
        if slot not in slots:
            slots[slot] = make()
        made: Made = slots[slot]
        return made

    def unshare(self, namespace: str) -> None:
        """Something that values of *namespace* were made from has changed."""
        self._shared.pop(namespace, None)

    def looked_at(self, key: Key, refs: frozenset[Ref]) -> None:
        """The newest snapshot of Rollout *key* depends on *refs*, whether these exist or not."""
        before = self._seen.get(key, frozenset())
        if refs == before:
            return
        for ref in before - refs:
            self._unread(ref, key)
        for ref in refs - before:
            self._readers.setdefault(ref, set()).add(key)
        self._seen[key] = refs

    def readers(self, ref: Ref) -> frozenset[Key]:
        """The Rollouts whose newest snapshot depends on *ref*."""
        return frozenset(self._readers.get(ref, ()))

    def forget(self, key: Key) -> None:
        """The Rollout is gone."""
        self.looked_at(key, frozenset())
        self._seen.pop(key, None)
        self._values.pop(key, None)

    def __len__(self) -> int:
        return len(self._values.keys() | self._seen.keys())

    def _slots(self, rollout: Rollout) -> dict[str, tuple[Hashable, Any]]:
        metadata = rollout.metadata
        known = self._values.get(metadata.key)
        if known is None or (known.uid, known.generation) != (metadata.uid, metadata.generation):
            known = self._values[metadata.key] = _Values(metadata.uid, metadata.generation, {})
            if len(self._values) > MOST:
                del self._values[next(iter(self._values))]
        return known.slots

    def _unread(self, ref: Ref, key: Key) -> None:
        readers = self._readers[ref]
        readers.discard(key)
        if not readers:
            del self._readers[ref]
