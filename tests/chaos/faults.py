"""What can go wrong between a controller and its API server, and what the proxy between them has seen."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# Written beside the work: no write of theirs brings a release forward.
BESIDE = frozenset({"events", "leases"})
# As a status: no answer at all, the connection is reset.
RESET = 0


class Link(Enum):
    """The network between controller and API server."""

    UP = "up"
    # no byte passes either way; what hangs is delivered once the link is up again, as TCP does
    CUT = "cut"
    # connections are reset, new ones refused
    REFUSED = "refused"


@dataclass(frozen=True)
class Faults:
    """What goes wrong from now on. Shares are of all writes, from 0 to 1; times are in seconds, 0 for never.

    *refused* writes are answered with one of *refusals* and not passed on; the answers to *lost* ones, which are
    carried out, are replaced by one of *losses*. *reset_every* and *expire_every* end each watch that old, by a
    reset or with 410 Gone; with *gone* new watches are answered with 410. Events of watches are late by *delay*, of
    *late* resources alone if any are named, and of what an object goes through within *window* only the last is told.
    *kill_after* N: the N-th write that counts kills, before its answer arrives.
    """

    refused: float = 0.0
    refusals: tuple[int, ...] = (429, 500)
    retry_after: float = 1.0
    lost: float = 0.0
    losses: tuple[int, ...] = (500, RESET)
    reset_every: float = 0.0
    expire_every: float = 0.0
    gone: bool = False
    delay: float = 0.0
    window: float = 0.0
    link: Link = Link.UP
    kill_after: int = 0
    late: frozenset[str] = frozenset()

    def delay_of(self, resource: str) -> float:
        """How late events of watches of *resource*, a plural, are."""
        return self.delay if not self.late or resource in self.late else 0.0


NONE = Faults()


class About(NamedTuple):
    """What a path names; *resource* is a plural, with the subresource behind a slash."""

    resource: str
    namespace: str
    name: str


class Seen(NamedTuple):
    """One request. *status* is what the client was answered, *passed* what the API server said: 0 where there was no
    answer, or nothing was passed on. *at*, of the loop's clock: when that was said, however late it arrived.
    """

    method: str
    path: str
    at: float
    user: str
    status: int
    passed: int
    is_watch: bool

    @property
    def about(self) -> About:
        """What it was about."""
        return about(self.path)

    @property
    def is_write(self) -> bool:
        """Whether it changes anything."""
        return self.method in WRITES

    @property
    def was_carried_out(self) -> bool:
        """Whether it is a write that the API server accepted."""
        return self.is_write and 200 <= self.passed < 300

    @property
    def name(self) -> str:
        """`PATCH rollouts/status`, `LIST pods`, `WATCH pods`."""
        found = self.about
        method = self.method if found.name or self.is_write else "LIST"
        return f"{'WATCH' if self.is_watch else method} {found.resource}"


def about(path: str) -> About:
    """What *path* names, under /api/VERSION or /apis/GROUP/VERSION."""
    parts = path.strip("/").split("/")
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces":
        namespace, rest = rest[1], rest[2:]
    resource, name, sub = (*rest, "", "", "")[:3]
    return About(f"{resource}/{sub}" if sub else resource, namespace, name)


def counts(method: str, path: str) -> bool:
    """Whether this is a write that brings something forward."""
    return method in WRITES and about(path).resource not in BESIDE


def tally(seen: Iterable[Seen]) -> Counter[str]:
    """Requests by name."""
    return Counter(one.name for one in seen)
