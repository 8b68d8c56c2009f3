"""The controller as a whole: scopes that nest, from the probes outside to the workers inside.

Nesting is the start order and, reversed, the stop order: probes, Lease, watches, first sync, workers.
"""

import asyncio
import gc
import socket
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, disable_created_metrics

from rollouts.api.meta import Key, Kind
from rollouts.controllers.refusals import complaint
from rollouts.controllers.stores import ESSENTIAL
from rollouts.controllers.team import Team
from rollouts.kube.client import Call, Client
from rollouts.kube.lease import Lease
from rollouts.runtime import lifecycle
from rollouts.runtime.clock import Clock, ServerClock, SystemClock
from rollouts.runtime.contact import Contact
from rollouts.runtime.lifecycle import Patience, background, until
from rollouts.runtime.metrics import RequestMetrics
from rollouts.runtime.probes import Health, serve_health, serve_metrics
from rollouts.settings import Settings, release

log = structlog.get_logger("rollouts.controller")


READS: Final = frozenset({"Get", "List", "Watch"})


class Role(StrEnum):
    """What this replica is doing."""

    STANDBY = "standing by"
    READER = "reading what there is before work begins"
    WORKER = "at work"


@dataclass
class Readiness:
    """What /readyz says: a standby is ready to take over, a leader is once it has seen everything.

    Neither is while the API server does not answer, nor a leader that may not see what every Rollout needs.
    """

    contact: Contact
    role: Role = Role.STANDBY
    refused: Callable[[], Mapping[Kind, str]] = dict

    def health(self) -> Health:
        """At this moment."""
        trouble = self.contact.trouble
        if trouble:
            return Health(False, trouble)
        refused = self.refused()
        is_blind = self.role is Role.READER or not ESSENTIAL.isdisjoint(refused)
        said = complaint(refused)
        return Health(not is_blind, f"{self.role}; {said}" if said else self.role)


@dataclass(frozen=True)
class Listener:
    """Hears of every request to the API server, on behalf of all who want to know."""

    metrics: RequestMetrics
    contact: Contact
    clock: ServerClock

    def observe(self, call: Call) -> None:
        """One request is over."""
        self.metrics.observe(call)
        self.contact.hear(call.status, is_write=call.verb not in READS)
        # what answers instead of the API server may have a clock of its own
        if 200 <= call.status < 300:
            self.clock.hear(call.date, call.seconds)


def main(settings: Settings) -> int:
    """Run until SIGTERM; returns the exit code. A second SIGTERM ends the process at once."""
    disable_created_metrics()  # type: ignore[no-untyped-call]

    async def serve(stop: asyncio.Event) -> None:
        await run(settings, stop, SystemClock())

    return lifecycle.run(serve)


async def run(settings: Settings, stop: asyncio.Event, own: Clock) -> None:
    """Serve probes, wait for the Lease, work; until *stop* is set. *own* is this machine's clock."""
    registry, clock = _registry(), ServerClock(own)
    listener = Listener(RequestMetrics(registry), Contact(own.monotonic), clock)
    readiness = Readiness(listener.contact)
    async with (
        until(stop) as patience,
        _connected(settings, listener) as client,
        background(
            metrics=serve_metrics(registry, settings.metrics_port, settings.bind_address),
            health=serve_health(readiness.health, settings.health_port, settings.bind_address),
        ),
        leading(settings, client, clock) as fenced,
    ):
        team = Team(settings, fenced, clock, registry, listener.metrics)
        await _work(team, readiness, patience, stop)


async def _work(team: Team, readiness: Readiness, patience: Patience, stop: asyncio.Event) -> None:
    readiness.role, readiness.refused = Role.READER, team.refused
    async with team.watching():
        await team.synced()
        # what is loaded now stays: the collector need not look at it again and again
        gc.collect()
        gc.freeze()
        readiness.role = Role.WORKER
        patience.wait()
        await team.work(stop)


@asynccontextmanager
async def leading(settings: Settings, client: Client, clock: Clock) -> AsyncIterator[Client]:
    """Give the body a client that may write: while we hold the Lease, or always where nobody elects."""
    if not settings.leader_elect:
        yield client
        return
    key = Key(settings.own_namespace, settings.lease_name)
    lease = Lease(
        client,
        key,
        f"{socket.gethostname()}_{uuid.uuid4()}",
        clock=clock,
        duration=settings.lease_duration.total_seconds(),
        renew_deadline=settings.renew_deadline.total_seconds(),
        retry=settings.retry_period.total_seconds(),
    )
    log.info("waiting for the lease", lease=str(key))
    async with lease.held():
        yield client.fenced(lease.check)


@asynccontextmanager
async def _connected(settings: Settings, listener: Listener) -> AsyncIterator[Client]:
    async with Client.connect(
        kubeconfig=settings.kubeconfig,
        context=settings.context,
        # its first word is the field manager of what we create
        user_agent=f"rollouts-controller/{release()}",
        qps=settings.qps,
        burst=settings.burst,
        observe=listener.observe,
    ) as client:
        yield client


def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    # memory, time on a processor, open files: what dashboards of any controller show
    ProcessCollector(registry=registry)
    for name in ("argo_rollouts_controller_info", "build_info"):
        Gauge(name, "Version of the controller", ["version"], registry=registry).labels(release()).set(1)
    return registry
