import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollouts.runtime.workqueue import Closed, WorkQueue, backoff
from tests.runtime.virtualtime import DATE, START, LoopClock, VirtualTimeLoop, virtual_time


class Meter:
    def __init__(self):
        self.heard = []

    def added(self, depth):
        self.heard.append(("added", depth))

    def taken(self, depth, waited):
        self.heard.append(("taken", depth, waited))

    def done(self, worked):
        self.heard.append(("done", worked))

    def retried(self):
        self.heard.append(("retried",))


def new(meter=None):
    return WorkQueue(LoopClock(), meter)


def now():
    return asyncio.get_running_loop().time() - START


async def next_of(queue):
    """The next key and when it came."""
    key = await queue.get()
    queue.done(key)
    return key, pytest.approx(now())


@virtual_time
async def test_keys_come_in_order_and_once():
    queue = new()
    for key in ("a", "b", "a"):
        queue.add(key)
    assert (len(queue), await queue.get(), await queue.get(), len(queue)) == (2, "a", "b", 0)


@virtual_time
async def test_a_key_in_hand_is_not_handed_out_again_until_it_is_done():
    queue = new()
    queue.add("a")
    await queue.get()
    queue.add("a")
    queue.add("a")
    while_in_hand = len(queue)
    queue.done("a")
    assert (while_in_hand, len(queue), await queue.get()) == (0, 1, "a")


@virtual_time
async def test_a_key_that_nobody_added_again_is_over_when_done():
    queue = new()
    queue.add("a")
    queue.done(await queue.get())
    assert (len(queue), queue.in_hand) == (0, {})


@virtual_time
async def test_the_earliest_wake_wins():
    queue = new()
    queue.add_at("a", START + 9)
    queue.add_at("a", START + 3)
    queue.add_at("a", START + 6)
    assert await next_of(queue) == ("a", 3)


@virtual_time
async def test_handing_a_key_out_settles_its_wakes():
    queue = new()
    queue.add_at("a", START + 9)
    queue.add("a")
    await next_of(queue)
    queue.add_at("b", START + 20)
    assert await next_of(queue) == ("b", 20)


@virtual_time
async def test_a_wake_set_while_in_hand_counts():
    queue = new()
    queue.add("a")
    await queue.get()
    queue.add_at("a", START + 5)
    queue.done("a")
    assert await next_of(queue) == ("a", 5)


@virtual_time
async def test_a_wake_that_comes_while_in_hand_waits_for_the_hand():
    queue = new()
    queue.add("a")
    await queue.get()
    queue.add_at("a", START + 5)
    await asyncio.sleep(7)
    early = len(queue)
    queue.done("a")
    assert (early, await next_of(queue)) == (0, ("a", 7))


@virtual_time
async def test_a_wake_can_be_a_date():
    queue = new()
    queue.add_at("a", DATE + timedelta(seconds=4))
    assert await next_of(queue) == ("a", 4)


@pytest.mark.parametrize("when", [DATE - timedelta(days=1), DATE, START, 0.0])
def test_a_wake_in_the_past_is_now(when):
    @virtual_time
    async def wakes():
        queue = new()
        queue.add_at("a", when)
        assert await next_of(queue) == ("a", 0)

    wakes()


@virtual_time
async def test_failures_back_off_until_forgotten():
    queue = new()
    queue.failed("a")
    first = await next_of(queue)
    queue.failed("a")
    second = await next_of(queue)
    counted = queue.failures("a")
    queue.forget("a")
    queue.failed("a")
    assert (first, second, counted, await next_of(queue)) == (("a", 0.005), ("a", 0.015), 2, ("a", 0.020))


def test_backoff_doubles_to_ten_seconds():
    assert [backoff(n) for n in (0, 1, 2, 10, 11, 500)] == [0.005, 0.01, 0.02, 5.12, 10, 10]


@virtual_time
async def test_closing_ends_every_wait():
    queue = new()
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(_closed(queue)) for _ in range(3)]
        await asyncio.sleep(1)
        queue.close()
    assert [task.result() for task in waiting] == [True, True, True]


async def _closed(queue):
    try:
        await queue.get()
    except Closed:
        return True
    return False


@virtual_time
async def test_closed_means_nothing_more_and_what_is_in_hand_can_be_given_back():
    queue = new()
    queue.add("a")
    queue.add("b")
    await queue.get()
    queue.close()
    queue.done("a")
    assert await _closed(queue)


@virtual_time
async def test_a_cancelled_wait_takes_no_key_with_it():
    queue = new()
    loop = asyncio.get_running_loop()
    first, second = loop.create_task(queue.get()), loop.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add("a")
    first.cancel()
    assert await second == "a"
    assert first.cancelled()


@virtual_time
async def test_the_meter_hears_what_happens():
    meter = Meter()
    queue = new(meter)
    queue.add("a")
    await asyncio.sleep(2)
    await queue.get()
    await asyncio.sleep(3)
    queue.failed("a")
    queue.done("a")
    assert meter.heard == [("added", 1), ("taken", 0, 2.0), ("retried",), ("done", 3.0)]


@virtual_time
async def test_settled_wakes_do_not_pile_up():
    queue = new()
    for number in range(1000):
        queue.add("a")
        await queue.get()
        queue.add_at("a", START + 900 + number)
        queue.done("a")
    assert len(queue._calendar) < 100


STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "wake", "fail", "work"]), st.integers(0, 3), st.integers(0, 5)), max_size=40
)


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_whatever_happens_no_key_is_in_two_hands_or_lost(steps):
    async def play():
        queue, hands, wanted = new(), set(), set()

        async def work():
            while True:
                key = await queue.get()
                assert key not in hands
                hands.add(key)
                wanted.discard(key)
                await asyncio.sleep(0.7)
                hands.discard(key)
                queue.done(key)

        loop = asyncio.get_running_loop()
        workers = [loop.create_task(work()) for _ in range(3)]
        for step, key, seconds in steps:
            wanted.add(key) if step != "work" else None
            if step == "add":
                queue.add(key)
            if step == "wake":
                queue.add_at(key, loop.time() + seconds)
            if step == "fail":
                queue.failed(key)
            await asyncio.sleep(seconds / 10)
        await asyncio.sleep(60)
        for worker in workers:
            worker.cancel()
        await asyncio.wait(workers)
        assert all(worker.cancelled() for worker in workers)
        assert (wanted, hands, queue.in_hand, len(queue)) == (set(), set(), {}, 0)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(play())
