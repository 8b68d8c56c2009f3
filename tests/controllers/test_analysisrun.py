import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry

from analysis.answers import Reading
from analysis.providers.base import Tools
from rollouts.api.analysis import AnalysisRun
from rollouts.api.meta import Key
from rollouts.controllers.analysisrun import AnalysisRunController
from rollouts.controllers.journal import Journal
from rollouts.controllers.metrics import ReconcileMetrics, RolloutMetrics
from rollouts.controllers.questions import Questions
from rollouts.kube.errors import ServerFault
from rollouts.kube.recorder import Recorder
from rollouts.kube.store import Store
from rollouts.kube.watch import Change
from rollouts.runtime.metrics import RequestMetrics
from rollouts.wire.decode import decode
from tests.controllers.apiserver import cluster
from tests.controllers.test_questions import Config
from tests.kube.server import status
from tests.runtime.virtualtime import LoopClock, eventually, virtual_time

KEY = Key("shop", "run")


class Counter:
    """Gives how often it was asked for the metric."""

    key, kinds, config = "web", (), Config

    def __init__(self):
        self.asked = []

    async def measure(self, config, tools, asked):
        self.asked.append(asked.metric.name)
        if asked.metric.name == "hang":
            await asyncio.Event().wait()
        number = self.asked.count(asked.metric.name)
        return Reading(number, str(number))


def metric(name="m", **more):
    return {"name": name, "successCondition": "result < 9", "provider": {"web": {"url": "http://x"}}} | more


class Bench:
    """A run on an API server, its controller, and the store as the watch would keep it."""

    def __init__(self, server, client, spec):
        self.server, self.clock, self.heard = server, LoopClock(), []
        server.put("analysisruns", {"metadata": {"name": "run"}, "spec": spec})
        self.store = Store(clock=self.clock.monotonic)
        self.provider = Counter()
        self.questions = Questions(
            {"web": self.provider}, Tools(None, None, self.clock.now), on_answer=self.heard.append
        )
        self.registry = registry = CollectorRegistry()
        self.recorder = Recorder(client, "rollouts-controller", clock=self.clock)
        self.controller = AnalysisRunController(
            self.store,
            self.questions,
            client,
            clock=self.clock,
            journal=Journal(self.recorder, RolloutMetrics(registry, RequestMetrics(registry))),
            metrics=ReconcileMetrics("analysis_run", registry),
        )
        self.see()

    def see(self):
        """What the watch does."""
        found = self.server.get("analysisruns", "run")
        self.store.apply(Change.MODIFIED, decode(AnalysisRun, json.dumps(found).encode()))

    async def look(self):
        return await self.controller.reconcile(KEY)

    async def answered(self, times=1):
        await eventually(lambda: len(self.heard) >= times)

    @property
    def status(self):
        return self.server.get("analysisruns", "run").get("status", {})


@asynccontextmanager
async def bench(tmp_path, *metrics, **spec):
    async with cluster(tmp_path) as (server, client), asyncio.TaskGroup() as group:
        made = Bench(server, client, {"metrics": list(metrics)} | spec)
        parts = [group.create_task(part, name="part") for part in (made.questions.run(), made.recorder.run())]
        await asyncio.sleep(0)
        yield made
        for part in parts:
            part.cancel()


@virtual_time
async def test_answers_that_come_together_are_one_write(tmp_path):
    async with bench(tmp_path, metric("a"), metric("b")) as made:
        await made.look()
        await made.answered(2)
        assert await made.look() is None
        assert made.server.wrote("patch analysisruns") == ["patch analysisruns run"]
        assert made.status["phase"] == "Successful"
        assert [one["name"] for one in made.status["metricResults"]] == ["a", "b"]


@virtual_time
async def test_a_run_with_a_hanging_metric_is_shown_as_running_with_what_is_known(tmp_path):
    async with bench(tmp_path, metric("hang"), metric("quick")) as made:
        until = await made.look()
        await made.answered()
        assert await made.look() == until
        await asyncio.sleep(2)
        await made.look()
        assert made.status["phase"] == "Running"
        assert [one["name"] for one in made.status["metricResults"]] == ["quick"]


@virtual_time
async def test_a_persons_edit_in_between_costs_no_second_measurement(tmp_path):
    async with bench(tmp_path, metric()) as made:
        await made.look()
        await made.answered()
        found = made.server.get("analysisruns", "run")
        made.server.put("analysisruns", found | {"metadata": found["metadata"] | {"labels": {"a": "b"}}})
        assert await made.look() == made.clock.now()
        made.see()
        await made.look()
        assert (made.provider.asked, made.status["metricResults"][0]["count"]) == (["m"], 1)


@virtual_time
async def test_a_write_that_may_have_been_carried_out_is_not_counted_twice(tmp_path):
    async with bench(tmp_path, metric()) as made:
        await made.look()
        await made.answered()
        made.server.refuse = lambda write, _: status(500, "Down") if write.resource == "analysisruns" else None
        with pytest.raises(ServerFault):
            await made.look()
        made.server.refuse = lambda *_: None
        await made.look()
        await made.answered(2)
        await made.look()
        assert (made.provider.asked, made.status["metricResults"][0]["count"]) == (["m", "m"], 1)


@virtual_time
async def test_nothing_is_decided_before_our_own_write_is_seen(tmp_path):
    async with bench(tmp_path, metric(interval="1m", count=2)) as made:
        await made.look()
        await made.answered()
        await made.look()
        assert await made.look() > made.clock.now()
        made.see()
        again = await made.look()
        assert (again - made.clock.now()).total_seconds() > 50
        assert made.provider.asked == ["m"]


@virtual_time
async def test_measurements_go_on_at_their_interval_until_they_are_enough(tmp_path):
    async with bench(tmp_path, metric(interval="1m", count=3)) as made:
        wake = await made.look()
        for number in range(3):
            await made.answered(number + 1)
            await made.look()
            made.see()
            wake = await made.look()
            if wake:
                await asyncio.sleep((wake - made.clock.now()).total_seconds())
                await made.look()
        assert [one["value"] for one in made.status["metricResults"][0]["measurements"]] == ["1", "2", "3"]
        assert (made.status["phase"], wake) == ("Successful", None)


@virtual_time
async def test_a_run_that_is_ended_while_a_metric_hangs_ends(tmp_path):
    async with bench(tmp_path, metric("hang")) as made:
        await made.look()
        await asyncio.sleep(2)
        await made.look()
        found = made.server.get("analysisruns", "run")
        made.server.put("analysisruns", found | {"spec": found["spec"] | {"terminate": True}})
        made.see()
        await made.look()
        assert (made.status["phase"], made.status["message"]) == ("Successful", "Run Terminated")


@virtual_time
async def test_a_finished_run_is_deleted_when_its_time_is_over(tmp_path):
    async with bench(tmp_path, metric(), ttlStrategy={"secondsAfterCompletion": 60}) as made:
        await made.look()
        await made.answered()
        wake = await made.look()
        made.see()
        await asyncio.sleep((wake - made.clock.now()).total_seconds() + 0.1)
        await made.look()
        assert made.server.get("analysisruns", "run") is None


@virtual_time
async def test_what_cannot_be_read_is_an_error_of_the_run_and_told(tmp_path):
    async with bench(tmp_path, metric(), metric()) as made:
        await made.look()
        assert made.status["message"] == "Analysis spec invalid: metrics[1]: duplicate name 'm'"
        await made.recorder.flush(within=1)
        assert [one["reason"] for one in made.server.all("events")] == ["AnalysisRunError"]


@virtual_time
async def test_a_run_that_is_gone_is_left_alone(tmp_path):
    async with bench(tmp_path, metric()) as made:
        assert await made.controller.reconcile(Key("shop", "other")) is None
        found = made.server.get("analysisruns", "run")
        deleted = found["metadata"] | {"deletionTimestamp": "2026-01-01T00:00:00Z"}
        made.server.put("analysisruns", found | {"metadata": deleted})
        made.see()
        assert await made.look() is None
        assert made.provider.asked == []


@virtual_time
async def test_a_run_that_is_gone_leaves_no_series(tmp_path):
    async with bench(tmp_path, metric()) as made:
        await made.look()
        assert list(series(made.registry)) != []
        found = made.server.get("analysisruns", "run")
        made.store.apply(Change.DELETED, decode(AnalysisRun, json.dumps(found).encode()))
        await made.look()
        assert list(series(made.registry)) == []


def series(registry):
    return (one.labels for family in registry.collect() for one in family.samples if one.labels.get("name") == "run")
