"""Writes Events without making anybody wait: a bounded queue, and a few tasks that empty it.

The same thing said again of the same object raises the count of its Event instead of making another.
"""

import asyncio
from collections import OrderedDict
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, NamedTuple, Protocol

import msgspec
import structlog

from rollouts.api.kinds import EVENT
from rollouts.api.meta import Json, Key, Kind, Metadata
from rollouts.kube.client import Client, Content
from rollouts.kube.errors import AlreadyExists, ApiError, Conflict, NotFound, ServerFault, TooManyRequests, Unreachable

log = structlog.get_logger("rollouts.kube")

# a kilobyte each; hundreds of releases at once say thousands of things faster than one task writes them
WAITING: Final = 10_000
REMEMBERED: Final = 4096
# an answer takes milliseconds; one request at a time would tell of a hundred releases seconds late
LANES: Final = 4
# 1, 2, 4, … seconds apart: an outage of half a minute loses nothing
TRIES: Final = 6
FIRST_WAIT: Final = 1.0
_PASSING: Final = (TooManyRequests, ServerFault, Unreachable)


class Clock(Protocol):
    """What the recorder needs to know of time."""

    def now(self) -> datetime:
        """The date, in UTC."""
        ...


class _Said(NamedTuple):
    """What makes two Events the same."""

    kind: Kind
    key: Key
    uid: str
    type: str
    reason: str
    message: str


class _Saying(msgspec.Struct):
    """An Event to be written: how often it was said since it was last written, and when."""

    version: str
    first: datetime
    last: datetime
    times: int = 1


class _Written(NamedTuple):
    """An Event of ours at the version we were answered with, "" where no answer came."""

    name: str
    times: int
    version: str


class _Meta(msgspec.Struct, rename="camel"):
    resource_version: str = ""


class _Answer(msgspec.Struct):
    metadata: _Meta = msgspec.field(default_factory=_Meta)


class _Lane:
    """What waits to be written of some objects, in the order in which it was said."""

    def __init__(self) -> None:
        self.waiting: OrderedDict[_Said, _Saying] = OrderedDict()
        self.some = asyncio.Event()
        self.none = asyncio.Event()
        self.none.set()

    def put(self, said: _Said, saying: _Saying) -> None:
        """Wait to be written."""
        self.waiting[said] = saying
        self.some.set()
        self.none.clear()


class Recorder:
    """Records core/v1 Events as *component*. Nothing it does raises; `dropped` counts what is lost.

    Lost is what does not fit, what the API server refuses, and what it does not take within `TRIES` tries.
    Events of one object are written in the order in which they were said; those of others do not wait for them.
    """

    def __init__(self, client: Client, component: str, *, clock: Clock, waiting: int = WAITING) -> None:
        self._client = client
        self._component = component
        self._clock = clock
        self._limit = waiting
        self._lanes = tuple(_Lane() for _ in range(LANES))
        self._written: OrderedDict[_Said, _Written] = OrderedDict()
        self._complained = False
        self._serial = 0
        self.dropped = 0

    def record(self, kind: Kind, about: Metadata, reason: str, message: str, *, warning: bool = False) -> None:
        """Say something of an object; returns at once."""
        now = self._clock.now()
        said = _Said(kind, about.key, about.uid, "Warning" if warning else "Normal", reason, message)
        lane = self._lanes[hash(about.uid or about.key) % LANES]
        saying = lane.waiting.get(said)
        if saying is not None:
            saying.times, saying.last = saying.times + 1, now
        elif self._count() >= self._limit:
            self._drop(said)
        else:
            lane.put(said, _Saying(about.resource_version, now, now))

    def _count(self) -> int:
        return sum(len(lane.waiting) for lane in self._lanes)

    async def run(self) -> None:
        """Write Events until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number, lane in enumerate(self._lanes):
                group.create_task(self._empty(lane), name=f"events {number}")

    async def _empty(self, lane: _Lane) -> None:
        while True:
            await lane.some.wait()
            said, saying = lane.waiting.popitem(last=False)
            await self._write(said, saying)
            if not lane.waiting:
                self._complained = False
                lane.some.clear()
                lane.none.set()

    async def flush(self, within: float) -> None:
        """Wait until everything recorded is written, but no longer than *within* seconds. `run` must be running."""
        try:
            async with asyncio.timeout(within):
                for lane in self._lanes:
                    await lane.none.wait()
        except TimeoutError:
            log.warning("events not written", waiting=self._count())

    async def _write(self, said: _Said, saying: _Saying) -> None:
        name = self._name(said, saying)
        for tried in range(TRIES):
            try:
                self._remember(said, await self._tell(said, saying, name, is_retry=tried > 0))
            except _PASSING as error:
                if tried == TRIES - 1:
                    self._give_up(said, saying, error)
                    return
                await asyncio.sleep(max(FIRST_WAIT * 2**tried, error.retry_after or 0.0))
            except ApiError as error:
                self._give_up(said, saying, error)
                return
            else:
                return

    async def _tell(self, said: _Said, saying: _Saying, name: str, *, is_retry: bool) -> _Written:
        """Count on the Event that says the same, or make one called *name*."""
        known = self._written.get(said)
        if known is not None and known.version:
            try:
                return await self._raise_count(said, saying, known)
            except (Conflict, NotFound) as error:
                # nobody else writes it: a version that is not ours tells that the answer to an earlier try was lost
                if is_retry and isinstance(error, Conflict):
                    return _Written(known.name, known.times + saying.times, "")
                del self._written[said]
        return await self._create(said, saying, name)

    def _remember(self, said: _Said, written: _Written) -> None:
        self._written[said] = written
        self._written.move_to_end(said)
        if len(self._written) > REMEMBERED:
            self._written.popitem(last=False)

    def _give_up(self, said: _Said, saying: _Saying, error: ApiError) -> None:
        self.dropped += saying.times
        self._written.pop(said, None)
        say = log.debug if error.is_namespace_going else log.warning
        say("event not written", reason=said.reason, about=str(said.key), error=str(error))

    async def _raise_count(self, said: _Said, saying: _Saying, written: _Written) -> _Written:
        """Count on an Event, if it is still as we wrote it. Raises NotFound where the server has forgotten it."""
        times = written.times + saying.times
        counted = {"count": times, "lastTimestamp": _seconds(saying.last)}
        body = {"metadata": {"resourceVersion": written.version}, **counted}
        key = Key(_namespace(said), written.name)
        answer = await self._client.patch(EVENT, key, body, content=Content.MERGE, field_manager=self._component)
        return _Written(written.name, times, _version(answer))

    def _name(self, said: _Said, saying: _Saying) -> str:
        # the serial tells apart what is said of one object in one microsecond
        self._serial = (self._serial + 1) % 1000
        # what is cut off may leave an end that no name may have
        return f"{said.key.name[:220].rstrip('-.')}.{int(saying.first.timestamp() * 1e6) * 1000 + self._serial:x}"

    async def _create(self, said: _Said, saying: _Saying, name: str) -> _Written:
        version = ""
        # a name that is taken is ours: the answer to an earlier try was lost
        with suppress(AlreadyExists):
            version = _version(await self._client.create(EVENT, _namespace(said), self._body(name, said, saying)))
        return _Written(name, saying.times, version)

    def _body(self, name: str, said: _Said, saying: _Saying) -> Json:
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": _namespace(said)},
            "involvedObject": {
                "apiVersion": said.kind.api_version,
                "kind": said.kind.name,
                "name": said.key.name,
                "namespace": said.key.namespace,
                "uid": said.uid,
                "resourceVersion": saying.version,
            },
            "type": said.type,
            "reason": said.reason,
            "message": said.message,
            "source": {"component": self._component},
            "reportingComponent": self._component,
            "firstTimestamp": _seconds(saying.first),
            "lastTimestamp": _seconds(saying.last),
            "count": saying.times,
        }

    def _drop(self, said: _Said) -> None:
        self.dropped += 1
        if not self._complained:
            self._complained = True
            log.warning("events come faster than they can be written: some are dropped", about=str(said.key))


def _namespace(said: _Said) -> str:
    """Where an Event lives: with its object, or in `default` for objects without a namespace."""
    return said.key.namespace or "default"


def _version(answer: bytes) -> str:
    try:
        return msgspec.json.decode(answer, type=_Answer).metadata.resource_version
    except msgspec.MsgspecError:
        return ""


def _seconds(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
