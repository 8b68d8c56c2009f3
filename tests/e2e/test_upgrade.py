"""A release in flight under one version's controller is finished by another's, upwards and downwards.

The other version is a wheel that was released, run from the file: what is upgraded from is what people have.
Both versions run as replicas of one Deployment do while it is rolled: the new one stands by, the old one gets SIGTERM
in the middle of something, and ends. No client may notice.
"""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rollouts.api.kinds import ANALYSIS_RUN, POD
from tests.chaos.mortal import Mortal, owned
from tests.e2e.answers import Answers, answering
from tests.e2e.scene import Scene, ingress, pause, rollout, service, weight
from tests.e2e.witness import Witness, witness

RELEASED = next((Path(__file__).parent / "released").glob("rollouts-*.whl"))
# -P: the repository we are in is not what is run.
COMMAND = (sys.executable, "-P", "-m", "rollouts", "controller")
LONG = ("--nginx-settle", "4s")
ANALYSIS = {"analysis": {"templates": [{"templateName": "asked"}]}}
STEPS = [weight(25), pause(), ANALYSIS, weight(50), pause(1), weight(75), pause(1)]
PAUSED, ANALYSED, HALF = 1, 2, 3
ROUTING = {"stableService": "stable", "canaryService": "canary", "trafficRouting": {"nginx": {"stableIngress": "web"}}}
STRATEGY = {"canary": {**ROUTING, "steps": STEPS, "scaleDownDelaySeconds": 1, "abortScaleDownDelaySeconds": 5}}
UP, DOWN = ("released", "ours"), ("ours", "released")


class Course(NamedTuple):
    """A release on its way: who leads it, who will, and what is seen of it."""

    scene: Scene
    leader: Mortal
    successor: Mortal
    seen: Witness

    async def hand_over(self) -> None:
        """The leader ends as a replaced pod does; returns when the successor works."""
        await self.leave()
        await self.scene.until("taken over", lambda: leads(self.successor))

    async def leave(self) -> None:
        """The leader ends."""
        assert await self.leader.stop() == 0

    async def status(self) -> dict[str, Any]:
        return (await self.scene.rollout())["status"]


def controller(scene: Scene, version: str, name: str, flags: tuple[str, ...]) -> Mortal:
    """A replica of the scene's controller, of the version that was *released* or of *ours*."""
    environment = {"PYTHONPATH": str(RELEASED)} if version == "released" else {}
    return Mortal(scene.namespace, *flags, environment=environment, elects=True, name=name, command=COMMAND)


@asynccontextmanager
async def course(scene: Scene, versions: tuple[str, str], *flags: str) -> AsyncIterator[Course]:
    """v1 is there and asked, v2 begins; at the end no request may have failed."""
    leader = controller(scene, versions[0], "first", flags)
    successor = controller(scene, versions[1], "second", flags)
    host = f"{scene.namespace}.example.com"
    async with answering(b'{"ok": true}') as answers, running(scene, leader, successor):
        ours = owned(scene, template(answers)), owned(scene, rollout(STRATEGY))
        await scene.apply(service("stable"), service("canary"), ingress("web", host, "stable"), *ours)
        await scene.phase("Healthy")
        await scene.served(host)
        async with witness(scene.client, scene.namespace) as seen:
            async with scene.load(host, clients=2, rate=50) as load:
                await scene.image("web:v2")
                yield Course(scene, leader, successor, seen)
            report = load.report()
    assert report.total.failed == 0, report.failures[:5]
    assert report.requests > 100


@asynccontextmanager
async def running(scene: Scene, leader: Mortal, successor: Mortal) -> AsyncIterator[None]:
    """The successor stands by once the leader leads."""
    await leader.start()
    try:
        await scene.until("led", lambda: leads(leader))
        await successor.start()
        yield
        assert successor.complaints() == []
    finally:
        await leader.kill()
        await successor.kill()


async def leads(controller: Mortal) -> bool:
    """Whether it has the Lease and has seen everything."""
    return bool(controller.said("leading")) and await controller.ready() == 200


def template(answers: Answers) -> dict[str, Any]:
    """Asks eight times, a second apart."""
    provider = {"web": {"url": answers.address}}
    metric = {"name": "m", "interval": "1s", "count": 8, "successCondition": "result.ok", "provider": provider}
    meta = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate", "metadata": {"name": "asked"}}
    return {**meta, "spec": {"metrics": [metric]}}


async def paused(one: Course) -> None:
    """The release waits for a person."""
    await one.scene.step(PAUSED)


async def analysing(one: Course) -> None:
    """Some measurements are taken, others are to come."""
    await paused(one)
    await one.scene.promote()
    await one.scene.until("measured", lambda: measured(one.scene, 2))


async def settling(one: Course) -> None:
    """The proxy was told another weight, which does not count yet."""
    await analysing(one)
    await one.scene.until("half", lambda: half(one))


async def half(one: Course) -> bool:
    status = await one.status()
    return status["canary"]["weights"]["canary"]["weight"] == 50 and status["currentStepIndex"] == HALF


async def measured(scene: Scene, least: int) -> bool:
    runs = await scene.all(ANALYSIS_RUN)
    results = [result for run in runs for result in run.get("status", {}).get("metricResults", [])]
    return any(len(result.get("measurements", [])) >= least for result in results)


async def in_mid_analysis(one: Course) -> bool:
    runs = await one.scene.runs()
    return list(runs.values()) == ["Running"]


async def at_the_pause(one: Course) -> bool:
    return (await one.status())["currentStepIndex"] == PAUSED


@pytest.mark.timeout(300)
@pytest.mark.parametrize("versions", [UP, DOWN], ids=["upgrade", "downgrade"])
@pytest.mark.parametrize(
    ("reached", "still"),
    [(paused, at_the_pause), (analysing, in_mid_analysis), (settling, half)],
    ids=["paused", "analysing", "settling"],
)
async def test_another_version_finishes_what_was_begun(
    scene: Scene, versions, reached: Callable[[Course], Awaitable[None]], still: Callable[[Course], Awaitable[bool]]
):
    async with course(scene, versions, *(LONG if reached is settling else ())) as one:
        await reached(one)
        await one.leave()
        # As it was left: who takes over may go on at once, and what settles or is measured may be over by then.
        assert await still(one), await one.status()
        await one.hand_over()
        if reached is paused:
            await scene.promote()
        await scene.phase("Healthy", seconds=120)
        await scene.until("old pods gone", lambda: released(one))
    assert one.seen.weights() == [0, 25, 50, 75, 100, 0]
    assert one.seen.steps() == [7, 0, 1, 2, 3, 4, 5, 6, 7]
    assert len(one.seen.runs) == 1
    assert (len(one.seen.came("web:v1")), len(one.seen.came("web:v2"))) == (4, 4)
    assert one.seen.went("web:v2") == set()
    assert await restarts(scene) == 0


async def released(one: Course) -> bool:
    sizes, weights = await one.scene.sizes(), one.seen.weights()
    return sizes == {"web:v1": 0, "web:v2": 4} and weights[-1:] == [0] and set(await one.scene.pods()) == {"web:v2"}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("versions", [UP, DOWN], ids=["upgrade", "downgrade"])
@pytest.mark.parametrize("when", ["asked for", "under way"])
async def test_another_version_finishes_an_abort(scene: Scene, versions, when: str):
    async with course(scene, versions) as one:
        await paused(one)
        if when == "under way":
            await scene.patch({"spec": {"abort": True}})
            await scene.until("aborted", lambda: aborted(one))
        else:
            # nobody who could carry it out: the successor finds it asked for
            await one.leave()
            await scene.patch({"spec": {"abort": True}})
        await one.hand_over()
        assert (await scene.sizes())["web:v2"] == 1
        await scene.phase("Degraded")
        await scene.until("canary gone", lambda: given_up(one))
        assert (await one.status())["abort"] is True
    assert one.seen.weights() == [0, 25, 0]
    assert (len(one.seen.came("web:v1")), one.seen.went("web:v1")) == (4, set())
    assert len(one.seen.came("web:v2")) == 1
    assert await restarts(scene) == 0


async def aborted(one: Course) -> bool:
    return (await one.status()).get("abort") is True


async def given_up(one: Course) -> bool:
    return await one.scene.sizes() == {"web:v1": 4, "web:v2": 0} and one.seen.weights()[-1:] == [0]


async def restarts(scene: Scene) -> int:
    """Of all containers."""
    statuses = [status for pod in await scene.all(POD) for status in pod["status"].get("containerStatuses", [])]
    return sum(status["restartCount"] for status in statuses)


def test_the_other_version_is_the_released_file():
    environment = {**os.environ, "PYTHONPATH": str(RELEASED)}
    script = "import rollouts.controllers.main as one, analysis, trafficrouters as t; print(one.__file__, t.__file__)"
    said = subprocess.run(
        [sys.executable, "-P", "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert said.stdout.count(str(RELEASED)) == 2
