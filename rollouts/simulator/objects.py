"""Raw objects with the bookkeeping that decisions depend on: resourceVersion, generation, managedFields. No more."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rollouts.api.meta import Json, Kind, Ref
from rollouts.wire import mergepatch
from rollouts.wire.durations import rfc3339

FIELD_MANAGER = "rollouts-controller"


class Refused(Exception):  # noqa: N818
    """The API server would answer 404, 409 or 422: nothing was written."""


class Objects:
    """Objects by their Ref; every write makes a new one, so whoever holds an old one holds a moment.

    *history*: every version of every object with its time, None for a deletion.
    """

    def __init__(self) -> None:
        self.history: list[tuple[datetime, Ref, Json | None]] = []
        self._objects: dict[Ref, dict[str, Any]] = {}
        self._writes = 0

    def get(self, ref: Ref) -> dict[str, Any] | None:
        """The object, or None."""
        return self._objects.get(ref)

    def of(self, kind: Kind) -> list[dict[str, Any]]:
        """All objects of *kind*, in the order of their creation."""
        return [raw for ref, raw in self._objects.items() if ref.kind == kind]

    def version(self, ref: Ref) -> str:
        """The object's resourceVersion; "" when there is none."""
        found = self._objects.get(ref)
        return str(found["metadata"]["resourceVersion"]) if found else ""

    def create(self, ref: Ref, body: Json, now: datetime, manager: str = "") -> dict[str, Any]:
        """Store a new object; raises Refused when there is one of that name."""
        if ref in self._objects:
            raise Refused(f"{ref} exists already")
        metadata = {
            **(body.get("metadata") or {}),
            "name": ref.name,
            "namespace": ref.namespace,
            "uid": f"{ref.kind.plural}-{ref.name}-{self._writes + 1}",
            "generation": 1,
            "creationTimestamp": rfc3339(now),
        }
        return self._store(ref, {**body, "metadata": metadata}, now, manager)

    def patch(self, ref: Ref, patch: Json, now: datetime, *, version: str = "", manager: str = "") -> dict[str, Any]:
        """Merge-patch all but the status; raises Refused when it is gone or, given *version*, no longer that one."""
        old = self._expected(ref, version)
        new = mergepatch.apply(old, {key: value for key, value in patch.items() if key != "status"})
        if mergepatch.same(old, new):
            return old
        if not mergepatch.same(_content(old), _content(new)):
            new["metadata"] = {**new["metadata"], "generation": old["metadata"]["generation"] + 1}
        return self._store(ref, new, now, manager)

    def patch_status(self, ref: Ref, patch: Json, now: datetime, *, version: str = "") -> dict[str, Any]:
        """Merge-patch the status alone; raises Refused as `patch` does."""
        old = self._expected(ref, version)
        status = mergepatch.apply(old.get("status") or {}, patch)
        if mergepatch.same(old.get("status") or {}, status):
            return old
        return self._store(ref, {**old, "status": status}, now, "")

    def delete(self, ref: Ref, now: datetime, version: str = "") -> None:
        """Delete it; raises Refused as `patch` does."""
        self._expected(ref, version)
        del self._objects[ref]
        self.history.append((now, ref, None))

    def _expected(self, ref: Ref, version: str) -> dict[str, Any]:
        found = self._objects.get(ref)
        if found is None:
            raise Refused(f"{ref} does not exist")
        if version and found["metadata"]["resourceVersion"] != version:
            raise Refused(f"{ref} is no longer as it was seen: version {found['metadata']['resourceVersion']}")
        return found

    def _store(self, ref: Ref, body: dict[str, Any], now: datetime, manager: str) -> dict[str, Any]:
        self._writes += 1
        metadata = {**body["metadata"], "resourceVersion": str(self._writes)}
        if manager:
            others = [entry for entry in metadata.get("managedFields") or () if entry["manager"] != manager]
            metadata["managedFields"] = [*others, {"manager": manager, "time": rfc3339(now)}]
        stored = {**body, "metadata": metadata}
        self._objects[ref] = stored
        self.history.append((now, ref, stored))
        return stored


def _content(raw: Json) -> Mapping[str, Any]:
    """What a generation counts: everything but metadata and status."""
    return {key: value for key, value in raw.items() if key not in {"metadata", "status"}}
