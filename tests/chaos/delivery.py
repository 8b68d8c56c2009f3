"""Watch events on their way through the proxy: late, or only the last of several. Pure: time is an argument."""

from collections import deque
from dataclasses import dataclass

import msgspec

BOOKMARK = "BOOKMARK"


class _Metadata(msgspec.Struct):
    name: str = ""
    namespace: str = ""
    uid: str = ""


class _Object(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


@dataclass
class _Parcel:
    due: float
    line: bytes
    about: str = ""
    type: str = ""


class Delivery:
    """The events of one stream, in order. Events of one window are delivered together, at its end."""

    def __init__(self) -> None:
        self._parcels: deque[_Parcel] = deque()
        self._window_ends = 0.0

    def __len__(self) -> int:
        return len(self._parcels)

    def put(self, line: bytes, now: float, *, delay: float = 0.0, window: float = 0.0) -> None:
        """Take in an event that came at *now*: it is due *delay* seconds later.

        Of what one object went through within *window* seconds only the last is kept.
        """
        if not window:
            self._append(_Parcel(now + delay, line))
            return
        if now >= self._window_ends:
            self._window_ends = now + window
        self._append(self._merged(_parcel(line, self._window_ends + delay)))

    @property
    def next_due(self) -> float | None:
        """When something is to be delivered; None where nothing is on its way."""
        return self._parcels[0].due if self._parcels else None

    def take(self, now: float) -> list[bytes]:
        """What is due."""
        lines = []
        while self._parcels and self._parcels[0].due <= now:
            lines.append(self._parcels.popleft().line)
        return lines

    def _append(self, parcel: _Parcel) -> None:
        if self._parcels:
            # a fault that ends lets nothing overtake
            parcel.due = max(parcel.due, self._parcels[-1].due)
        self._parcels.append(parcel)

    def _merged(self, parcel: _Parcel) -> _Parcel:
        """*parcel*, instead of what is on its way about the same object in the same window."""
        earlier = [one for one in self._parcels if one.about == parcel.about and one.due == parcel.due]
        if not parcel.about or not earlier:
            return parcel
        # a bookmark before what is skipped would say that it had been delivered
        self._parcels = deque(one for one in self._parcels if one not in earlier and one.type != BOOKMARK)
        is_first = any(one.type == "ADDED" for one in earlier) and parcel.type == "MODIFIED"
        if is_first:
            event = msgspec.json.decode(parcel.line, type=_Event)
            line = msgspec.json.encode(_Event("ADDED", event.object)) + b"\n"
            return _Parcel(parcel.due, line, parcel.about, "ADDED")
        return parcel


def _parcel(line: bytes, due: float) -> _Parcel:
    event = msgspec.json.decode(line, type=_Event)
    if event.type not in {"ADDED", "MODIFIED", "DELETED"}:
        return _Parcel(due, line, type=event.type)
    about = msgspec.json.decode(event.object, type=_Object).metadata
    # a successor of the same name is another object
    return _Parcel(due, line, f"{about.namespace}/{about.name}/{about.uid}", event.type)
