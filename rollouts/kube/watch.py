"""When to list, when to watch and how long to wait before: a state machine without I/O, errors as values.

    Listing ──listed──▶ Watching ──closed, broken──▶ Watching, from where it stopped
       ▲                    │
       └── expired, gone ───┘

Waits follow from counted failures: the first is short, each further one twice as long. Only a watch that
lived for `STEADY` seconds clears the count, so that no answer of the server can make us spin.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec

from rollouts.kube.errors import ApiError, Gone, NotFound, Status, error_of_status
from rollouts.kube.objects import named

STEADY: Final = 1.0
FIRST_WAIT: Final = 0.8
LONGEST_WAIT: Final = 30.0
UNSERVED_WAIT: Final = 30.0


@dataclass(frozen=True)
class Listing:
    """List everything after *wait* seconds. *served* is False where the API server does not know the kind."""

    wait: float = 0.0
    failures: int = 0
    served: bool = True


@dataclass(frozen=True)
class Watching:
    """Watch from *version* after *wait* seconds."""

    version: str
    wait: float = 0.0
    failures: int = 0


State = Listing | Watching


class Change(StrEnum):
    """What happened to an object."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


@dataclass(frozen=True)
class Changed:
    """An object as it is now (for DELETED: as it last was), still undecoded."""

    change: Change
    body: bytes


@dataclass(frozen=True)
class Bookmark:
    """Nothing has happened up to *version*."""

    version: str


@dataclass(frozen=True)
class Broken:
    """The watch is over. *lost_place*: resuming from the last version will not do, list again."""

    error: ApiError
    lost_place: bool


class _Line(msgspec.Struct):
    type: str
    object: msgspec.Raw


def read_line(line: bytes) -> Changed | Bookmark | Broken:
    """One line of a watch; anything but the five types of the API is `Broken`."""
    try:
        event = msgspec.json.decode(line, type=_Line)
        if event.type == "BOOKMARK":
            return Bookmark(named(event.object).version)
        if event.type == "ERROR":
            said = msgspec.json.decode(event.object, type=Status)
            return Broken(error_of_status(said.code, said), lost_place=True)
        return Changed(Change(event.type), bytes(event.object))
    except (msgspec.MsgspecError, ValueError):
        return Broken(ApiError(0, "NotAnEvent", line[:200].decode("utf-8", "replace")), lost_place=False)


def listed(state: Listing, version: str) -> Watching:
    """After a list: watch from its version. A failure before it still counts until a watch proves steady."""
    return Watching(version, failures=state.failures)


def list_failed(state: Listing, error: ApiError, spin: float) -> Listing:
    """After a failed list; *spin* in [0, 1) spreads the wait."""
    failures = state.failures + 1
    if isinstance(error, NotFound):
        return Listing(wait=UNSERVED_WAIT * (0.9 + 0.2 * spin), served=False)
    if isinstance(error, Gone) and state.failures == 0:
        return Listing(failures=failures)
    return Listing(_later(failures, error, spin), failures, state.served)


def refused(error: ApiError) -> Broken:
    """A watch that the server answered with an HTTP error, or that the network cut off."""
    return Broken(error, lost_place=isinstance(error, Gone | NotFound))


def watch_ended(state: Watching, broken: Broken | None, lived: float, spin: float) -> State:
    """After a watch of *lived* seconds was closed by the server (*broken* None) or broke.

    A close in less than `STEADY` seconds counts as a failure.
    """
    failures = 0 if lived >= STEADY else state.failures
    if broken is None and lived >= STEADY:
        return Watching(state.version)
    error = broken.error if broken else None
    if broken and broken.lost_place:
        wait = _later(failures, error, spin) if failures else 0.0
        return Listing(wait, failures + 1)
    return Watching(state.version, _later(failures + 1, error, spin), failures + 1)


def _later(failures: int, error: ApiError | None, spin: float) -> float:
    """Seconds to wait after so many failures, and no less than the server asked for."""
    doubled: float = FIRST_WAIT * 2 ** min(failures - 1, 10)
    wait = min(LONGEST_WAIT, doubled) * (0.75 + 0.5 * spin)
    asked = error.retry_after if error is not None else None
    return max(wait, asked or 0.0)
