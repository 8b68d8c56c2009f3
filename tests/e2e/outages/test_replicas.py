"""Two replicas: whatever befalls the one that leads, the other brings the release to the same end."""

import asyncio
import sys
from datetime import datetime

import pytest

from rollouts.api.kinds import ROLLOUT
from rollouts.runtime.clock import SystemClock
from tests.chaos.faults import BESIDE, NONE, Faults, Link
from tests.chaos.mortal import COMMAND
from tests.e2e.faults.course import canary
from tests.e2e.outages.replicas import Watched, is_alive, leads, none_lost, pair, says, watched
from tests.e2e.scene import Scene, pause, weight

# Long enough to be asked how it is while it tries to renew.
PATIENT = ("--leader-election-lease-duration=15s", "--leader-election-renew-deadline=10s",
           "--leader-election-retry-period=1s")  # fmt: skip
SLOW = ("--leader-election-lease-duration=120s", "--leader-election-renew-deadline=90s",
        "--leader-election-retry-period=1s")  # fmt: skip


async def test_the_leader_is_killed(scene: Scene):
    async with pair(scene) as (first, second), watched(scene) as release:
        await scene.image("web:v2")
        await release.weight(25)
        first.process.strike()
        await scene.until("the other leads", lambda: leads(second))
        await release.ends_as_without()
        await scene.until("at work", lambda: says(second, "ok: at work"))
    none_lost(release)
    assert len(second.process.said("another one leads")) == 1


async def test_the_leader_is_told_to_end(scene: Scene):
    """It hands over at once: nobody waits for the two minutes after which its Lease would expire."""
    async with pair(scene, *SLOW) as (first, second), watched(scene) as release:
        await scene.image("web:v2")
        await release.weight(25)
        assert await first.process.stop() == 0
        await scene.until("the other leads", lambda: leads(second), seconds=30)
        await release.ends_as_without()
    none_lost(release)
    assert len(first.process.said("released")) == 1
    assert first.process.complaints() == []


# At 50 the first is started anew, which may take a while; the rest of that pause passes while the second is frozen.
BETWEEN = [weight(25), pause(4), weight(50), pause(12), weight(75), pause(2)]


async def test_the_leader_is_frozen_and_thawed_again(scene: Scene):
    """Both in turn. Thawed, it finds its time up, asks for nothing more, and ends."""
    async with pair(scene) as (first, second), watched(scene, strategy=canary(steps=BETWEEN)) as release:
        await scene.image("web:v2")
        for frozen, other, reached, next_one in ((first, second, 25, 50), (second, first, 50, 75)):
            await release.weight(reached)
            led = other.has_led
            frozen.process.freeze()
            await scene.until("the other leads", lambda other=other, led=led: leads(other, led))
            assert await frozen.healthz() == ""
            await release.weight(next_one)
            mark = len(frozen.proxy.seen)
            frozen.process.thaw()
            assert await frozen.process.ended() == 1
            # neither before nor after its last renewal's end: what it asked for is what it had asked for
            assert frozen.proxy.since(mark) == []
            await frozen.process.start()
            await scene.until("back as standby", lambda frozen=frozen: says(frozen, "ok: standing by"))
        await release.ends_as_without()
    none_lost(release)
    for one in (first, second):
        (ended,) = one.process.said("the process ends: a part of it died")
        assert ended["error"].startswith("LeaseLost: the lease argo-rollouts/")
    assert (first.has_led, second.has_led) == (2, 1)


@pytest.mark.parametrize("link", [Link.CUT, Link.REFUSED])
async def test_the_leader_is_cut_off(scene: Scene, link: Link):
    """It stops before another may begin; what hung in the network arrives when all is over, and changes nothing."""
    async with pair(scene, *PATIENT) as (first, second), watched(scene) as release:
        await scene.image("web:v2")
        await release.weight(25)
        mark = len(first.proxy.seen)
        first.proxy.faults = Faults(link=link)
        await scene.until("unready", lambda: says(first, "not ready: the API server has answered no"))
        await scene.until("alive", lambda: is_alive(first))
        assert await first.process.ended() == 1
        await scene.until("the other leads", lambda: leads(second))
        since = asyncio.get_running_loop().time()
        await release.weight(50)
        during = len(first.proxy.seen) - mark
        first.proxy.faults = NONE
        await release.ends_as_without()
        late = [one for one in first.proxy.since(mark) if one.at >= since]
    none_lost(release)
    assert during <= 20
    assert [one for one in late if one.was_carried_out and one.about.resource not in BESIDE] == []
    (ended,), (led,) = first.process.said("the process ends: a part of it died"), second.process.said("leading")
    assert ended["time"] < led["time"]
    (trouble,) = first.process.said("trouble with the API server")
    assert "answered no" in trouble["why"]


DIFFERS = "dates are the API server's: our clock differs"
# Longer than it takes the other to lead.
PAUSE = 12
# A pause counts from a whole second, of a clock that knows the API server's to half a second.
ROUNDED = 2
PAUSED = [weight(25), pause(PAUSE), weight(50), pause(2), weight(75), pause(2)]


@pytest.mark.parametrize("seconds", [300, -300])
async def test_one_of_them_has_another_date(scene: Scene, seconds: int):
    """It begins a pause, the other ends it: neither five minutes later nor at once."""
    shifted = (sys.executable, "-m", "tests.e2e.outages.shifted", str(seconds))
    async with (
        pair(scene, commands=(shifted, COMMAND)) as (first, second),
        watched(scene, strategy=canary(steps=PAUSED)) as release,
    ):
        await scene.image("web:v2")
        began = (await scene.step(1))["status"]["pauseConditions"][0]["startTime"]
        assert abs((SystemClock().now() - datetime.fromisoformat(began)).total_seconds()) < 30
        first.process.strike()
        await scene.until("the other leads", lambda: leads(second))
        await release.ends_as_without()
        at_pause, after = (step_at(release, index) for index in (1, 2))
    none_lost(release)
    assert after - at_pause >= PAUSE - ROUNDED
    (told,) = first.process.said(DIFFERS)
    assert abs(told["seconds"] - seconds) < 5
    assert second.process.said(DIFFERS) == []


def step_at(release: Watched, index: int) -> float:
    """When the Rollout's status first showed the step, after the release began."""
    changes = release.chronicle.of(ROLLOUT)
    return next(change.at for change in changes if change.body.get("status", {}).get("currentStepIndex") == index)
