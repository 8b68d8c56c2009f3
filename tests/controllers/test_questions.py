import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

from structlog.testing import capture_logs

from analysis.agenda import Query
from analysis.answers import Failure, Pending, Reading
from analysis.providers.base import Tools
from rollouts.api.analysis import AnalysisRun, Metric
from rollouts.api.meta import Key, Metadata
from rollouts.api.model import Model
from rollouts.controllers.questions import TOGETHER, Questions
from tests.runtime.virtualtime import LoopClock, eventually, virtual_time

KEY = Key("shop", "run")


class Config(Model):
    query: str = ""


class Oracle:
    """Answers when it is told to, never to `hang`, and breaks on `break`."""

    key, kinds, config = "web", (), Config

    def __init__(self):
        self.asked = []

    async def measure(self, config, tools, asked):
        self.asked.append(asked.metric.name)
        if asked.metric.name == "hang":
            await asyncio.Event().wait()
        if asked.metric.name == "break":
            raise RuntimeError("password=hunter2")
        return Reading(1, "1")


def run_of(uid="u1"):
    return AnalysisRun(Metadata(name="run", namespace="shop", uid=uid))


def queries(*names):
    return [Query(Metric.model_validate({"name": name, "provider": {"web": {"url": "http://x"}}})) for name in names]


@asynccontextmanager
async def asking(oracle):
    heard = []
    clock = LoopClock()
    questions = Questions({"web": oracle}, Tools(None, None, clock.now), on_answer=heard.append)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(questions.run(), name="questions")
        await asyncio.sleep(0)
        yield questions, heard, clock
        task.cancel()


@virtual_time
async def test_a_provider_that_hangs_delays_nobody_but_its_metric():
    async with asking(Oracle()) as (questions, heard, clock):
        questions.ask(run_of(), queries("hang", "quick"), clock.now())
        questions.ask(run_of("u2"), queries("quick"), clock.now())
        await eventually(lambda: len(heard) == 2)
        assert [one.name for one in questions.answers("u1")] == ["quick"]
        assert [one.name for one in questions.answers("u2")] == ["quick"]


@virtual_time
async def test_a_provider_that_hangs_for_ever_is_a_failed_measurement():
    async with asking(Oracle()) as (questions, heard, clock):
        questions.ask(run_of(), queries("hang"), clock.now())
        await eventually(lambda: heard == [KEY])
        assert [one.outcome for one in questions.answers("u1")] == [Failure("no answer within 300s")]


@virtual_time
async def test_a_defect_of_a_provider_is_a_failed_measurement_and_tells_no_secret():
    with capture_logs() as logs:
        async with asking(Oracle()) as (questions, heard, clock):
            questions.ask(run_of(), queries("break"), clock.now())
            await eventually(lambda: heard == [KEY])
            assert questions.answers("u1")[0].outcome == Failure("the provider has a defect: RuntimeError")
    assert [line["event"] for line in logs] == ["provider failed"]
    assert "hunter2" not in str(logs)


@virtual_time
async def test_what_is_under_way_or_answered_is_not_asked_again():
    oracle = Oracle()
    async with asking(oracle) as (questions, heard, clock):
        for _ in range(3):
            questions.ask(run_of(), queries("hang", "quick"), clock.now())
            await eventually(lambda: heard == [KEY])
        assert oracle.asked == ["hang", "quick"]
        questions.settle("u1", questions.answers("u1"))
        questions.ask(run_of(), queries("hang", "quick"), clock.now())
        await eventually(lambda: len(heard) == 2)
    assert oracle.asked == ["hang", "quick", "quick"]


@virtual_time
async def test_answers_are_waited_for_together_but_not_for_long():
    async with asking(Oracle()) as (questions, heard, clock):
        questions.ask(run_of(), queries("hang", "quick"), asked := clock.now())
        await eventually(lambda: heard == [KEY])
        assert questions.hold_until("u1", clock.now()) == asked + TOGETHER
        assert questions.hold_until("u1", asked + TOGETHER) is None
        assert questions.hold_until("u2", asked) is None


@virtual_time
async def test_an_answer_that_comes_while_others_are_written_is_kept():
    async with asking(Oracle()) as (questions, heard, clock):
        questions.ask(run_of(), queries("a"), clock.now())
        await eventually(lambda: len(heard) == 1)
        written = questions.answers("u1")
        questions.ask(run_of(), queries("b"), clock.now())
        await eventually(lambda: len(heard) == 2)
        questions.settle("u1", written)
        assert [one.name for one in questions.answers("u1")] == ["b"]


@virtual_time
async def test_a_run_that_is_forgotten_is_asked_no_more():
    async with asking(Oracle()) as (questions, heard, clock):
        questions.ask(run_of(), queries("hang", "quick"), clock.now())
        await eventually(lambda: heard == [KEY])
        questions.forget("u1")
        await asyncio.sleep(timedelta(minutes=10).total_seconds())
        assert (heard, questions.answers("u1"), questions.hold_until("u1", clock.now())) == ([KEY], (), None)


class Beginner(Oracle):
    """Takes two seconds to begin something that lives on until it is stopped."""

    def __init__(self, clock):
        super().__init__()
        self.clock, self.stopped = clock, []

    async def measure(self, config, tools, asked):
        await asyncio.sleep(2)
        self.asked.append(asked.metric.name)
        return Pending(self.clock.now(), {"job-name": asked.metric.name})

    async def cancel(self, config, tools, asked):
        self.stopped.append(asked.previous.metadata["job-name"])
        return Reading(None, "")


@virtual_time
async def test_what_was_begun_for_a_run_that_ended_meanwhile_is_stopped():
    oracle = Beginner(LoopClock())
    async with asking(oracle) as (questions, heard, clock):
        questions.ask(run_of(), queries("load"), clock.now())
        await asyncio.sleep(1)
        questions.forget("u1")
        await asyncio.sleep(2)
        assert (oracle.asked, oracle.stopped, heard) == (["load"], ["load"], [])
        assert (questions.answers("u1"), questions.hold_until("u1", clock.now())) == ((), None)


@virtual_time
async def test_what_lives_on_for_a_run_that_goes_on_is_left_alone():
    oracle = Beginner(LoopClock())
    async with asking(oracle) as (questions, heard, clock):
        questions.ask(run_of(), queries("load"), clock.now())
        await eventually(lambda: heard == [KEY])
        assert (oracle.stopped, questions.answers("u1")[0].outcome.metadata) == ([], {"job-name": "load"})


@virtual_time
async def test_what_was_begun_and_never_written_is_stopped():
    oracle = Beginner(LoopClock())
    async with asking(oracle) as (questions, heard, clock):
        questions.ask(run_of(), queries("load"), clock.now())
        await eventually(lambda: heard == [KEY])
        questions.forget("u1")
        await eventually(lambda: oracle.stopped == ["load"])
        # what is written is the run's own to stop
        questions.ask(run_of("u2"), queries("other"), clock.now())
        await eventually(lambda: len(heard) == 2)
        questions.settle("u2", questions.answers("u2"))
        questions.forget("u2")
        await asyncio.sleep(10)
        assert oracle.stopped == ["load"]
