import asyncio
import json
import re
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta, timezone

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from rollouts.api.kinds import POD
from rollouts.api.meta import Key
from rollouts.kube.errors import NotLeading
from rollouts.kube.lease import Lease, LeaseLost, micro_time
from tests.kube.server import client_of, hang, html, reset, serving, status
from tests.runtime.virtualtime import LoopClock, eventually, virtual_time

LEASES = "/apis/coordination.k8s.io/v1/namespaces/argo/leases"
KEY = Key("argo", "lock")
MICRO = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")


class LeaseServer:
    """Keeps Leases with optimistic locking; *fault* replaces all answers while it is set."""

    def __init__(self):
        self.lease = None
        self.version = 0
        self.fault = None
        self.seen = []
        self.url = ""

    async def answer(self, request):
        # the body must be read before a fault, or the connection cannot be reused
        await request.read()
        self.seen.append((request.method, request.headers["User-Agent"]))
        return await (self.fault or self.serve)(request)

    async def serve(self, request):
        body = json.loads(await request.text() or "null")
        return getattr(self, request.method.lower())(body)

    def get(self, _):
        return status(404, "NotFound") if self.lease is None else web.json_response(self.lease)

    def post(self, body):
        return status(409, "AlreadyExists") if self.lease is not None else self.store(body)

    def put(self, body):
        if self.lease is None:
            return status(404, "NotFound")
        if body["metadata"]["resourceVersion"] != self.lease["metadata"]["resourceVersion"]:
            return status(409, "Conflict")
        return self.store(body)

    def patch(self, _):
        return web.json_response({})

    def store(self, body):
        self.version += 1
        self.lease = body | {"metadata": body["metadata"] | {"resourceVersion": str(self.version)}}
        return web.json_response(self.lease)

    @property
    def spec(self):
        return self.lease["spec"]

    @property
    def holder(self):
        return self.lease and self.spec["holderIdentity"]

    def taken_by(self, identity, duration=15, transitions=3):
        self.store(
            {
                "metadata": {"name": "lock", "namespace": "argo"},
                "spec": {
                    "holderIdentity": identity,
                    "leaseDurationSeconds": duration,
                    "acquireTime": "2020-01-01T00:00:00.000000Z",
                    "renewTime": "2020-01-01T00:00:00.000000Z",
                    "leaseTransitions": transitions,
                },
            }
        )


class Candidate:
    """One elector whose work notes every moment at which it believes to lead."""

    def __init__(self, lease):
        self.lease = lease
        self.led_at = []
        self.working = False
        self.ended_with = None

    async def work(self):
        self.working = True
        try:
            while True:
                if self.lease.is_leading:
                    self.led_at.append(now())
                await asyncio.sleep(0.25)
        finally:
            self.working = False

    async def run(self):
        try:
            async with self.lease.held():
                await self.work()
        except LeaseLost as lost:
            self.ended_with = lost


def now():
    return asyncio.get_running_loop().time()


@asynccontextmanager
async def election(tmp_path, *identities):
    """A lease server and a candidate for each identity, not yet running."""
    server = LeaseServer()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving(server))
        candidates = []
        for identity in identities:
            client = await stack.enter_async_context(client_of(server, tmp_path, user_agent=identity))
            candidates.append(Candidate(Lease(client, KEY, identity, clock=LoopClock())))
        yield (server, *candidates)


@asynccontextmanager
async def running(*candidates):
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(candidate.run()) for candidate in candidates]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert [task.exception() for task in tasks if not task.cancelled()] in ([], [None])


@virtual_time
async def test_a_lease_that_does_not_exist_is_created(tmp_path):
    async with election(tmp_path, "a") as (server, a), running(a):
        await eventually(lambda: a.working)
        spec = dict(server.spec)
        times = [spec.pop("acquireTime"), spec.pop("renewTime")]
        assert spec == {"holderIdentity": "a", "leaseDurationSeconds": 15, "leaseTransitions": 0}
        assert all(MICRO.match(time) for time in times)


@virtual_time
async def test_renewing_changes_only_the_renew_time(tmp_path):
    async with election(tmp_path, "a") as (server, a), running(a):
        await eventually(lambda: a.working)
        first = dict(server.spec)
        await asyncio.sleep(60)
        assert {name for name in first if first[name] != server.spec[name]} == {"renewTime"}


@virtual_time
async def test_a_steady_leader_sends_one_request_per_period(tmp_path):
    async with election(tmp_path, "a") as (server, a), running(a):
        await eventually(lambda: a.working)
        server.seen.clear()
        await asyncio.sleep(100)
        assert {method for method, _ in server.seen} == {"PUT"}
        assert 40 <= len(server.seen) <= 50


@virtual_time
async def test_a_holder_that_never_renews_is_followed_after_its_duration_by_our_clock(tmp_path):
    async with election(tmp_path, "b") as (server, b):
        server.taken_by("dead", duration=15)
        before = now()
        async with running(b):
            await eventually(lambda: b.working)
            assert 15 <= now() - before < 15 + 2.4 + 1.1
            assert (server.holder, server.spec["leaseTransitions"]) == ("b", 4)


@virtual_time
async def test_a_holder_that_renews_is_never_followed(tmp_path):
    async with election(tmp_path, "a", "b") as (_, a, b), running(a):
        await eventually(lambda: a.working)
        async with running(b):
            await asyncio.sleep(90)
            assert (a.working, b.led_at) == (True, [])


@virtual_time
async def test_a_released_lease_is_taken_at_once_and_keeps_what_others_wrote(tmp_path):
    async with election(tmp_path, "a", "b") as (server, a, b):
        async with running(a):
            await eventually(lambda: a.working)
            server.lease["metadata"]["labels"] = {"x": "y"}
        released = (server.holder, server.spec["leaseDurationSeconds"], a.lease.is_leading)
        before = now()
        async with running(b):
            await eventually(lambda: b.working)
            assert (released, now() - before < 0.2) == (("", 1, False), True)
            assert (server.spec["leaseTransitions"], server.lease["metadata"]["labels"]) == (1, {"x": "y"})


@virtual_time
async def test_somebody_else_in_the_record_ends_the_work(tmp_path):
    async with election(tmp_path, "a") as (server, a), running(a):
        await eventually(lambda: a.working)
        server.taken_by("thief")
        await eventually(lambda: a.ended_with, within=5)
        assert (a.working, a.lease.is_leading, server.holder) == (False, False, "thief")


@virtual_time
async def test_an_annotation_by_somebody_else_ends_nothing(tmp_path):
    async with election(tmp_path, "a") as (server, a), running(a):
        await eventually(lambda: a.working)
        server.store(server.lease | {"metadata": server.lease["metadata"] | {"annotations": {"x": "y"}}})
        await asyncio.sleep(60)
        assert (a.working, server.lease["metadata"]["annotations"]) == (True, {"x": "y"})


FAULTS = {
    "hangs": hang,
    "resets": reset,
    "503 html": lambda _: _answer(html(503)),
    "500": lambda _: _answer(status(500)),
    "200 html": lambda _: _answer(html(200)),
    "429": lambda _: _answer(status(429, headers={"Retry-After": "1"})),
}


async def _answer(response):
    return response


@pytest.mark.parametrize("fault", FAULTS)
def test_work_ends_before_the_lease_can_expire(tmp_path, fault):
    @virtual_time
    async def faults():
        async with election(tmp_path, "a") as (server, a), running(a):
            await eventually(lambda: a.working)
            await asyncio.sleep(30)
            server.fault = FAULTS[fault]
            before = now()
            await eventually(lambda: not a.working, within=30)
            assert (now() - before <= 10.0 + 1.1, a.led_at[-1] - before <= 10.0) == (True, True)
            assert "could not be renewed" in str(a.ended_with)

    faults()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_short_fault_ends_nothing(tmp_path, fault):
    @virtual_time
    async def faults():
        async with election(tmp_path, "a") as (server, a), running(a):
            await eventually(lambda: a.working)
            server.fault = FAULTS[fault]
            await asyncio.sleep(5)
            server.fault = None
            await asyncio.sleep(60)
            assert (a.working, a.ended_with) == (True, None)

    faults()


@pytest.mark.parametrize("seconds", [3, 6, 12, 20, 40])
@pytest.mark.parametrize("fault", FAULTS)
def test_two_electors_never_both_lead(tmp_path, fault, seconds):
    """Candidate a is cut off for some seconds while b is not; b follows when a's lease has expired, and not before."""

    @virtual_time
    async def faults():
        async with election(tmp_path, "a", "b") as (server, a, b), running(a):
            await eventually(lambda: a.working)
            async with running(b):
                await asyncio.sleep(7)
                server.fault = lambda request: (
                    FAULTS[fault](request) if _is_from(request, "a") else server.serve(request)
                )
                await asyncio.sleep(seconds)
                server.fault = None
                await asyncio.sleep(60)
                assert (a.working, b.working) == ((True, False) if seconds < 10 else (False, True))
                assert not b.led_at or a.led_at[-1] < b.led_at[0]

    faults()


def _is_from(request, identity):
    return request.headers["User-Agent"] == identity


@virtual_time
async def test_a_renewal_that_was_stored_but_not_answered_does_not_extend_our_time(tmp_path):
    async with election(tmp_path, "a") as (server, a), running(a):
        await eventually(lambda: a.working)

        async def swallow(request):
            if request.method == "PUT":
                server.put(await request.json())
            await asyncio.Event().wait()

        server.fault = swallow
        before = now()
        await eventually(lambda: not a.working, within=30)
        assert a.led_at[-1] - before <= 10


@virtual_time
async def test_our_time_counts_from_before_the_request_was_sent(tmp_path):
    async with election(tmp_path, "a") as (server, a):

        async def slowly(request):
            await asyncio.sleep(1.5)
            return await server.serve(request)

        server.lease = None
        server.fault = lambda request: slowly(request) if request.method == "POST" else server.serve(request)
        before = now()
        async with running(a):
            await eventually(lambda: a.working)
            server.fault = hang
            await eventually(lambda: not a.working, within=30)
            assert a.led_at[-1] - before <= 10


@virtual_time
async def test_a_process_that_slept_finds_its_fence_closed(tmp_path):
    async with election(tmp_path, "a") as (_, a), running(a):
        await eventually(lambda: a.working)
        a.lease.check()
        asyncio.get_running_loop().now += 10
        with pytest.raises(NotLeading):
            a.lease.check()


@virtual_time
@pytest.mark.parametrize("slept", [9.5, 20, 3600])
async def test_a_process_that_slept_past_its_deadline_asks_for_nothing_more(tmp_path, slept):
    async with election(tmp_path, "a") as (server, a), running(a):
        await eventually(lambda: a.working)
        seen = len(server.seen)
        # frozen: the clock goes on, and whatever was due is due at once afterwards
        asyncio.get_running_loop().now += slept
        await eventually(lambda: a.ended_with or len(server.seen) > seen, within=5)
        assert (len(server.seen) > seen, a.ended_with is None) == ((slept < 10), (slept < 10))


@virtual_time
async def test_a_standby_logs_whom_it_waits_for_once(tmp_path):
    with capture_logs() as logs:
        async with election(tmp_path, "a", "b") as (_, a, b), running(a):
            await eventually(lambda: a.working)
            async with running(b):
                await asyncio.sleep(60)
    assert [line["holder"] for line in logs if line["event"] == "another one leads"] == ["a"]


@virtual_time
@pytest.mark.parametrize("taken", [True, False])
async def test_cancelled_between_the_stored_take_and_its_answer_the_lease_is_released(tmp_path, taken):
    async with election(tmp_path, "a") as (server, a):
        if taken:
            server.taken_by("")
        server.fault = late(server)
        async with running(a):
            await eventually(lambda: server.holder == "a")
            assert not a.working
        assert server.holder == ""


def late(server):
    """Answers come a second after what was asked for is done."""

    async def answer(request):
        done = await server.serve(request)
        await asyncio.sleep(1)
        return done

    return answer


@virtual_time
async def test_a_take_that_was_stored_but_never_answered_is_released_too(tmp_path):
    async with election(tmp_path, "a") as (server, a):

        async def swallow(request):
            done = await server.serve(request)
            return done if request.method == "GET" else await hang(request)

        server.fault = swallow
        async with running(a):
            await eventually(lambda: server.holder == "a")
            await asyncio.sleep(1.9)
            server.fault = None
        assert server.holder == ""


@virtual_time
async def test_a_renewal_on_its_way_does_not_keep_the_lease_from_being_released(tmp_path):
    async with election(tmp_path, "a") as (server, a):
        async with running(a):
            await eventually(lambda: a.working)

            async def overtaken(request):
                found = await server.serve(request)
                if request.method == "GET":
                    # sent before, and stored between our reading and our writing
                    server.store(server.lease | {"spec": server.spec | {"renewTime": "2020-01-01T00:00:01.000000Z"}})
                    server.fault = None
                return found

            server.fault = overtaken
        assert server.holder == ""


@virtual_time
async def test_one_that_never_claimed_releases_nothing(tmp_path):
    async with election(tmp_path, "b") as (server, b):
        server.taken_by("a")
        async with running(b):
            await asyncio.sleep(3)
            seen = len(server.seen)
        assert len(server.seen) == seen


@virtual_time
async def test_a_fence_that_closed_first_ends_the_work_as_a_lost_lease(tmp_path):
    async def late(lease):
        async with lease.held():
            asyncio.get_running_loop().now += 20
            lease.check()

    async with election(tmp_path, "a") as (_, a):
        with pytest.raises(LeaseLost, match="its time was up"):
            await late(a.lease)


@virtual_time
async def test_the_fence_stops_writes_of_a_candidate(tmp_path):
    async with election(tmp_path, "a") as (server, a), client_of(server, tmp_path) as client:
        fenced = client.fenced(a.lease.check)
        with pytest.raises(NotLeading):
            await fenced.patch(POD, Key("shop", "a"), {})
        async with running(a):
            await eventually(lambda: a.working)
            await fenced.patch(POD, Key("shop", "a"), {})


@virtual_time
async def test_a_candidate_can_be_cancelled_and_leaves_nothing(tmp_path):
    async with election(tmp_path, "b") as (server, b):
        server.taken_by("a")
        async with running(b):
            await asyncio.sleep(3)
        assert server.holder == "a"


@virtual_time
async def test_an_error_of_the_work_releases_the_lease(tmp_path):
    async with election(tmp_path, "a") as (server, a):
        with pytest.raises(ExceptionGroup) as caught:
            async with a.lease.held():
                raise ValueError("boom")
        assert ([repr(error) for error in caught.value.exceptions], server.holder) == (["ValueError('boom')"], "")


@virtual_time
async def test_a_release_that_hangs_is_given_up(tmp_path):
    async with election(tmp_path, "a") as (server, a):
        async with a.lease.held():
            server.fault = hang
            before = now()
        assert now() - before <= 3
        assert not a.lease.is_leading


@pytest.mark.parametrize("times", [(10, 10, 2), (15, 2, 2), (15, 10, 0)])
async def test_times_that_cannot_work_are_refused(times):
    duration, renew_deadline, retry = times
    with pytest.raises(ValueError, match="duration > renew deadline > retry"):
        Lease(None, KEY, "a", clock=LoopClock(), duration=duration, renew_deadline=renew_deadline, retry=retry)


def test_micro_time_is_utc_with_six_digits():
    newyork = timezone(timedelta(hours=-5))
    assert micro_time(datetime(2026, 1, 2, 3, 4, 5, tzinfo=newyork)) == "2026-01-02T08:04:05.000000Z"
