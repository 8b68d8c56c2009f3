import asyncio
from contextlib import asynccontextmanager

import msgspec
import pytest
from structlog.testing import capture_logs

from rollouts.api.kinds import POD
from rollouts.api.meta import Key
from rollouts.kube.informer import Informer
from rollouts.kube.objects import decode_object
from tests.kube.server import (
    Script,
    bookmark,
    client_of,
    event,
    expired,
    hang,
    html,
    item,
    page,
    quiet,
    reset,
    serving,
    status,
    watch,
)
from tests.runtime.virtualtime import eventually, virtual_time

PODS = "/api/v1/pods"
A = Key("shop", "a")


class Watcher:
    """An informer at work, and what it told."""

    def __init__(self, client, script, **options):
        self.told = []
        self.script = script
        self.informer = Informer(
            POD, options.pop("decode", decode_object), client=client, on_event=self.told.append, **options
        )
        self.store = self.informer.store

    @property
    def names(self):
        return {one.metadata.name: one.metadata.resource_version for one in self.store.all()}

    @property
    def kinds(self):
        return [(told.type.value, told.key.name) for told in self.told]

    @property
    def lists(self):
        return len(self.script.requests("GET"))

    @property
    def watched_from(self):
        return [seen.query["resourceVersion"] for seen in self.script.requests("WATCH")]


@asynccontextmanager
async def watching(script, tmp_path, **options):
    async with serving(script), client_of(script, tmp_path, qps=0) as client:
        watcher = Watcher(client, script, **options)
        task = asyncio.get_running_loop().create_task(watcher.informer.run())
        try:
            await watcher.informer.synced()
            yield watcher
        finally:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task


def seconds():
    return asyncio.get_running_loop().time()


@virtual_time
async def test_lists_in_pages_then_watches_from_there(tmp_path):
    script = Script().on("GET", PODS, page(item("a", 1), version=9, token="t"), page(item("b", 2), version=9))
    script.watch(PODS, watch(event("ADDED", item("c", 12)), event("DELETED", item("a", 13)), then="hang"))
    async with watching(script, tmp_path) as pods:
        await eventually(lambda: len(pods.told) == 4)
        assert (pods.names, pods.watched_from, pods.kinds) == (
            {"b": "2", "c": "12"},
            ["9"],
            [("ADDED", "a"), ("ADDED", "b"), ("ADDED", "c"), ("DELETED", "a")],
        )
        asked = script.requests("WATCH")[0].query
        assert asked["allowWatchBookmarks"] == "true"
        assert 290 <= int(asked["timeoutSeconds"]) <= 590


@virtual_time
async def test_namespace_and_selector_narrow_both_requests(tmp_path):
    path = "/api/v1/namespaces/shop/pods"
    script = Script().on("GET", path, page(version=9)).watch(path, quiet())
    async with watching(script, tmp_path, namespace="shop", selector="app=web"):
        await eventually(lambda: len(script.seen) == 2)
        assert [seen.query["labelSelector"] for seen in script.seen] == ["app=web", "app=web"]


@virtual_time
async def test_a_watch_that_closes_resumes_from_the_last_event(tmp_path):
    script = Script().on("GET", PODS, page(version=9))
    script.watch(PODS, watch(event("ADDED", item("a", 12))), watch(event("ADDED", item("b", 13))), quiet())
    async with watching(script, tmp_path) as pods:
        await eventually(lambda: len(pods.watched_from) == 3)
        assert (pods.watched_from, pods.names, pods.lists) == (["9", "12", "13"], {"a": "12", "b": "13"}, 1)


@virtual_time
async def test_a_watch_resumes_from_a_bookmark(tmp_path):
    script = Script().on("GET", PODS, page(version=9)).watch(PODS, watch(bookmark(40)), quiet())
    async with watching(script, tmp_path) as pods:
        await eventually(lambda: len(pods.watched_from) == 2)
        assert (pods.watched_from, pods.store.version) == (["9", "40"], "40")


@pytest.mark.parametrize(
    "ending", [status(410, "Expired"), watch(expired()), watch(event("ADDED", item("x", 11)), expired())]
)
def test_an_expired_version_lists_again(tmp_path, ending):
    @virtual_time
    async def lists():
        script = Script().on("GET", PODS, page(item("a", 1), version=9), page(item("b", 20), version=21))
        script.watch(PODS, ending, quiet())
        async with watching(script, tmp_path) as pods:
            before = seconds()
            await eventually(lambda: len(pods.watched_from) == 2)
            assert (pods.names, pods.watched_from, pods.lists) == ({"b": "20"}, ["9", "21"], 2)
            assert seconds() == pytest.approx(before, abs=0.1)

    lists()


@virtual_time
async def test_a_server_that_always_says_expired_is_not_hammered(tmp_path):
    script = Script().on("GET", PODS, page(version=9)).watch(PODS, watch(event("ADDED", item("x", 11)), expired()))
    async with watching(script, tmp_path):
        await asyncio.sleep(600)
        assert len(script.seen) < 70


@pytest.mark.parametrize(
    "answer", [watch(), html(502), status(500), reset, watch("<html>oops</html>"), watch(then="reset")]
)
def test_a_server_that_ends_watches_at_once_is_not_hammered(tmp_path, answer):
    @virtual_time
    async def backs_off():
        script = Script().on("GET", PODS, page(version=9)).watch(PODS, answer)
        async with watching(script, tmp_path) as pods:
            await asyncio.sleep(600)
            # aiohttp itself sends a GET twice when a kept connection breaks
            assert (5 < len(pods.watched_from) < 80, pods.lists) == (True, 1)

    backs_off()


@virtual_time
async def test_html_in_the_place_of_an_event_is_no_event(tmp_path):
    script = Script().on("GET", PODS, page(version=9))
    script.watch(PODS, watch("<html>"), watch(event("ADDED", item("a", 12)), then="hang"))
    async with watching(script, tmp_path) as pods:
        await eventually(lambda: pods.told)
        assert (pods.kinds, pods.watched_from) == ([("ADDED", "a")], ["9", "9"])


@virtual_time
async def test_a_half_closed_watch_is_noticed(tmp_path):
    script = (
        Script()
        .on("GET", PODS, page(version=9))
        .watch(PODS, quiet(), watch(event("ADDED", item("a", 12)), then="hang"))
    )
    async with watching(script, tmp_path) as pods:
        before = seconds()
        await eventually(lambda: pods.told)
        assert 290 + 30 <= seconds() - before <= 590 + 40


@virtual_time
async def test_a_watch_that_is_never_answered_is_given_up(tmp_path):
    script = (
        Script().on("GET", PODS, page(version=9)).watch(PODS, hang, watch(event("ADDED", item("a", 12)), then="hang"))
    )
    async with watching(script, tmp_path) as pods:
        await eventually(lambda: pods.told, within=60)


@virtual_time
async def test_a_busy_server_is_given_the_time_it_asks_for(tmp_path):
    busy = status(429, "TooManyRequests", headers={"Retry-After": "50"})
    script = Script().on("GET", PODS, page(version=9)).watch(PODS, busy, quiet())
    async with watching(script, tmp_path) as pods:
        before = seconds()
        await eventually(lambda: len(pods.watched_from) == 2)
        assert seconds() - before == pytest.approx(50, abs=1.1)


@virtual_time
async def test_a_list_that_fails_is_tried_until_it_succeeds(tmp_path):
    script = Script().on(
        "GET", PODS, status(500), html(502), status(403, "Forbidden", "no"), page(item("a", 1), version=9)
    )
    script.watch(PODS, quiet())
    async with watching(script, tmp_path) as pods:
        assert (pods.names, pods.lists) == ({"a": "1"}, 4)


@virtual_time
async def test_a_page_token_that_expires_lists_from_the_start(tmp_path):
    script = Script().on(
        "GET", PODS, page(item("a", 1), version=9, token="t"), status(410, "Expired"), page(item("b", 2), version=30)
    )
    script.watch(PODS, quiet())
    async with watching(script, tmp_path) as pods:
        await eventually(lambda: pods.watched_from)
        assert (pods.names, pods.watched_from) == ({"b": "2"}, ["30"])


@virtual_time
async def test_a_kind_that_is_not_served_is_empty_and_said_once(tmp_path):
    script = Script()
    with capture_logs() as logs:
        async with watching(script, tmp_path) as pods:
            await asyncio.sleep(600)
            assert (pods.store.synced, pods.store.served, pods.told) == (True, False, [])
            assert 15 <= pods.lists <= 25
    assert len([log for log in logs if log["event"] == "kind unavailable"]) == 1


@virtual_time
async def test_watches_that_keep_breaking_are_complained_of_once_until_one_lasts(tmp_path):
    script = Script().on("GET", PODS, page(version=9)).watch(PODS, status(500), status(500), status(500), quiet())
    with capture_logs() as logs:
        async with watching(script, tmp_path) as pods:
            await eventually(lambda: len(pods.watched_from) == 4)
            await asyncio.sleep(10)
    said = [log["event"] for log in logs if log["log_level"] in {"warning", "info"}]
    assert said == ["kind unavailable", "kind available again"]


@virtual_time
async def test_one_watch_that_breaks_is_nothing_to_complain_of(tmp_path):
    script = Script().on("GET", PODS, page(version=9)).watch(PODS, status(500), quiet())
    with capture_logs() as logs:
        async with watching(script, tmp_path) as pods:
            await eventually(lambda: len(pods.watched_from) == 2)
    assert [log["event"] for log in logs if log["log_level"] != "debug"] == []


NOT_LISTED = status(403, "Forbidden", 'pods is forbidden: User "me" cannot list resource "pods"')
NOT_WATCHED = status(403, "Forbidden", 'pods is forbidden: User "me" cannot watch resource "pods"')


def complaints(logs):
    return [log["why"] for log in logs if log["event"] == "kind unavailable"]


@virtual_time
async def test_a_kind_that_may_not_be_listed_is_said_once_and_found_once_it_may(tmp_path):
    script = Script().on("GET", PODS, *[NOT_LISTED] * 9, page(item("a", 1), version=9)).watch(PODS, quiet())
    async with serving(script), client_of(script, tmp_path, qps=0) as client:
        pods = Watcher(client, script)
        with capture_logs() as logs:
            task = asyncio.get_running_loop().create_task(pods.informer.run())
            await pods.informer.heard()
            assert (pods.store.refused, pods.store.synced, pods.told) == ("list", False, [])
            await pods.informer.synced()
            assert (pods.store.refused, pods.names, pods.lists) == ("", {"a": "1"}, 10)
            await asyncio.sleep(10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    (said,) = complaints(logs)
    assert said.startswith("this account may not list it; its role must allow get, list and watch")
    assert said.endswith(': Forbidden (403): pods is forbidden: User "me" cannot list resource "pods"')
    assert [log["event"] for log in logs][-1] == "kind available again"


@virtual_time
async def test_what_may_no_longer_be_watched_gets_old_until_it_may_again(tmp_path):
    script = Script().on("GET", PODS, page(item("a", 1), version=9))
    script.watch(PODS, NOT_WATCHED, NOT_WATCHED, watch(event("MODIFIED", item("a", 10)), then="hang"))
    with capture_logs() as logs:
        async with watching(script, tmp_path) as pods:
            await eventually(lambda: pods.store.refused == "watch")
            assert pods.names == {"a": "1"}
            await eventually(lambda: pods.names == {"a": "10"})
            assert (pods.store.refused, pods.lists) == ("", 1)
    (said,) = complaints(logs)
    assert said.startswith("this account may not watch it")


@virtual_time
async def test_a_kind_that_comes_later_is_found(tmp_path):
    script = Script().on("GET", PODS, status(404), page(item("a", 1), version=9)).watch(PODS, quiet())
    async with watching(script, tmp_path) as pods:
        await eventually(lambda: pods.names == {"a": "1"}, within=60)
        assert pods.store.served


@virtual_time
async def test_a_kind_that_goes_takes_its_objects_along(tmp_path):
    script = Script().on("GET", PODS, page(item("a", 1), version=9), status(404)).watch(PODS, watch(), status(404))
    async with watching(script, tmp_path) as pods:
        await eventually(lambda: not pods.store.served)
        assert pods.kinds == [("ADDED", "a"), ("DELETED", "a")]


@virtual_time
async def test_what_cannot_be_decoded_stops_only_its_own_key(tmp_path):
    class Strict(msgspec.Struct):
        metadata: dict
        spec: int

    def decode(body):
        msgspec.json.decode(body, type=Strict)
        return decode_object(body)

    good = item("b", 2) | {"spec": 1}
    script = Script().on("GET", PODS, page(item("a", 1), good, version=9))
    script.watch(PODS, watch(event("MODIFIED", item("a", 12) | {"spec": 5}), then="hang"))
    async with watching(script, tmp_path, decode=decode) as pods:
        first = (pods.names, pods.store.is_stale(A))
        await eventually(lambda: "a" in pods.names)
        assert (first, pods.store.is_stale(A)) == (({"b": "2"}, True), False)


@virtual_time
async def test_an_own_write_is_stale_until_the_watch_delivers_it(tmp_path):
    late = asyncio.Event()

    async def slow(request):
        await late.wait()
        return await watch(event("MODIFIED", item("a", 15)), then="hang")(request)

    script = Script().on("GET", PODS, page(item("a", 1), version=9)).watch(PODS, slow)
    async with watching(script, tmp_path) as pods:
        pods.store.expect(A, "15")
        before = pods.store.is_stale(A)
        late.set()
        await eventually(lambda: not pods.store.is_stale(A), within=5)
        assert (before, pods.names) == (True, {"a": "15"})


@virtual_time
async def test_an_own_write_that_never_shows_is_waited_for_half_a_minute(tmp_path):
    script = Script().on("GET", PODS, page(item("a", 1), version=9)).watch(PODS, quiet())
    async with watching(script, tmp_path) as pods:
        before = seconds()
        pods.store.expect(A, "15")
        await eventually(lambda: not pods.store.is_stale(A))
        assert (seconds() - before, pods.store.expired) == (pytest.approx(30, abs=1.1), 1)


@virtual_time
async def test_an_exception_of_the_listener_ends_the_informer(tmp_path):
    def refuse(_):
        raise RuntimeError("no")

    script = Script().on("GET", PODS, page(item("a", 1), version=9))
    async with serving(script), client_of(script, tmp_path) as client:
        informer = Informer(POD, decode_object, client=client, on_event=refuse)
        with pytest.raises(RuntimeError, match="no"):
            await informer.run()
