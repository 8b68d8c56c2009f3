"""What all the others are held against."""

import pytest

from tests.e2e.faults.course import GATEWAY_API, NGINX, canary, play, said, went_as_without
from tests.e2e.scene import Scene


@pytest.mark.parametrize("routing", [NGINX, GATEWAY_API], ids=["nginx", "gateway"])
async def test_a_release_without_faults(scene: Scene, routing):
    async with play(scene, strategy=canary(routing)) as one:
        await one.release()
        await went_as_without(one)
        asked = one.asked()
    assert asked["POST replicasets"] == 1
    assert asked["PATCH rollouts/status"] <= 24, asked
    assert sum(asked.values()) <= 90, asked
    assert (await said(scene))["ReconciliationError"] == 0
    assert one.controller.complaints() == []
