import asyncio
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from rollouts.runtime.lifecycle import PartEnded, background, crew, leaves, stop_on_signals, until
from tests.runtime.virtualtime import virtual_time


class Log(list):
    async def part(self, name, seconds=3600.0, error=None):
        self.append(f"{name} starts")
        try:
            await asyncio.sleep(seconds)
            if error:
                raise error
        finally:
            self.append(f"{name} ends")


@virtual_time
async def test_parts_stop_in_the_reverse_order_of_their_scopes():
    log = Log()
    async with background(outer=log.part("outer")):
        await asyncio.sleep(0)
        async with background(inner=log.part("inner")):
            await asyncio.sleep(1)
            log.append("body")
    assert log == ["outer starts", "inner starts", "body", "inner ends", "outer ends"]


@virtual_time
async def test_a_crash_of_a_part_ends_the_body():
    log = Log()
    with pytest.raises(ExceptionGroup) as caught:
        async with background(good=log.part("good"), bad=log.part("bad", 2, ValueError("boom"))):
            await log.part("body")
    assert ([repr(leaf) for leaf in leaves(caught.value)], "body ends" in log, "good ends" in log) == (
        ["ValueError('boom')"],
        True,
        True,
    )


@virtual_time
async def test_a_part_that_returns_early_ends_the_body_with_its_name():
    with pytest.raises(ExceptionGroup) as caught:
        async with background(short=Log().part("short", 2)):
            await asyncio.sleep(3600)
    (leaf,) = leaves(caught.value)
    assert (type(leaf), str(leaf)) == (PartEnded, "short")


@virtual_time
async def test_a_body_that_ends_before_its_parts_began_is_fine():
    log = Log()
    async with background(part=log.part("part")):
        pass
    assert log == []


@virtual_time
async def test_tasks_carry_their_names():
    async with background(**{"watch pods": Log().part("x")}):
        assert "watch pods" in {task.get_name() for task in asyncio.all_tasks()}


@virtual_time
async def test_parts_can_be_added_and_stopped_while_the_body_runs():
    log = Log()
    async with crew() as members:
        members.start("one", log.part("one"))
        await asyncio.sleep(1)
        members.stop("one")
        members.stop("unknown")
        await asyncio.sleep(1)
        log.append("body")
    assert log == ["one starts", "one ends", "body"]


@virtual_time
async def test_stop_cancels_a_body_that_waits():
    log, stop = Log(), asyncio.Event()
    asyncio.get_running_loop().call_later(5, stop.set)
    async with until(stop):
        await log.part("waiting for the lease")
    assert log == ["waiting for the lease starts", "waiting for the lease ends"]


@virtual_time
async def test_stop_leaves_alone_a_body_that_asked_for_patience():
    log, stop = Log(), asyncio.Event()
    asyncio.get_running_loop().call_later(5, stop.set)
    async with until(stop) as patience:
        patience.wait()
        await stop.wait()
        await log.part("finishing", 10)
        log.append("done")
    assert log == ["finishing starts", "finishing ends", "done"]


@virtual_time
async def test_a_stop_that_came_before_ends_the_body_at_once():
    stop = asyncio.Event()
    stop.set()
    log = Log()
    async with until(stop):
        await log.part("body")
        log.append("not reached")
    assert log == ["body starts", "body ends"]


@virtual_time
async def test_an_error_of_the_body_is_not_swallowed_by_stop():
    stop = asyncio.Event()

    async def clean_up_badly():
        try:
            await asyncio.sleep(3600)
        finally:
            raise ValueError("boom")

    asyncio.get_running_loop().call_later(5, stop.set)
    with pytest.raises(ExceptionGroup) as caught:
        async with until(stop):
            await clean_up_badly()
    assert [repr(leaf) for leaf in leaves(caught.value)] == ["ValueError('boom')"]


@virtual_time
async def test_until_does_not_outlive_its_body():
    async with until(asyncio.Event()):
        pass
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signals_set_the_event(number):
    with stop_on_signals() as stop:
        os.kill(os.getpid(), number)
        async with asyncio.timeout(10):
            await stop.wait()
    assert stop.is_set()


PROGRAM = """
import asyncio, sys
from contextlib import asynccontextmanager
from rollouts.runtime.clock import SystemClock
from rollouts.runtime.controller import Controller
from rollouts.runtime.lifecycle import background, run, until
from rollouts.runtime.workqueue import WorkQueue

async def forever():
    await asyncio.Event().wait()

async def dies():
    await asyncio.sleep(0.01)
    raise RuntimeError("watch died")

@asynccontextmanager
async def lease(taken):
    if taken:
        print("standby", flush=True)
        await forever()
    try:
        yield
    finally:
        await asyncio.sleep(0)
        print("released", flush=True)

async def reconcile(key):
    print("reconciling", flush=True)
    await asyncio.sleep(0.3)
    print("finished", flush=True)

async def main(stop):
    where = sys.argv[1]
    clock = SystemClock()
    queue = WorkQueue(clock)
    controller = Controller("c", queue, reconcile, clock=clock, on_error=lambda key, error: print(error))
    async with until(stop) as patience, background(probes=forever()):
        async with lease(where == "standby"), background(watch=dies() if where == "dies" else forever()):
            if where == "sync":
                print("syncing", flush=True)
                await forever()
            queue.add("a")
            async with asyncio.TaskGroup() as workers:
                workers.create_task(controller.run(2))
                patience.wait()
                await stop.wait()
                queue.close()

sys.exit(run(main))
"""


def _terminated(where, at):
    """Exit code and output of a process that got SIGTERM after it said *at*."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), where], stdout=subprocess.PIPE, text=True
    )
    with process:
        said = []
        for line in process.stdout:
            said.append(line.strip())
            if line.strip() == at:
                process.send_signal(signal.SIGTERM)
        return process.wait(30), [line for line in said if line.isalpha()]


@pytest.mark.parametrize(
    ("where", "at", "said"),
    [
        ("standby", "standby", ["standby"]),
        ("sync", "syncing", ["syncing", "released"]),
        ("reconcile", "reconciling", ["reconciling", "finished", "released"]),
    ],
)
def test_sigterm_ends_the_process_in_order(where, at, said):
    assert _terminated(where, at) == (0, said)


def test_a_dead_part_ends_the_process_loudly():
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, "dies"], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 1
    assert "watch died" in ran.stdout + ran.stderr
