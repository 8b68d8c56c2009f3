"""The faulty proxy, before a small API server on loopback."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from rollouts.runtime.probes import listening
from tests.chaos.faults import NONE, Faults, Link
from tests.chaos.proxy import faulty

PODS = "/api/v1/namespaces/ns/pods"
EVENTS = "/api/v1/namespaces/ns/events"
PATIENCE = 10.0


class Upstream:
    """Counts writes, tells watchers what `tell` was given."""

    def __init__(self) -> None:
        self.writes: list[tuple[str, str]] = []
        self.told: asyncio.Queue[dict] = asyncio.Queue()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("watch"):
            return await self._watch(request)
        if request.method != "GET":
            self.writes.append((request.method, await request.text()))
        return web.json_response({"token": request.headers["Authorization"], "query": request.query_string})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while event := await self.told.get():
            await response.write(json.dumps(event).encode() + b"\n")
        return response

    def tell(self, kind: str, version: int, name: str = "a") -> None:
        metadata = {"name": name, "resourceVersion": str(version)}
        self.told.put_nowait({"type": kind, "object": {"metadata": metadata}})


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@pytest_asyncio.fixture
async def proxy(upstream, tmp_path):
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", upstream.answer)
    async with listening(app, 0, "127.0.0.1") as port:
        kubeconfig = tmp_path / "kubeconfig"
        document = {
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
            "users": [{"name": "me", "user": {"token": "secret"}}],
        }
        kubeconfig.write_text(json.dumps(document))
        async with faulty(kubeconfig, tmp_path, "web") as made:
            yield made


@asynccontextmanager
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer secret"}, timeout=timeout) as made:
        yield made


async def write(proxy, path: str = PODS) -> int:
    """The status of a write; 0 where the connection was reset."""
    async with session() as client:
        try:
            async with client.post(proxy.address + path, json={}) as answer:
                return answer.status
        except aiohttp.ClientError:
            return 0


async def watched(proxy, seen: list[str]) -> str:
    """Follow a watch; how it ended."""
    async with session() as client:
        try:
            async with client.get(f"{proxy.address}{PODS}?watch=true") as answer:
                if answer.status != 200:
                    return f"HTTP {answer.status}"
                async for line in answer.content:
                    event = json.loads(line)
                    seen.append(f"{event['type']} {event['object'].get('code', '')}".strip())
        except aiohttp.ClientError:
            return "reset"
    return "closed"


async def until(test) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            if test():
                return
            await asyncio.sleep(0.01)


async def test_without_faults_everything_passes(proxy, upstream):
    async with session() as client, client.patch(f"{proxy.address}{PODS}/a?fieldManager=x", json={"a": 1}) as answer:
        assert await answer.json() == {"token": "Bearer secret", "query": "fieldManager=x"}
    assert upstream.writes == [("PATCH", '{"a": 1}')]
    (seen,) = proxy.seen
    assert (seen.name, seen.user, seen.status, seen.passed) == ("PATCH pods", "me", 200, 200)
    assert json.loads(proxy.kubeconfig.read_text())["clusters"][0]["cluster"] == {"server": proxy.address}


async def test_refused_writes_are_not_passed_on(proxy, upstream):
    proxy.faults = Faults(refused=1.0, refusals=(429,), retry_after=3)
    async with session() as client, client.post(proxy.address + PODS) as answer:
        assert answer.headers["Retry-After"] == "3"
        assert (await answer.json())["reason"] == "TooManyRequests"
    assert upstream.writes == []
    assert [(one.status, one.passed) for one in proxy.seen] == [(429, 0)]


async def test_about_a_third_of_writes_is_refused_and_no_read(proxy, upstream):
    proxy.faults = Faults(refused=1 / 3, refusals=(500,))
    statuses = [await write(proxy) for _ in range(60)]
    assert 10 <= statuses.count(500) <= 30
    assert len(upstream.writes) == statuses.count(200)
    async with session() as client, client.get(proxy.address + PODS) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("status", [500, 0])
async def test_lost_answers_are_of_writes_that_were_carried_out(proxy, upstream, status):
    proxy.faults = Faults(lost=1.0, losses=(status,))
    assert await write(proxy) == status
    assert len(upstream.writes) == 1
    assert [(one.status, one.passed, one.was_carried_out) for one in proxy.seen] == [(status, 200, True)]


async def test_the_nth_write_that_counts_kills_before_its_answer(proxy, upstream):
    killed, numbers = [], []
    proxy.kill = lambda: killed.append(len(upstream.writes))
    proxy.after_write = lambda number, request: numbers.append((number, request.path))
    proxy.faults = Faults(kill_after=2)
    answers = [await write(proxy, path) for path in (PODS, EVENTS, PODS, PODS)]
    assert answers == [200, 200, 0, 200]
    assert killed == [3]
    assert numbers == [(1, PODS), (2, PODS), (3, PODS)]


async def test_watches_pass_events_as_they_come(proxy, upstream):
    seen: list[str] = []
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watched(proxy, seen), name="watch")
        upstream.tell("ADDED", 1)
        await until(lambda: seen == ["ADDED"])
        upstream.tell("MODIFIED", 2)
        await until(lambda: seen == ["ADDED", "MODIFIED"])
        upstream.told.put_nowait({})
    assert watching.result() == "closed"
    assert proxy.tally() == {"WATCH pods": 1}


@pytest.mark.parametrize(
    ("faults", "end", "last"),
    [(Faults(reset_every=0.2), "reset", []), (Faults(expire_every=0.2), "closed", ["ERROR 410"])],
)
async def test_watches_end_at_their_age(proxy, upstream, faults, end, last):
    proxy.faults = faults
    seen: list[str] = []
    assert await watched(proxy, seen) == end
    assert seen == last


@pytest.mark.parametrize(("act", "end"), [("reset_watches", "reset"), ("expire_watches", "closed")])
async def test_watches_end_when_told_to(proxy, upstream, act, end):
    seen: list[str] = []
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watched(proxy, seen), name="watch")
        upstream.tell("ADDED", 1)
        await until(lambda: seen)
        getattr(proxy, act)()
    assert watching.result() == end


async def test_new_watches_are_told_that_it_is_too_late(proxy, upstream):
    proxy.faults = Faults(gone=True)
    assert await watched(proxy, []) == "HTTP 410"


async def test_late_events_do_not_hold_up_writes(proxy, upstream):
    proxy.faults = Faults(delay=600)
    seen: list[str] = []
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watched(proxy, seen), name="watch")
        await until(lambda: proxy.seen)
        upstream.tell("ADDED", 1)
        assert await write(proxy) == 200
        assert seen == []
        watching.cancel()


async def test_some_resources_alone_are_late(proxy, upstream):
    seen: list[str] = []
    proxy.faults = Faults(delay=600, late=frozenset({"controllerrevisions"}))
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watched(proxy, seen), name="watch")
        await until(lambda: proxy.seen)
        upstream.tell("ADDED", 1)
        await until(lambda: seen)
        proxy.faults = Faults(delay=600, late=frozenset({resource_watched(proxy)}))
        upstream.tell("MODIFIED", 2)
        assert await write(proxy) == 200
        assert seen == ["ADDED"]
        watching.cancel()


def resource_watched(proxy):
    return next(one.about.resource for one in proxy.seen if one.is_watch)


async def test_skipped_states(proxy, upstream):
    proxy.faults = Faults(window=0.3)
    seen: list[str] = []
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watched(proxy, seen), name="watch")
        for version in (1, 2, 3):
            upstream.tell("MODIFIED", version)
        upstream.tell("ADDED", 4, "b")
        upstream.told.put_nowait({})
    assert seen == ["MODIFIED", "ADDED"]
    assert watching.result() == "closed"


async def test_a_cut_link_delivers_nothing_until_it_is_mended(proxy, upstream):
    proxy.faults = Faults(link=Link.CUT)
    async with asyncio.TaskGroup() as group:
        writing = group.create_task(write(proxy), name="write")
        done, _ = await asyncio.wait([writing], timeout=0.3)
        assert not done
        assert upstream.writes == []
        proxy.faults = NONE
    assert writing.result() == 200


async def test_what_was_sent_before_a_cut_arrives_although_nobody_waits(proxy, upstream):
    proxy.faults = Faults(link=Link.CUT)
    async with asyncio.TaskGroup() as group:
        writing = group.create_task(write(proxy), name="write")
        await asyncio.wait([writing], timeout=0.3)
        writing.cancel()
    proxy.faults = NONE
    await until(lambda: len(upstream.writes) == 1)


async def test_an_answer_that_a_cut_holds_back_counts_from_when_it_was_given(proxy, upstream):
    def cut(*_: object) -> None:
        proxy.faults = Faults(link=Link.CUT)

    proxy.after_write = cut
    async with asyncio.TaskGroup() as group:
        writing = group.create_task(write(proxy), name="write")
        await until(lambda: upstream.writes and proxy.faults.link is Link.CUT)
        mended = asyncio.get_running_loop().time()
        proxy.faults = NONE
    assert writing.result() == 200
    (seen,) = proxy.seen
    assert seen.at < mended


async def test_a_refused_link_resets_what_is_open_and_lets_nobody_in(proxy, upstream):
    seen: list[str] = []
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watched(proxy, seen), name="watch")
        upstream.tell("ADDED", 1)
        await until(lambda: seen)
        proxy.faults = Faults(link=Link.REFUSED)
    assert watching.result() == "reset"
    assert await write(proxy) == 0
    proxy.faults = NONE
    await until_written(proxy)


async def test_a_refused_link_spares_no_idle_connection(proxy, upstream):
    async with session() as client:
        async with client.post(proxy.address + PODS) as answer:
            await answer.read()
        proxy.faults = Faults(link=Link.REFUSED)
        with pytest.raises(aiohttp.ClientError):
            await client.post(proxy.address + PODS)
    assert len(upstream.writes) == 1


async def until_written(proxy) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            if await write(proxy) == 200:
                return
            await asyncio.sleep(0.01)
