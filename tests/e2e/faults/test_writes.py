"""Writes that are refused, and writes that were carried out although the answer says otherwise or never comes."""

import pytest

from tests.chaos.faults import NONE, RESET, Faults
from tests.e2e.faults.course import GATEWAY_API, NGINX, busiest, canary, play, said, went_as_without
from tests.e2e.scene import Scene

THIRD = 1 / 3


@pytest.mark.parametrize("status", [429, 500])
async def test_a_third_of_writes_is_refused(scene: Scene, status: int):
    async with play(scene, strategy=canary(GATEWAY_API if status == 429 else NGINX)) as one:
        one.proxy.faults = Faults(refused=THIRD, refusals=(status,))
        await one.release(120)
        one.proxy.faults = NONE
        await went_as_without(one)
        seen = one.mine
        metrics = await one.controller.metrics()
    refused = [request for request in seen if request.status == status]
    assert len(refused) >= 5
    # what was refused was tried again, and what was not is not done twice
    assert len(one.proxy.written("POST replicasets")) == 1
    assert len(seen) <= 250, one.asked()
    assert busiest(seen, "PATCH rollouts/status") <= 30, one.asked()
    assert f'status_code="{status}"' in metrics
    if status == 500:
        assert one.controller.said("reconcile failed")
        assert (await said(scene))["ReconciliationError"] > 0


async def test_a_third_of_answers_is_lost(scene: Scene):
    """Carried out, and then 500 or a reset connection: what was done is found out by looking."""
    async with play(scene) as one:
        one.proxy.faults = Faults(lost=THIRD, losses=(500, RESET))
        await one.release(120)
        one.proxy.faults = NONE
        await went_as_without(one, told_all=False)
        seen = one.mine
    lost = [request for request in seen if request.was_carried_out and request.status in {500, RESET}]
    assert {request.status for request in lost} == {500, RESET}
    assert len(lost) >= 5
    assert len(one.proxy.written("POST replicasets")) == 1
    assert len(seen) <= 250, one.asked()
    assert one.controller.said("reconcile failed")
