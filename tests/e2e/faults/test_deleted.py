"""What a release leans on is deleted by hand while it leans on it: a run, a template, a Secret, the whole namespace."""

import asyncio
import base64
from typing import Any

import pytest

from rollouts.api.kinds import ANALYSIS_RUN, NAMESPACE, ROLLOUT, SECRET
from rollouts.api.meta import Key
from rollouts.kube.errors import NotFound
from tests.chaos.mortal import owned
from tests.e2e.answers import Answers, answering
from tests.e2e.faults.course import AFTER_VERDICT, GONE, JUDGED, LATEST, PLAIN, Play, canary, play, went_as_without
from tests.e2e.faults.monitor import check, monitor
from tests.e2e.faults.test_monitoring import errors, results
from tests.e2e.scene import Scene

LONG = {"interval": "1s", "count": 5}
BACKGROUND = {"templates": [{"templateName": "check"}], "args": LATEST}


async def measured(scene: Scene, times: int) -> str | None:
    """Name of the only run once it has measured so often."""
    runs = await scene.all(ANALYSIS_RUN)
    if len(runs) != 1:
        return None
    found = runs[0].get("status", {}).get("metricResults", [])
    return runs[0]["metadata"]["name"] if found and found[0].get("count", 0) >= times else None


@pytest.mark.parametrize("is_inline", [True, False], ids=["inline", "background"])
async def test_a_run_is_asked_again(scene: Scene, is_inline: bool):
    strategy = canary(steps=JUDGED) if is_inline else canary(analysis=BACKGROUND)
    course = AFTER_VERDICT if is_inline else PLAIN
    async with monitor() as prometheus, play(scene, check(scene, prometheus, **LONG), strategy=strategy) as one:
        await scene.image("web:v2")
        name = await scene.until("measured", lambda: measured(scene, 1))
        await scene.client.delete(ANALYSIS_RUN, Key(scene.namespace, name))
        await one.over()
        await went_as_without(one, course._replace(runs=2))
        found = (await results(scene))["errors"]
    assert (found["phase"], found["count"]) == ("Successful", 5) if is_inline else (found["phase"], True)
    assert len(one.mine) <= 140, one.asked()


async def test_a_template_is_no_longer_needed(scene: Scene):
    async with (
        monitor() as prometheus,
        play(scene, check(scene, prometheus, **LONG), strategy=canary(steps=JUDGED)) as one,
    ):
        await scene.image("web:v2")
        await scene.until("measured", lambda: measured(scene, 2))
        await scene.kubectl("delete", "analysistemplate", "check")
        await scene.until("measured on", lambda: measured(scene, 5))
        await scene.apply(check(scene, prometheus, **LONG))
        await one.over()
        await went_as_without(one, AFTER_VERDICT)
        assert (await results(scene))["errors"]["phase"] == "Successful"


def secret() -> dict[str, Any]:
    encoded = base64.b64encode(b"open sesame").decode()
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "token"}, "data": {"key": encoded}}


def guarded(scene: Scene, answers: Answers) -> dict[str, Any]:
    """A template whose metric server wants a token."""
    provider = {"url": answers.address, "headers": [{"key": "Authorization", "value": "Bearer {{args.token}}"}]}
    patient = {**LONG, "consecutiveErrorLimit": 30}
    asked = {"name": "errors", "successCondition": "result.ok", "provider": {"web": provider}, **patient}
    source = {"secretKeyRef": {"name": "token", "key": "key"}}
    spec = {"metrics": [asked], "args": [{"name": "hash"}, {"name": "token", "valueFrom": source}]}
    template = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate", "metadata": {"name": "check"}}
    return owned(scene, {**template, "spec": spec})


async def test_a_secret_is_missed_and_waited_for(scene: Scene):
    async with answering(b'{"ok": true}') as answers:
        before = (secret(), guarded(scene, answers))
        async with play(scene, *before, strategy=canary(steps=JUDGED)) as one:
            await scene.image("web:v2")
            await scene.until("measured", lambda: measured(scene, 1))
            # at once: five measurements are soon made
            await scene.client.delete(SECRET, Key(scene.namespace, "token"))
            (said, *_) = await scene.until("missed", lambda: errors(scene, 1))
            assert one.chronicle.weights()[-1] == 25
            await scene.apply(secret())
            await one.over()
            await went_as_without(one, AFTER_VERDICT)
            found = (await results(scene))["errors"]
    assert 'secrets "token" not found' in said
    assert (found["phase"], found["count"], found["successful"]) == ("Successful", 5, 5)
    assert "open sesame" not in one.controller.log.read_text()


async def test_the_namespace_goes(scene: Scene):
    """In mid-release, with a run at work: the controller lets go of it, without a word too many, and lives on."""
    async with monitor() as prometheus:
        slow = check(scene, prometheus, interval="1s", count=100)
        async with play(scene, slow, strategy=canary(steps=JUDGED)) as one:
            await scene.image("web:v2")
            await scene.until("measured", lambda: measured(scene, 2))
            assert scene.namespace in await one.controller.metrics()
            one.load.mark(GONE)
            before = len(one.mine)
            await scene.client.delete(NAMESPACE, Key("", scene.namespace))
            await scene.until("gone", lambda: is_gone(scene))
            await scene.until("forgotten", lambda: forgotten(one))
            await silence(one)
            assert one.controller.is_running
        assert len(one.mine) - before <= 60, one.asked()
        assert one.controller.complaints() == []


async def silence(one: Play, seconds: float = 5.0) -> None:
    """Wait until nothing was asked for so long: last words may still be on their way. A hot loop never gets there."""
    loop = asyncio.get_running_loop()
    known, since = asked_about(one), loop.time()

    async def is_silent() -> bool:
        nonlocal known, since
        if (now := asked_about(one)) != known:
            known, since = now, loop.time()
        return loop.time() - since >= seconds

    await one.scene.until(f"{seconds:g} s of silence", is_silent)


def asked_about(one: Play) -> list[str]:
    """The controller's requests about the Rollout's namespace but watches, which begin anew now and then."""
    return [seen.name for seen in one.mine if not seen.is_watch]


async def is_gone(scene: Scene) -> bool:
    try:
        await scene.client.get(NAMESPACE, Key("", scene.namespace))
    except NotFound:
        return True
    return not await scene.all(ROLLOUT) and not await scene.all(ANALYSIS_RUN)


async def forgotten(one: Play) -> bool:
    """No series of the namespace is left."""
    return not [line for line in (await one.controller.metrics()).splitlines() if one.scene.namespace in line]
