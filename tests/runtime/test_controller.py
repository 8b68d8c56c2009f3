import asyncio
from datetime import timedelta

import pytest

from rollouts.runtime.controller import Controller
from rollouts.runtime.workqueue import WorkQueue
from tests.runtime.virtualtime import DATE, START, LoopClock, virtual_time


class Work:
    """A controller at work and what it did when; *answers* are what its reconciles return, raise or wait for."""

    def __init__(self, *answers):
        clock = LoopClock()
        self.queue = WorkQueue(clock)
        self.answers = list(answers)
        self.calls = []
        self.errors = []
        self.finished = []
        self.controller = Controller("test", self.queue, self.reconcile, clock=clock, on_error=self.fail)

    def fail(self, key, error):
        self.errors.append((key, error))

    async def reconcile(self, key):
        self.calls.append((key, pytest.approx(asyncio.get_running_loop().time() - START)))
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            answer = None
        self.finished.append(key)
        return answer

    async def run(self, seconds, workers=2):
        async with asyncio.TaskGroup() as group:
            group.create_task(self.controller.run(workers))
            await asyncio.sleep(seconds)
            self.queue.close()


@virtual_time
async def test_looks_again_when_the_reconcile_says():
    work = Work(DATE + timedelta(seconds=7))
    work.queue.add("a")
    await work.run(60)
    assert work.calls == [("a", 0), ("a", 7)]


@virtual_time
async def test_an_exception_is_told_and_tried_again_later():
    error = ValueError("no")
    work = Work(error, error)
    work.queue.add("a")
    await work.run(60)
    assert (work.calls, work.errors) == ([("a", 0), ("a", 0.005), ("a", 0.015)], [("a", error), ("a", error)])


@virtual_time
async def test_a_success_makes_the_next_backoff_short_again():
    work = Work(ValueError(), None)
    work.queue.add("a")
    await work.run(60)
    assert work.queue.failures("a") == 0


@virtual_time
async def test_a_reconcile_that_always_wants_to_run_at_once_does_not_spin():
    work = Work(*[DATE] * 1000)
    work.queue.add("a")
    await work.run(100)
    assert len(work.calls) < 25


@virtual_time
async def test_one_slow_key_does_not_stop_the_others():
    work = Work(30.0)
    work.queue.add("slow")
    work.queue.add("b")
    await work.run(10)
    assert work.calls == [("slow", 0), ("b", 0)]


@virtual_time
async def test_closing_finishes_the_key_in_hand():
    work = Work(30.0)
    work.queue.add("a")
    work.queue.add("b")
    await work.run(10, workers=1)
    assert (work.finished, asyncio.get_running_loop().time()) == (["a"], START + 30)


@virtual_time
async def test_cancellation_is_no_error_of_the_key():
    work = Work(30.0)
    work.queue.add("a")
    running = asyncio.get_running_loop().create_task(work.controller.run(1))
    await asyncio.sleep(1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (work.errors, work.finished, work.queue.in_hand) == ([], [], {})
