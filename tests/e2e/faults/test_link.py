"""The network between controller and API server: gone for a quarter of a minute, and back."""

import asyncio

import pytest

from tests.chaos.faults import NONE, Faults, Link
from tests.e2e.faults.course import STEPS, Play, canary, play, went_as_without
from tests.e2e.scene import Scene, pause, weight

# Begins in the first pause, and is longer than the rest of that and any request together may take.
OUTAGE = 16.0
SEEN = [weight(25), pause(4), *STEPS[2:]]


@pytest.mark.parametrize("link", [Link.CUT, Link.REFUSED])
async def test_gone_in_mid_release_and_back(scene: Scene, link: Link):
    async with play(scene, strategy=canary(steps=SEEN)) as one:
        await scene.image("web:v2")
        await scene.step(1)
        mark = len(one.mine)
        one.proxy.faults = Faults(link=link)
        await asyncio.sleep(OUTAGE)
        one.load.mark("mended")
        during = len(one.mine) - mark
        assert one.chronicle.weights()[-1] == 25
        await scene.until("unready", lambda: is_ready(one, 503))
        one.proxy.faults = NONE
        await one.over()
        # what was under way when it was cut arrives, and its answer does not
        await went_as_without(one, told_all=link is Link.REFUSED)
        await scene.until("ready", lambda: is_ready(one, 200))
        await scene.until("failures told", one.fails)
        assert one.load.report().phase("start").share_of("v2") > 0
    assert during <= 20
    assert len(one.mine) - mark <= 200, one.asked()
    assert one.controller.said("reconcile failed")
    if link is Link.REFUSED:
        told = one.controller.said("kind unavailable", kind="rollouts")
        assert [entry["why"].startswith("cannot be watched: Unreachable") for entry in told] == [True]
        assert len(one.controller.said("kind available again", kind="rollouts")) == 1


async def is_ready(one: Play, status: int) -> bool:
    return await one.controller.ready() == status
