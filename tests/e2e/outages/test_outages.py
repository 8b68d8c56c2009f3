"""What everybody uses, away for a while in mid-release: the release ends as without, and costs no request more."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, NamedTuple

import pytest

from rollouts.api.kinds import ANALYSIS_RUN, NAMESPACE
from rollouts.api.meta import Key
from rollouts.kube.errors import ApiError
from rollouts.runtime.clock import SystemClock
from rollouts.sandbox.cluster import Sandbox
from rollouts.sandbox.parts import Part
from tests.chaos.mortal import mortal, owned
from tests.e2e.audit import Audit
from tests.e2e.faults.course import AFTER_VERDICT, JUDGED, canary
from tests.e2e.outages.replicas import (
    QUICK,
    Replica,
    Watched,
    is_alive,
    kept_running,
    none_lost,
    pair,
    says,
    watched,
)
from tests.e2e.scene import Scene, pause, weight

# As deployed: an outage of the API server is longer than its leader trusts its Lease.
USUAL = ("--leader-election-lease-duration=15s", "--leader-election-renew-deadline=10s",
         "--leader-election-retry-period=2s")  # fmt: skip
REQUESTS = 150
PODS_AT_75 = 3


class Outage(NamedTuple):
    """How a part goes away and comes back, and for how long."""

    name: str
    begin: Callable[[Part], None]
    end: Callable[[Part], None]
    seconds: float


OUTAGES = {
    "API server killed": Outage("kube-apiserver", Part.stop, Part.start, 20),
    "API server frozen": Outage("kube-apiserver", Part.pause, Part.resume, 20),
    "etcd killed": Outage("etcd", Part.stop, Part.start, 10),
}
# The last pods of v1 go once the proxy follows again: like all that Kubernetes has, it waits ever longer between tries.
HELD = [weight(25), pause(4), weight(50), pause(4), weight(75), pause()]


@asynccontextmanager
async def away(scene: Scene, outage: Outage) -> AsyncIterator[None]:
    """The part is away while the body runs, and longer where the body is quick; then the API server serves again."""
    part = Sandbox.load().part(outage.name)
    await asyncio.to_thread(outage.begin, part)
    over = asyncio.get_running_loop().time() + outage.seconds
    try:
        yield
        await asyncio.sleep(over - asyncio.get_running_loop().time())
    finally:
        await asyncio.to_thread(outage.end, part)
    await scene.until("the API server serves", partial(stores, scene))
    if outage.end is Part.start:
        # it would find the API server again within a minute
        await asyncio.to_thread(Sandbox.load().part("kube-controller-manager").restart)


async def stores(scene: Scene) -> bool:
    """Whether something can be written."""
    try:
        await scene.client.within(2).patch(
            NAMESPACE, Key("", scene.namespace), {"metadata": {"labels": {"seen": str(os.getpid())}}}
        )
    except ApiError:
        return False
    return True


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", OUTAGES)
async def test_nothing_can_be_written_for_a_while(scene: Scene, name: str):
    async with (
        pair(scene, *(USUAL if OUTAGES[name].seconds > 10 else QUICK)) as (first, second),
        kept_running(first, second),
        watched(scene, asking=True, strategy=canary(steps=HELD)) as release,
    ):
        await scene.image("web:v2")
        await release.weight(25)
        audit = Audit(scene.namespace)
        async with away(scene, OUTAGES[name]):
            for one in (first, second):
                await scene.until("trouble told", partial(says, one, "not ready: the API server has answered no"))
                await scene.until("alive", partial(is_alive, one))
        await scene.step(5)
        await scene.until("the proxy follows", partial(follows, release))
        await scene.promote()
        await release.ends_as_without()
        for one in (first, second):
            await scene.until("ready again", partial(says, one, "ok: "))
        asked = await audit.quiet()
    none_lost(release)
    assert asked.total() <= REQUESTS, asked
    for one in (first, second):
        told_of_it(one)


async def follows(release: Watched) -> bool:
    """Whether the proxy sends to v2 what is due to it, and to pods that are younger than the outage.

    Weights and endpoints reach it by watches of their own, each of which waits for its own time to try again.
    """
    release.load.mark("now")
    await asyncio.sleep(1)
    now = release.load.report().phase("now")
    pods = {answer.pod for answer in now.answers if answer.version == "v2"}
    return now.share_of("v2") > 0.6 and len(pods) == PODS_AT_75


def told_of_it(one: Replica) -> None:
    """The log says when it began and when it was over, and does not say it all the time."""
    assert one.process.said("trouble with the API server")
    assert one.process.said("the API server answers again") or one.process.said("waiting for the lease")
    assert len(one.process.complaints()) <= 80


@pytest.mark.timeout(300)
async def test_the_proxy_is_restarted(scene: Scene):
    """Requests fail while it is away, and not one before or after."""
    part = Sandbox.load().part("traefik")
    async with mortal(scene) as controller, watched(scene) as release:
        host = f"{scene.namespace}.example.com"
        await scene.image("web:v2")
        await release.weight(25)
        gone = SystemClock().now().timestamp()
        await asyncio.to_thread(part.stop)
        await asyncio.sleep(2)
        await asyncio.to_thread(part.start)
        await scene.served(host)
        back = SystemClock().now().timestamp()
        await release.ends_as_without()
        assert controller.said("reconcile failed") == []
    failures = release.load.report().failures
    assert failures, "the proxy was not away"
    # what was on its way when it went was sent a moment before
    assert [one for one in failures if not gone - 1 <= one.at <= back] == []


@pytest.mark.timeout(300)
async def test_prometheus_is_stopped_and_started_in_mid_analysis(scene: Scene):
    part = Sandbox.load().part("prometheus")
    async with (
        mortal(scene) as controller,
        watched(scene, owned(scene, CHECK), strategy=canary(steps=JUDGED)) as release,
    ):
        await scene.image("web:v2")
        audit = Audit(scene.namespace)
        await scene.until("one measured", partial(counted, scene, "successful", 1))
        await asyncio.to_thread(part.stop)
        await scene.until("errors seen", partial(counted, scene, "error", 1))
        assert release.chronicle.weights()[-1] == 25
        await asyncio.to_thread(part.start)
        await release.ends_as_without(AFTER_VERDICT)
        (run,) = await scene.all(ANALYSIS_RUN)
        asked = await audit.quiet()
    none_lost(release)
    (result,) = run["status"]["metricResults"]
    assert (run["status"]["phase"], result["successful"], result.get("failed", 0)) == ("Successful", 6, 0)
    (said, *_) = [one["message"] for one in result["measurements"] if one["phase"] == "Error"]
    assert "127.0.0.1:9090" in said
    assert asked.total() <= REQUESTS, asked
    assert controller.complaints() == []


async def counted(scene: Scene, what: str, wanted: int) -> bool:
    """Whether so many measurements of the only run ended so."""
    results = [one for run in await scene.all(ANALYSIS_RUN) for one in run.get("status", {}).get("metricResults", [])]
    return any(result.get(what, 0) >= wanted for result in results)


CHECK: dict[str, Any] = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "AnalysisTemplate",
    "metadata": {"name": "check"},
    "spec": {
        "args": [{"name": "hash"}],
        "metrics": [
            {
                "name": "up",
                "interval": "1s",
                "count": 6,
                "consecutiveErrorLimit": 30,
                "successCondition": "result[0] == 1",
                "provider": {"prometheus": {"address": "http://127.0.0.1:9090", "query": "vector(1)"}},
            }
        ],
    },
}
