"""The API server's own account of what the controller asked of it."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from rollouts.sandbox.accounts import CONTROLLER_USER

WRITES = ("create", "update", "patch", "delete")


class Asked(NamedTuple):
    """One kind of request; *resource* includes a subresource ("rollouts/status")."""

    verb: str
    resource: str
    status: int

    @property
    def is_write(self) -> bool:
        """Whether it changes something, events and leases aside."""
        return self.verb in WRITES and self.resource not in ("events", "leases")

    @property
    def is_renewal(self) -> bool:
        """Part of leader election."""
        return self.resource == "leases"

    @property
    def is_wasted(self) -> bool:
        """Refused because somebody else was faster."""
        return self.status == 409


class _User(msgspec.Struct):
    username: str


class _Object(msgspec.Struct):
    resource: str = ""
    subresource: str = ""


class _Answer(msgspec.Struct):
    code: int = 0


class _Entry(msgspec.Struct, rename="camel"):
    stage: str
    verb: str
    user: _User
    object_ref: _Object | None = None
    response_status: _Answer | None = None


class Account:
    """Reads the audit log from where it was when this was made."""

    def __init__(self, directory: Path) -> None:
        self._log = directory / "audit.log"
        self._from = self._log.stat().st_size

    def asked(self) -> Counter[Asked]:
        """The controller's requests since then; a watch counts when it begins."""
        return Counter(self._read())

    def count(self, which: Callable[[Asked], bool]) -> int:
        """How many of them are such."""
        return sum(number for asked, number in self.asked().items() if which(asked))

    def _read(self) -> Iterator[Asked]:
        decoder = msgspec.json.Decoder(_Entry)
        with self._log.open("rb") as log:
            log.seek(self._from)
            for line in log:
                if not line.endswith(b"\n"):
                    return
                entry = decoder.decode(line)
                is_counted = (entry.stage == "ResponseStarted") == (entry.verb == "watch")
                if is_counted and entry.user.username == CONTROLLER_USER:
                    yield _asked(entry)


def _asked(entry: _Entry) -> Asked:
    found = entry.object_ref or _Object()
    resource = "/".join(part for part in (found.resource, found.subresource) if part)
    return Asked(entry.verb, resource, entry.response_status.code if entry.response_status else 0)
