"""The commands of people, on a real cluster, with a controller at work."""

import asyncio
import json
import os
import re
import signal
import sys
from typing import Any, NamedTuple

import pytest

from rollouts.api.kinds import DEPLOYMENT
from tests.e2e.scene import PATIENCE, Scene, ingress, pause, rollout, service, weight

STEPS = [weight(25), pause(), weight(50), pause()]
BASIC = {"canary": {"steps": STEPS, "maxSurge": 1, "maxUnavailable": 0}}
ROUTED = {
    "canary": {
        "stableService": "web-stable",
        "canaryService": "web-canary",
        "trafficRouting": {"nginx": {"stableIngress": "web"}},
        "steps": STEPS,
    }
}


class Said(NamedTuple):
    """What a command printed, and its exit code."""

    out: str
    errors: str
    code: int


class Person:
    """Somebody at a terminal."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    async def begins(self, *words: str) -> asyncio.subprocess.Process:
        command = [sys.executable, "-m", "rollouts", *words, "--namespace", self.scene.namespace]
        return await asyncio.create_subprocess_exec(
            *command,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )

    async def types(self, *words: str) -> Said:
        process = await self.begins(*words)
        out, errors = await process.communicate()
        return Said(out.decode(), errors.decode(), process.returncode or 0)

    async def sees(self, *words: str) -> Any:
        """What a command says as JSON."""
        said = await self.types(*words, "--output", "json")
        assert not said.errors, said
        return json.loads(said.out)

    async def explained(self) -> Any:
        """What the controller makes of it, under the settling times that these tests give it."""
        return await self.sees("explain", "web", "--nginx-settle", "0s")


@pytest.fixture
def person(scene: Scene) -> Person:
    return Person(scene)


async def first_release(scene: Scene, person: Person, strategy: dict[str, Any]) -> None:
    await scene.apply(rollout(strategy))
    said = await person.types("status", "web", "--timeout", "90s")
    assert (said.out.splitlines()[-1], said.code) == ("Healthy", 0)


async def settled(scene: Scene, person: Person) -> Any:
    """Wait until the controller has nothing left to do."""

    async def quiet() -> Any:
        found = await person.explained()
        return found if found["verdict"] == "settled" else None

    return await scene.until("settled", quiet)


async def counts_are(person, wanted):
    found = await person.sees("get", "web")
    return [len(one["replicaSets"][0]["pods"]) for one in found["revisions"]] == wanted


async def test_a_release_is_followed_aborted_retried_and_promoted(scene, person):
    await first_release(scene, person, BASIC)
    assert (await person.types("set", "image", "web", "web=web:v2")).out == "rollout 'web' image updated\n"
    await scene.step(1)
    assert await person.types("status", "web", "--watch=false") == Said("Paused - CanaryPauseStep\n", "", 0)

    found = await person.sees("get", "web")
    assert (found["phase"], found["step"]["index"], found["weight"]["wanted"], found["weight"]["actual"]) == (
        "Paused",
        1,
        25,
        25,
    )
    assert {one["image"]: one["tags"] for one in found["images"]} == {"web:v1": ["stable"], "web:v2": ["canary"]}
    # A pod that is given up is shown until it is gone.
    await scene.until("a pod of v2 and three of v1", lambda: counts_are(person, [1, 3]))
    explained = await settled(scene, person)
    assert {"stage": "take_step", "verdict": "wait", "text": "paused until somebody promotes"} in explained["reasons"]

    assert await person.types("abort", "web") == Said("rollout 'web' aborted\n", "", 0)
    await scene.phase("Degraded")
    said = await person.types("status", "web")
    assert (said.out, said.code) == ("Degraded - RolloutAborted: Rollout aborted update to revision 2\n", 1)
    assert await person.types("retry", "rollout", "web") == Said("rollout 'web' retried\n", "", 0)
    await scene.step(1)
    assert await person.types("promote", "web") == Said("rollout 'web' promoted\n", "", 0)
    await scene.step(3)
    assert await person.types("promote", "web", "--full") == Said("rollout 'web' fully promoted\n", "", 0)
    assert (await person.types("status", "web", "--timeout", "90s")).code == 0
    assert await scene.sizes() == {"web:v1": 0, "web:v2": 4}


async def test_a_tree_of_a_routed_release_says_what_is_verified(scene, person):
    await scene.apply(
        service("web-stable"), service("web-canary"), ingress("web", f"{scene.namespace}.test", "web-stable")
    )
    await first_release(scene, person, ROUTED)
    await person.types("set", "image", "web", "*=web:v2")
    await scene.step(1)
    await settled(scene, person)
    page = (await person.types("get", "rollout", "web")).out
    for piece in (
        "Strategy:     Canary, traffic by nginx",
        "ActualWeight: 25",
        "verified",
        "pause until promoted",
        "(canary)",
    ):
        assert piece in page
    (line,) = (await person.types("list")).out.splitlines()[1:]
    assert line.split()[:7] == ["web", "Canary", "‖", "Paused", "1/4", "25", "25"]


async def test_a_person_pauses_a_release_and_lets_it_go_on(scene, person):
    await first_release(scene, person, BASIC)
    assert await person.types("pause", "web") == Said("rollout 'web' paused\n", "", 0)
    await person.types("set", "image", "web", "web=web:v2")
    await scene.phase("Paused")
    assert (await person.types("status", "web", "--watch=false")).out == "Paused - manually paused\n"
    assert (await person.types("promote", "web")).code == 0
    await scene.phase("Progressing", "Paused")
    assert not (await scene.rollout())["spec"].get("paused")


async def test_an_image_is_set_in_the_workload_that_a_rollout_refers_to(scene, person):
    template = rollout(BASIC)["spec"]
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "app"},
        "spec": {"replicas": 0, "selector": template["selector"], "template": template["template"]},
    }
    referring = rollout(BASIC, workloadRef={"apiVersion": "apps/v1", "kind": "Deployment", "name": "app"})
    del referring["spec"]["template"], referring["spec"]["selector"]
    await scene.apply(deployment, referring)
    await scene.phase("Healthy")
    said = await person.types("set", "image", "web", "web=web:v2")
    assert said.out == "rollout 'web' image updated in Deployment 'app'\n"
    assert (await scene.get(DEPLOYMENT, "app"))["spec"]["template"]["spec"]["containers"][0]["image"] == "web:v2"
    await scene.step(1)


async def test_an_invalid_rollout_is_explained_with_the_field_at_fault(scene, person):
    await scene.apply(rollout(ROUTED))
    await scene.phase("Degraded")
    said = await person.types("explain", "web")
    assert said.code == 3
    assert 'spec.strategy.canary.stableService: Invalid value: "web-stable": service "web-stable" not found' in said.out


async def test_a_bug_report_is_explained_without_the_cluster(scene, person, tmp_path):
    await first_release(scene, person, BASIC)
    await person.types("set", "image", "web", "web=web:v2")
    await scene.step(1)
    await settled(scene, person)
    file = tmp_path / "bug.yaml"
    file.write_text((await person.types("snapshot", "web")).out)
    said = await person.types("explain", "--filename", str(file))
    assert (said.out, said.code) == ((await person.types("explain", "web")).out, 0)


async def test_a_watch_tells_a_release_line_by_line(scene, person):
    await first_release(scene, person, BASIC)
    watching = await person.begins("get", "web", "--watch")
    first = await watching.stdout.readline()
    await person.types("set", "image", "web", "web=web:v2")
    # it has watches of its own, of several kinds: what it has not told yet when the Rollout goes, it never tells
    async with asyncio.timeout(PATIENCE):
        await heard(watching, "image web:v2 is canary", "pod web-.*")
    await scene.step(1)
    await scene.kubectl("delete", "rollout", "web")
    _, errors = await watching.communicate()
    assert (first, errors.decode()) == (
        b"Name:         web\n",
        f"error: Rollout 'web' in namespace '{scene.namespace}' was deleted\n",
    )


async def heard(watching: asyncio.subprocess.Process, *words: str) -> None:
    """Read on until lines were told that are like each of *words*; fails where it ends before."""
    missing, seen = set(words), ""
    async for line in watching.stdout:
        seen += line.decode()
        told = line.decode().rstrip("\n").partition("  ")[2]
        missing -= {word for word in missing if re.fullmatch(word, told)}
        if not missing:
            return
    raise AssertionError(f"it ended without {missing}: {seen}")


@pytest.fixture
def at_a_terminal():
    """What is begun hears of Ctrl-C, though these tests may run in the background of a script, which never does."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("at_a_terminal")
async def test_a_watch_ends_with_ctrl_c(scene, person):
    await first_release(scene, person, BASIC)
    watching = await person.begins("get", "web", "--watch")
    await watching.stdout.readline()
    watching.send_signal(signal.SIGINT)
    _, errors = await watching.communicate()
    assert (watching.returncode, errors) == (130, b"")
