"""At most one of us works: election on a Lease object, as client-go does it on the wire.

Safety rests on three rules. We trust our Lease for *renew_deadline* seconds, counted from before the request that
renewed it was sent; others wait for *duration* seconds counted from after they saw the renewal, and that is longer.
Work is cancelled when our time is up, not when we learn of a rival. The clock counts seconds and is never set.

A process may be stopped at any moment and go on later, which no check can prevent between itself and the network card:
whatever is written carries the version that was seen, or a name that a second one cannot have.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Protocol

import msgspec
import structlog

from rollouts.api.kinds import LEASE
from rollouts.api.meta import Key
from rollouts.kube.client import Client
from rollouts.kube.errors import AlreadyExists, ApiError, Conflict, NotFound, NotLeading, Unreachable

log = structlog.get_logger("rollouts.kube")

_RELEASE_SECONDS: Final = 3.0


class Clock(Protocol):
    """The two readings that the election needs."""

    def now(self) -> datetime:
        """The date, in UTC: written for people to read, never compared."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...


class LeaseLost(Exception):  # noqa: N818 (a state that ended)
    """We were leading and may not be any more."""


class _Seen(NamedTuple):
    """A holder's record as we found it, and our own time of finding it."""

    record: dict[str, Any]
    at: float

    @property
    def holder(self) -> object:
        """Who it names."""
        return self.record.get("holderIdentity")


class Lease:
    """Our candidacy for one Lease object. All durations are in seconds."""

    def __init__(  # noqa: PLR0913 (each is a flag)
        self,
        client: Client,
        key: Key,
        identity: str,
        *,
        clock: Clock,
        duration: float = 15,
        renew_deadline: float = 10,
        retry: float = 2,
    ) -> None:
        if not duration > renew_deadline > retry > 0:
            raise ValueError("a lease needs duration > renew deadline > retry period > 0")
        self._anyone = client.unthrottled().within(retry * 0.9)
        self._leader = self._anyone.fenced(self.check)
        self._key = key
        self._identity = identity
        self._clock = clock
        self._duration = duration
        self._renew_deadline = renew_deadline
        self._retry = retry
        self._leads_until = float("-inf")
        self._claims_until = float("-inf")
        self._seen: _Seen | None = None
        self._stored: dict[str, Any] | None = None
        self._reason = "its time was up"

    @property
    def is_leading(self) -> bool:
        """Whether we may work at this moment."""
        return self._clock.monotonic() < self._leads_until

    def check(self) -> None:
        """For the fence of a client: raise NotLeading unless we may work at this moment."""
        if not self.is_leading:
            raise NotLeading(f"the lease {self._key} is not ours at this moment: nothing is sent")

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Wait until we lead, and run the body while we do.

        Raises LeaseLost where leadership ended before the body; releases it where the body ended first.
        """
        try:
            await self._acquire()
            log.info("leading", lease=str(self._key), identity=self._identity)
            async with asyncio.TaskGroup() as group:
                renewing = group.create_task(self._keep(), name="renew lease")
                yield
                renewing.cancel()
        except BaseExceptionGroup as group_of_errors:
            lost, others = group_of_errors.split((LeaseLost, NotLeading))
            if lost is None or others is not None:
                raise
            raise LeaseLost(f"the lease {self._key} is lost: {self._reason}") from None
        finally:
            await self._release()

    async def _acquire(self) -> None:
        while True:
            try:
                if await self._answered(self._try(self._anyone)):
                    return
            except Conflict:
                log.debug("somebody else wrote the lease", lease=str(self._key))
            except ApiError as error:
                log.warning("cannot take the lease", lease=str(self._key), error=str(error))
            await asyncio.sleep(self._pause())

    async def _answered(self, attempt: Coroutine[Any, Any, bool]) -> bool:
        """Hear what comes of *attempt* even where cancelled meanwhile: what was taken unheard could not be released."""
        async with asyncio.TaskGroup() as group:
            task = group.create_task(_caught(attempt), name="take lease")
            try:
                outcome = await asyncio.shield(task)
            except asyncio.CancelledError:
                await asyncio.wait([task])
                raise
        if isinstance(outcome, ApiError):
            raise outcome
        return outcome

    async def _keep(self) -> None:
        """Renew while we can; raise LeaseLost when time is up or somebody else holds the Lease."""
        while True:
            await asyncio.sleep(min(self._pause(), self._remaining()))
            try:
                async with asyncio.timeout(self._remaining()):
                    await self._renew()
            except (TimeoutError, NotLeading):
                raise self._lost("it could not be renewed in time") from None

    async def _renew(self) -> None:
        while True:
            try:
                if await self._try(self._leader):
                    return
            except ApiError as error:
                log.warning("cannot renew the lease", lease=str(self._key), error=str(error))
            else:
                raise self._lost("it has another holder")
            await asyncio.sleep(self._retry / 4)

    def _lost(self, reason: str) -> LeaseLost:
        self._leads_until = self._claims_until = float("-inf")
        self._reason = reason
        return LeaseLost(reason)

    async def _try(self, client: Client) -> bool:
        """One attempt to take or renew; whether we lead after it. Raises ApiError where we cannot know."""
        found, self._stored = self._stored, None
        if found is None:
            try:
                found = await self._read(client)
            except NotFound:
                return await self._create(client)
        spec: dict[str, Any] = found.get("spec") or {}
        self._observe(spec)
        if not self._may_take(spec):
            return False
        until = self._claims_until = self._clock.monotonic() + self._renew_deadline
        self._stored = _decoded(await client.update(LEASE, self._key, found | {"spec": spec | self._record(spec)}))
        self._leads_until = until
        return True

    async def _read(self, client: Client) -> dict[str, Any]:
        return _decoded(await client.get(LEASE, self._key))

    async def _create(self, client: Client) -> bool:
        until = self._claims_until = self._clock.monotonic() + self._renew_deadline
        body = {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.name,
            "metadata": {"name": self._key.name, "namespace": self._key.namespace},
            "spec": self._record({}) | {"leaseTransitions": 0},
        }
        try:
            self._stored = _decoded(await client.create(LEASE, self._key.namespace, body))
        except AlreadyExists as error:
            raise Conflict(409, "Conflict", str(error)) from error
        self._leads_until = until
        return True

    def _observe(self, spec: dict[str, Any]) -> None:
        """Note when we first saw this record; its own times are another machine's and prove nothing."""
        holder = spec.get("holderIdentity")
        if holder not in {None, "", self._identity} and (self._seen is None or self._seen.holder != holder):
            log.info("another one leads", lease=str(self._key), holder=holder)
        if self._seen is None or self._seen.record != spec:
            self._seen = _Seen(spec, self._clock.monotonic())

    def _may_take(self, spec: dict[str, Any]) -> bool:
        holder = spec.get("holderIdentity")
        if not holder or holder == self._identity or self._seen is None:
            return True
        lasts = float(spec.get("leaseDurationSeconds") or self._duration)
        return self._clock.monotonic() >= self._seen.at + lasts

    def _record(self, spec: dict[str, Any]) -> dict[str, Any]:
        """Our claim, written over the record *spec*."""
        now = micro_time(self._clock.now())
        ours = spec.get("holderIdentity") == self._identity
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": max(1, round(self._duration)),
            "acquireTime": spec.get("acquireTime") if ours else now,
            "renewTime": now,
            "leaseTransitions": int(spec.get("leaseTransitions") or 0) + (not ours),
        }

    async def _release(self) -> None:
        """Hand the Lease to whoever asks next; if that fails it expires by itself.

        Also where we only claimed it and know of no answer: the claim may have been stored.
        """
        until = self._leads_until if self.is_leading else self._claims_until
        self._leads_until = self._claims_until = float("-inf")
        if self._clock.monotonic() >= until:
            return
        client = self._anyone.fenced(lambda: self._still(until))
        try:
            async with asyncio.timeout(_RELEASE_SECONDS):
                while not await self._give_up(client):
                    log.debug("somebody else wrote the lease", lease=str(self._key))
        except (ApiError, NotLeading, TimeoutError) as error:
            log.warning("cannot release the lease", lease=str(self._key), error=str(error) or type(error).__name__)

    async def _give_up(self, client: Client) -> bool:
        """One attempt; False where a renewal of ours, sent before, came between reading and writing."""
        found = await self._read(client)
        spec: dict[str, Any] = found.get("spec") or {}
        if spec.get("holderIdentity") != self._identity:
            return True
        now = micro_time(self._clock.now())
        found["spec"] = spec | {
            "holderIdentity": "",
            "leaseDurationSeconds": 1,
            "acquireTime": now,
            "renewTime": now,
        }
        try:
            await client.update(LEASE, self._key, found)
        except Conflict:
            return False
        log.info("released", lease=str(self._key))
        return True

    def _still(self, until: float) -> None:
        if self._clock.monotonic() >= until:
            raise NotLeading(f"the lease {self._key} may be another's by now")

    def _pause(self) -> float:
        """Seconds between attempts, spread so that candidates do not move in step."""
        return self._retry * (1 + 0.2 * random.random())  # noqa: S311 (a spread, no secret)

    def _remaining(self) -> float:
        return max(0.0, self._leads_until - self._clock.monotonic())


async def _caught(attempt: Coroutine[Any, Any, bool]) -> bool | ApiError:
    """What came of *attempt*; as a value, since an exception would cancel who waits for it."""
    try:
        return await attempt
    except ApiError as error:
        return error


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise Unreachable(f"the answer is not a Lease: {error}") from error


def micro_time(when: datetime) -> str:
    """A Kubernetes MicroTime: RFC 3339 in UTC with exactly six digits."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
