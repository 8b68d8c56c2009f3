"""Keeps a store up to date with the API server: lists, watches, and begins again as `watch` decides."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Generic, NamedTuple

import msgspec
import structlog

from rollouts.api.meta import Key, Kind
from rollouts.kube.client import Client
from rollouts.kube.errors import ApiError, Forbidden, NotFound, Unreachable
from rollouts.kube.objects import Named, named, split_page
from rollouts.kube.store import Event, Index, Store, T
from rollouts.kube.watch import (
    STEADY,
    Bookmark,
    Broken,
    Change,
    Changed,
    Listing,
    State,
    Watching,
    list_failed,
    listed,
    read_line,
    refused,
    watch_ended,
)

__all__ = ["Change", "Event", "Informer", "Store"]

log = structlog.get_logger("rollouts.kube")

# how long the server keeps a watch open; spread, so that watches do not all end together
WATCH_SECONDS: Final = (290, 590)
# on top of that, how long a watch may be silent: bookmarks come about every minute
SILENCE_SECONDS: Final = 30


class _Unreadable(NamedTuple):
    identity: Named
    why: str


@dataclass
class _Everything(Generic[T]):
    version: str = ""
    found: list[T] = field(default_factory=list)
    unreadable: dict[Key, str] = field(default_factory=dict)


class Informer(Generic[T]):
    """One kind, in one namespace or all, narrowed by a label *selector*.

    *on_event* is called synchronously for each change, after the store shows it. An object that *decode* refuses
    (with ValueError, as msgspec and pydantic do) leaves its key stale in the store.
    """

    def __init__(  # noqa: PLR0913 (named by every caller)
        self,
        kind: Kind,
        decode: Callable[[bytes], T],
        *,
        client: Client,
        namespace: str = "",
        selector: str = "",
        indexes: Mapping[str, Index[T]] | None = None,
        on_event: Callable[[Event[T]], None] = lambda _: None,
    ) -> None:
        self.kind = kind
        self.store: Store[T] = Store(indexes, clock=_seconds)
        self._decode = decode
        self._client = client
        self._namespace = namespace
        self._selector = selector
        self._on_event = on_event
        self._synced = asyncio.Event()
        self._heard = asyncio.Event()
        self._complaint = ""

    async def run(self) -> None:
        """Follow the kind until cancelled."""
        state: State = Listing()
        while True:
            await asyncio.sleep(state.wait)
            match state:
                case Listing():
                    state = await self._list(state)
                case Watching():
                    state = await self._watch(state)

    async def synced(self) -> None:
        """Wait for the first complete list, or the news that the kind is not served."""
        await self._synced.wait()

    async def heard(self) -> None:
        """Wait for the first answer: the same, or the news that our account may not list the kind."""
        await self._heard.wait()

    async def _list(self, state: Listing) -> State:
        try:
            everything = await self._fetch()
        except ApiError as error:
            return self._list_failed(state, error)
        self._tell(self.store.replace(everything.found, everything.version, everything.unreadable))
        self._settle()
        return listed(state, everything.version)

    async def _fetch(self) -> _Everything[T]:
        """All objects, decoded page by page, and the version at which all pages are read."""
        everything: _Everything[T] = _Everything()
        async for page in self._client.pages(self.kind, self._namespace, selector=self._selector):
            try:
                version, bodies = split_page(page)
            except msgspec.MsgspecError as error:
                raise Unreachable(f"the list of {self.kind.plural} is not one: {error}") from error
            everything.version = everything.version or version
            for body in bodies:
                match self._read(body):
                    case _Unreadable(identity=identity, why=why):
                        everything.unreadable[identity.key] = why
                    case item:
                        everything.found.append(item)
        return everything

    def _list_failed(self, state: Listing, error: ApiError) -> State:
        if isinstance(error, NotFound):
            self._complain("not served by this cluster; asking again from time to time")
            self._tell(self.store.unserved())
            self._settle()
        elif isinstance(error, Forbidden):
            self._refuse("list", error)
        else:
            self._complain(f"cannot be listed: {error}")
        return list_failed(state, error, _spin())

    async def _watch(self, state: Watching) -> State:
        began = _seconds()
        version, broken = await self._follow(state.version)
        if broken is not None:
            log.debug("watch broke", kind=self.kind.plural, error=str(broken.error))
        after = watch_ended(Watching(version, failures=state.failures), broken, _seconds() - began, _spin())
        if broken is not None and isinstance(broken.error, Forbidden):
            self._refuse("watch", broken.error)
        # one that breaks is nothing: the next goes on where it stopped
        elif broken is not None and after.failures > 1:
            self._complain(f"cannot be watched: {broken.error}")
        return after

    async def _follow(self, version: str) -> tuple[str, Broken | None]:
        """Take in events until the watch ends; return the version to resume from."""
        seconds = random.randint(*WATCH_SECONDS)  # noqa: S311 (a spread, no secret)
        params = {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": version} | {
            "timeoutSeconds": str(seconds)
        }
        if self._selector:
            params["labelSelector"] = self._selector
        try:
            path = self.kind.path(self._namespace)
            async with (
                self._client.stream(path, params, silence=seconds + SILENCE_SECONDS) as lines,
                self._steadying(),
            ):
                self.store.refused = ""
                async for line in lines:
                    match read_line(line):
                        case Broken() as broken:
                            return version, broken
                        case Bookmark(version=seen):
                            version = seen or version
                            self.store.advance(version)
                        case Changed() as changed:
                            version = self._take_in(changed) or version
        except ApiError as error:
            return version, refused(error)
        return version, None

    def _take_in(self, changed: Changed) -> str:
        """Apply one change; return its version."""
        match self._read(changed.body):
            case _Unreadable(identity=identity, why=why):
                event = self.store.unreadable(changed.change, identity.key, identity.version, why)
                version = identity.version
            case found:
                event = self.store.apply(changed.change, found)
                version = found.metadata.resource_version
        self._tell([event] if event else [])
        return version

    def _settle(self) -> None:
        self._synced.set()
        self._heard.set()

    def _refuse(self, verb: str, error: Forbidden) -> None:
        """Our account may not do that now; a role may be mended at any time."""
        self.store.refused = verb
        self._heard.set()
        said = f"this account may not {verb} it; its role must allow get, list and watch; asking again: {error}"
        self._complain(said)

    def _tell(self, events: list[Event[T]]) -> None:
        for event in events:
            self._on_event(event)

    def _read(self, body: bytes) -> T | _Unreadable:
        try:
            return self._decode(body)
        except (ValueError, msgspec.MsgspecError) as error:
            identity = named(body)
            log.warning("object cannot be read", kind=self.kind.plural, key=str(identity.key), error=str(error))
            return _Unreadable(identity, str(error))

    @asynccontextmanager
    async def _steadying(self) -> AsyncIterator[None]:
        """While a watch is open: once it has lived for a moment, all is well again."""
        timer = asyncio.get_running_loop().call_later(STEADY, self._complain, "")
        try:
            yield
        finally:
            timer.cancel()

    def _complain(self, complaint: str) -> None:
        """Say what is wrong when it begins, and once more when it is over."""
        if complaint and complaint != self._complaint:
            log.warning("kind unavailable", kind=self.kind.plural, why=complaint)
        if self._complaint and not complaint:
            log.info("kind available again", kind=self.kind.plural)
        self._complaint = complaint


def _seconds() -> float:
    return asyncio.get_running_loop().time()


def _spin() -> float:
    return random.random()  # noqa: S311 (a spread, no secret)
