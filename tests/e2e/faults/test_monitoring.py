"""A monitoring that is stopped, slow or talks nonsense: waited out, counted, said; then judged as if nothing had been."""

from typing import Any

from rollouts.api.kinds import ANALYSIS_RUN
from tests.e2e.faults.course import AFTER_VERDICT, JUDGED, Play, busiest, canary, play, went_as_without
from tests.e2e.faults.monitor import GARBAGE, check, metric, monitor, monitors
from tests.e2e.scene import Scene

BUDGET = 140
# Whoever puts it right may be slow.
PATIENT = {"consecutiveErrorLimit": 30}


async def results(scene: Scene) -> dict[str, dict[str, Any]]:
    """Of the only run, by metric."""
    (run,) = await scene.all(ANALYSIS_RUN)
    return {result["name"]: result for result in run.get("status", {}).get("metricResults", [])}


async def errors(scene: Scene, wanted: int, *names: str) -> list[str] | None:
    """What the errors of each metric say, once each has as many as *wanted*."""
    if not await scene.all(ANALYSIS_RUN):
        return None
    found = await results(scene)
    chosen = [found[name] for name in names or found if name in found]
    if not chosen or any(result.get("error", 0) < wanted for result in chosen):
        return None
    measured = [one for result in chosen for one in result["measurements"]]
    return [one.get("message", "") for one in measured if one["phase"] == "Error"]


async def judged(one: Play) -> dict[str, dict[str, Any]]:
    """To the end, as without; the results."""
    await one.over()
    await went_as_without(one, AFTER_VERDICT)
    assert len(one.mine) <= BUDGET, one.asked()
    assert busiest(one.mine, "PATCH analysisruns") <= 12, one.asked()
    assert await one.fails() == 0
    return await results(one.scene)


async def test_stopped_for_a_while(scene: Scene):
    async with (
        monitor() as prometheus,
        play(scene, check(scene, prometheus, **PATIENT), strategy=canary(steps=JUDGED)) as one,
    ):
        await prometheus.stop()
        await scene.image("web:v2")
        said = await scene.until("two errors", lambda: errors(scene, 2))
        assert one.chronicle.weights()[-1] == 25
        await prometheus.start()
        found = (await judged(one))["errors"]
    assert all(prometheus.address.removeprefix("http://") in text for text in said), said
    assert (found["phase"], found["count"], found["successful"]) == ("Successful", 3, 3)
    assert found["error"] >= 2
    assert found.get("consecutiveError", 0) == 0


async def test_stopped_for_longer_than_is_forgiven(scene: Scene):
    """Nobody judges: the release is taken back, says why, and a retry once there is somebody goes through."""
    async with (
        monitor() as prometheus,
        play(scene, check(scene, prometheus, consecutiveErrorLimit=1), strategy=canary(steps=JUDGED)) as one,
    ):
        await prometheus.stop()
        await scene.image("web:v2")
        status = (await scene.phase("Degraded"))["status"]
        await scene.until("back on v1", lambda: weight_is(one, 0))
        why = 'Metric "errors" assessed Error due to consecutiveErrors (2) > consecutiveErrorLimit (1)'
        assert why in status["message"]
        assert [event["type"] for event in await scene.said("RolloutAborted")] == ["Warning"]
        assert (await scene.pods())["web:v1"] == 4
        await prometheus.start()
        await scene.patch({"spec": {"retry": True}})
        await one.over()
    assert one.chronicle.weights() == [0, 25, 0, 25, 50, 100, 0]
    assert len(one.mine) <= BUDGET, one.asked()


async def weight_is(one: Play, wanted: int) -> bool:
    return one.chronicle.weights()[-1] == wanted


async def test_thirty_seconds_for_each_answer(scene: Scene):
    """Who has patience gets an answer; who has none counts errors meanwhile; neither holds up the other."""
    async with monitor() as prometheus:
        patient = metric(prometheus, "patient", timeout=60, count=1)
        impatient = metric(prometheus, "impatient", timeout=3)
        async with play(scene, check(scene, prometheus, patient, impatient), strategy=canary(steps=JUDGED)) as one:
            prometheus.pause = 30.0
            await scene.image("web:v2")
            said = await scene.until("two errors", lambda: errors(scene, 2, "impatient"))
            assert "measurements" not in (await results(scene)).get("patient", {})
            prometheus.pause = 0.0
            found = await judged(one)
    assert all("deadline exceeded" in text for text in said), said
    assert found["patient"]["successful"] == 1
    assert found["patient"].get("error", 0) == 0
    (measured,) = found["patient"]["measurements"]
    assert measured["startedAt"] < measured["finishedAt"]
    assert found["impatient"]["successful"] == 3
    assert prometheus.asked <= 12


async def test_nonsense_of_every_kind(scene: Scene):
    async with monitors(len(GARBAGE)) as all_of_them:
        metrics = [metric(one, f"m{number}", count=1, **PATIENT) for number, one in enumerate(all_of_them)]
        async with play(scene, check(scene, all_of_them[0], *metrics), strategy=canary(steps=JUDGED)) as one:
            for prometheus, nonsense in zip(all_of_them, GARBAGE, strict=True):
                prometheus.nonsense = nonsense
            await scene.image("web:v2")
            said = await scene.until("an error of each", lambda: errors(scene, 1))
            for prometheus in all_of_them:
                prometheus.nonsense = None
            found = await judged(one)
    assert len(said) >= len(GARBAGE)
    assert all(said)
    assert {result["phase"] for result in found.values()} == {"Successful"}
    assert max(len(text) for text in said) < 2000
    assert not any(entry.get("msg") == "provider failed" for entry in one.controller.entries())
