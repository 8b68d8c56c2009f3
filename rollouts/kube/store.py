"""The newest known object per key, and which of our own writes it has not shown yet.

Everything here is synchronous: without an `await` no other task runs, so what one function reads is one moment.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from rollouts.api.meta import Key, Metadata
from rollouts.kube.watch import Change

PATIENCE: Final = 30.0


class HasMetadata(Protocol):
    """What the store needs to know of an object."""

    @property
    def metadata(self) -> Metadata:
        """Name, versions and labels."""
        ...


T = TypeVar("T", bound=HasMetadata)
Index = Callable[[T], Iterable[str]]


@dataclass(frozen=True)
class Event(Generic[T]):
    """One change of the store: *old* is None for ADDED, *new* for DELETED."""

    type: Change
    old: T | None
    new: T | None

    @property
    def key(self) -> Key:
        """Whose change this is."""
        found = self.new if self.new is not None else self.old
        return found.metadata.key if found is not None else Key("", "")


class _Expected(NamedTuple):
    version: str
    uid: str
    until: float


class Store(Generic[T]):
    """Objects by key and by index. *clock* counts seconds and never goes back.

    *refused*: the verb, `list` or `watch`, that our account may not use, so that what is held gets old; "" for none.
    """

    def __init__(
        self, indexes: Mapping[str, Index[T]] | None = None, *, clock: Callable[[], float], patience: float = PATIENCE
    ) -> None:
        self._objects: dict[Key, T] = {}
        self._indexes = dict(indexes or {})
        self._found: dict[tuple[str, str], dict[Key, None]] = {}
        self._clock = clock
        self._patience = patience
        self._expected: dict[Key, _Expected] = {}
        self._unreadable: dict[Key, str] = {}
        self.version = ""
        self.synced = False
        self.served = True
        self.refused = ""
        self.expired = 0

    def __len__(self) -> int:
        return len(self._objects)

    def get(self, key: Key) -> T | None:
        """The newest known object of that key."""
        return self._objects.get(key)

    def all(self) -> Iterable[T]:
        """Every known object."""
        return self._objects.values()

    def by_index(self, index: str, value: str) -> tuple[T, ...]:
        """The objects for which *index* gives *value*. Raises KeyError for an index the store does not have."""
        if index not in self._indexes:
            raise KeyError(index)
        return tuple(self._objects[key] for key in self._found.get((index, value), ()))

    def awaited(self, key: Key) -> str:
        """The version of our own last write to *key* that is not seen yet; "" when there is none."""
        found = self._expected.get(key)
        return found.version if found is not None else ""

    def expect(self, key: Key, resource_version: str) -> None:
        """We wrote *key* and were answered with *resource_version*: until the store has seen it, *key* is stale."""
        if not self._has_seen(key, resource_version):
            self._expected[key] = _Expected(resource_version, "", self._clock() + self._patience)

    def expect_deleted(self, key: Key, uid: str) -> None:
        """We deleted the object with *uid*: until the store has seen it go or terminate, *key* is stale."""
        held = self._objects.get(key)
        if held is not None and _lives(held, uid):
            self._expected[key] = _Expected("", uid, self._clock() + self._patience)

    def is_stale(self, key: Key) -> bool:
        """Whether decisions on *key* must wait, because the store has not caught up with our own write.

        An expectation that is not met in time is dropped and counted in `expired`: preconditions of writes
        still guard against the worst. An object that could not be decoded stays stale until it can.
        """
        return key in self._unreadable or self._waits_for(key)

    def pending(self, namespace: str = "") -> frozenset[Key]:
        """The stale keys, of *namespace* or of all."""
        keys = (*self._expected, *self._unreadable)
        return frozenset(key for key in keys if namespace in ("", key.namespace) and self.is_stale(key))

    def apply(self, change: Change, found: T) -> Event[T] | None:
        """Take in one change from the watch; return what it means, or None where nothing is new."""
        meta = found.metadata
        self.advance(meta.resource_version)
        event = self._drop(meta.key) if change is Change.DELETED else self._put(found)
        self._settle(meta.key, meta.resource_version)
        return event

    def replace(self, found: Iterable[T], version: str, unreadable: Mapping[Key, str] | None = None) -> list[Event[T]]:
        """Take in a whole list, read at *version*; return the differences.

        *unreadable* are objects of the list that could not be decoded, with the reason: see `unreadable()`.
        """
        events: list[Event[T] | None] = []
        self._unreadable = dict(unreadable or {})
        kept = set(self._unreadable)
        for item in found:
            kept.add(item.metadata.key)
            events.append(self._put(item))
        events += [self._drop(key) for key in self._objects.keys() - kept]
        # not `advance`: of an API server restored from a backup the versions begin again, lower
        self.version = version
        for key in tuple(self._expected):
            self._settle(key, version)
        self.synced = self.served = True
        self.refused = ""
        return [event for event in events if event is not None]

    def unserved(self) -> list[Event[T]]:
        """Take in that the API server does not know the kind: nothing exists, and nothing is expected."""
        events = self.replace((), "")
        self.served = False
        self._expected.clear()
        self.version = ""
        return events

    def unreadable(self, change: Change, key: Key, version: str, why: str) -> Event[T] | None:
        """Take in a change to an object that cannot be decoded: what the store holds of it is out of date."""
        self.advance(version)
        event = self._drop(key) if change is Change.DELETED else None
        if change is not Change.DELETED:
            self._unreadable[key] = why
        self._settle(key, version)
        return event

    def advance(self, version: str) -> None:
        """The store has seen everything up to *version*."""
        if not is_at_least(self.version, version):
            self.version = version

    def _has_seen(self, key: Key, version: str) -> bool:
        held = self._objects.get(key)
        return (_is_number(version) and is_at_least(self.version, version)) or (
            held is not None and held.metadata.resource_version == version
        )

    def _waits_for(self, key: Key) -> bool:
        expected = self._expected.get(key)
        if expected is None:
            return False
        met = self._is_gone(key, expected.uid) if expected.uid else self._has_seen(key, expected.version)
        if not met and self._clock() < expected.until:
            return True
        self.expired += not met
        del self._expected[key]
        return False

    def _settle(self, key: Key, version: str) -> None:
        """Forget an expectation that a change at *version* meets."""
        expected = self._expected.get(key)
        if expected is None:
            return
        if expected.uid:
            met = self._is_gone(key, expected.uid)
        elif _is_number(expected.version):
            met = self._has_seen(key, expected.version)
        else:
            met = key not in self._objects or version == expected.version
        if met:
            del self._expected[key]

    def _is_gone(self, key: Key, uid: str) -> bool:
        held = self._objects.get(key)
        return held is None or not _lives(held, uid)

    def _put(self, found: T) -> Event[T] | None:
        key = found.metadata.key
        old = self._objects.get(key)
        self._unreadable.pop(key, None)
        if old is not None:
            if old.metadata.resource_version == found.metadata.resource_version:
                return None
            self._unindex(key, old)
        self._objects[key] = found
        for entry in self._entries(found):
            self._found.setdefault(entry, {})[key] = None
        return Event(Change.ADDED if old is None else Change.MODIFIED, old, found)

    def _drop(self, key: Key) -> Event[T] | None:
        self._unreadable.pop(key, None)
        old = self._objects.pop(key, None)
        if old is None:
            return None
        self._unindex(key, old)
        return Event(Change.DELETED, old, None)

    def _unindex(self, key: Key, old: T) -> None:
        for entry in self._entries(old):
            keys = self._found[entry]
            del keys[key]
            if not keys:
                del self._found[entry]

    def _entries(self, found: T) -> set[tuple[str, str]]:
        return {(name, value) for name, index in self._indexes.items() for value in index(found)}


def is_at_least(version: str, wanted: str) -> bool:
    """Whether *version* is *wanted* or newer: as integers where both are, as documented since Kubernetes 1.35."""
    if _is_number(version) and _is_number(wanted):
        return int(version) >= int(wanted)
    return version == wanted


def _is_number(version: str) -> bool:
    return version.isascii() and version.isdigit()


def _lives(held: HasMetadata, uid: str) -> bool:
    return held.metadata.uid == uid and held.metadata.deletion_timestamp is None
