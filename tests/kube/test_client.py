import asyncio
from contextlib import asynccontextmanager

import msgspec
import pytest
from aiohttp import web

from rollouts.api.kinds import POD, ROLLOUT
from rollouts.api.meta import Key
from rollouts.kube.access import AccessError
from rollouts.kube.client import Client, Content
from rollouts.kube.errors import (
    AlreadyExists,
    ApiError,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    NotLeading,
    ServerFault,
    TooManyRequests,
    Unauthorized,
    Unreachable,
)
from tests.kube.server import Script, client_of, hang, html, item, page, reset, serving, status, watch
from tests.runtime.virtualtime import eventually, virtual_time

PODS = "/api/v1/pods"
A = "/api/v1/namespaces/shop/pods/a"
KEY = Key("shop", "a")


@asynccontextmanager
async def cluster(tmp_path, **options):
    async with serving(Script()) as script, client_of(script, tmp_path, **options) as client:
        yield script, client


@virtual_time
async def test_get_returns_the_bytes_of_the_answer(tmp_path):
    async with cluster(tmp_path) as (script, client):
        script.on("GET", A, web.json_response(item("a", 5)))
        found = msgspec.json.decode(await client.get(POD, KEY))
        (seen,) = script.seen
        assert (found, seen.headers["Authorization"], seen.headers["User-Agent"], client.default_namespace) == (
            item("a", 5),
            "Bearer t0",
            "tests",
            "shop",
        )


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (400, "BadRequest", ApiError),
        (401, "Unauthorized", Unauthorized),
        (403, "Forbidden", Forbidden),
        (404, "NotFound", NotFound),
        (409, "Conflict", Conflict),
        (409, "AlreadyExists", AlreadyExists),
        (410, "Expired", Gone),
        (422, "Invalid", Invalid),
        (429, "TooManyRequests", TooManyRequests),
        (500, "InternalError", ServerFault),
        (504, "Timeout", ServerFault),
    ],
)
def test_each_failure_has_its_class(tmp_path, code, reason, kind):
    @virtual_time
    async def fails():
        async with cluster(tmp_path) as (script, client):
            script.on("GET", A, status(code, reason, "no"))
            with pytest.raises(ApiError) as caught:
                await client.get(POD, KEY)
            error = caught.value
            assert (type(error), error.status, error.reason, error.message) == (kind, code, reason, "no")

    fails()


@virtual_time
async def test_html_of_a_proxy_is_a_server_fault(tmp_path):
    async with cluster(tmp_path) as (script, client):
        script.on("GET", A, html(502))
        with pytest.raises(ServerFault, match="Bad gateway"):
            await client.get(POD, KEY)


@virtual_time
async def test_causes_name_the_fields(tmp_path):
    causes = [{"reason": "FieldValueInvalid", "message": "bad", "field": "spec.replicas"}]
    async with cluster(tmp_path) as (script, client):
        script.on("POST", "/api/v1/namespaces/shop/pods", status(422, "Invalid", "no", details={"causes": causes}))
        with pytest.raises(Invalid) as caught:
            await client.create(POD, "shop", item("a", ""))
        assert caught.value.causes == (("FieldValueInvalid", "spec.replicas", "bad"),)


@virtual_time
async def test_silence_ends_at_the_deadline(tmp_path):
    async with cluster(tmp_path) as (script, client):
        script.on("GET", A, hang)
        before = asyncio.get_running_loop().time()
        with pytest.raises(Unreachable, match="no answer within 10s"):
            await client.get(POD, KEY)
        assert asyncio.get_running_loop().time() == before + 10


@virtual_time
async def test_a_view_can_have_a_shorter_deadline(tmp_path):
    async with cluster(tmp_path) as (script, client):
        script.on("GET", A, hang)
        with pytest.raises(Unreachable, match=r"no answer within 1.5s"):
            await client.within(1.5).get(POD, KEY)


@virtual_time
async def test_a_reset_is_unreachable(tmp_path):
    async with cluster(tmp_path) as (script, client):
        script.on("PATCH", A, reset)
        with pytest.raises(Unreachable):
            await client.patch(POD, KEY, {})


@virtual_time
async def test_nobody_listening_is_unreachable(tmp_path):
    async with serving(Script()) as script:
        pass
    async with client_of(script, tmp_path) as client:
        with pytest.raises(Unreachable):
            await client.get(POD, KEY)


@virtual_time
async def test_a_refused_write_is_sent_again_after_retry_after(tmp_path):
    async with cluster(tmp_path) as (script, client):
        busy = status(429, "TooManyRequests", headers={"Retry-After": "3"})
        script.on("PATCH", A, busy, busy, web.json_response(item("a", 6)))
        before = asyncio.get_running_loop().time()
        await client.patch(POD, KEY, {"x": None})
        assert (len(script.seen), asyncio.get_running_loop().time()) == (3, before + 6)


@virtual_time
async def test_retry_after_beyond_the_deadline_is_left_to_the_caller(tmp_path):
    async with cluster(tmp_path) as (script, client):
        script.on("GET", A, status(429, headers={"Retry-After": "60"}))
        with pytest.raises(TooManyRequests) as caught:
            await client.get(POD, KEY)
        assert (caught.value.retry_after, len(script.seen)) == (60, 1)


@virtual_time
async def test_tries_are_bounded(tmp_path):
    async with cluster(tmp_path) as (script, client):
        script.on("GET", A, status(429, headers={"Retry-After": "0"}))
        with pytest.raises(TooManyRequests):
            await client.get(POD, KEY)
        assert len(script.seen) == 4


@virtual_time
async def test_an_unavailable_server_is_asked_again_only_for_reads(tmp_path):
    async with cluster(tmp_path) as (script, client):
        down = status(503, "ServiceUnavailable", headers={"Retry-After": "1"})
        script.on("GET", A, down, web.json_response(item("a", 1))).on("DELETE", A, down)
        await client.get(POD, KEY)
        with pytest.raises(ServerFault):
            await client.delete(POD, KEY)
        assert (len(script.requests("GET")), len(script.requests("DELETE"))) == (2, 1)


@virtual_time
async def test_an_eviction_that_a_budget_forbids_is_not_repeated(tmp_path):
    path = f"{A}/eviction"
    async with cluster(tmp_path) as (script, client):
        script.on("POST", path, status(429, "TooManyRequests", "disruption budget"))
        with pytest.raises(TooManyRequests):
            await client.post(path, {"kind": "Eviction"})
        assert len(script.seen) == 1


@virtual_time
async def test_pages_are_followed_to_the_end(tmp_path):
    async with cluster(tmp_path) as (script, client):
        script.on("GET", PODS, page(item("a", 1), version=9, token="more"), page(item("b", 2), version=9))
        found = await client.list(POD, selector="x=y")
        assert [(one["metadata"]["name"], one["kind"], one["apiVersion"]) for one in found] == [
            ("a", "Pod", "v1"),
            ("b", "Pod", "v1"),
        ]
        assert [seen.query for seen in script.seen] == [
            {"limit": "500", "labelSelector": "x=y"},
            {"limit": "500", "labelSelector": "x=y", "continue": "more"},
        ]


@virtual_time
async def test_a_list_whose_token_expired_begins_again(tmp_path):
    async with cluster(tmp_path) as (script, client):
        old = page(item("a", 1), version=9, token="more")
        script.on("GET", PODS, old, status(410, "Expired"), page(item("b", 2), version=10))
        assert [one["metadata"]["name"] for one in await client.list(POD)] == ["b"]


@pytest.mark.parametrize("content", list(Content))
def test_patches_say_what_they_are(tmp_path, content):
    @virtual_time
    async def patches():
        async with cluster(tmp_path) as (script, client):
            path = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/a/status"
            script.on("PATCH", path, web.json_response({}))
            await client.patch(ROLLOUT, KEY, {"status": {"x": None}}, subresource="status", content=content)
            (seen,) = script.seen
            assert (seen.headers["Content-Type"], seen.query, seen.body) == (
                content.value,
                {"fieldManager": "rollouts-controller"},
                {"status": {"x": None}},
            )

    patches()


@virtual_time
async def test_delete_carries_its_preconditions(tmp_path):
    async with cluster(tmp_path) as (script, client):
        script.on("DELETE", A, web.json_response({}))
        await client.delete(POD, KEY, uid="u", resource_version="7", propagation="Foreground")
        assert script.seen[0].body == {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "preconditions": {"uid": "u", "resourceVersion": "7"},
            "propagationPolicy": "Foreground",
        }


@virtual_time
async def test_a_dry_run_says_so(tmp_path):
    async with cluster(tmp_path) as (script, client):
        script.on("POST", "/api/v1/namespaces/shop/pods", web.json_response({}))
        await client.create(POD, "shop", item("a", ""), dry_run=True)
        assert script.seen[0].query == {"dryRun": "All"}


def lost():
    raise NotLeading("lost")


@virtual_time
async def test_a_fence_stops_every_request(tmp_path):
    async with cluster(tmp_path) as (script, client):
        script.on("GET", A, web.json_response(item("a", 1)))
        fenced = client.fenced(lost)
        for request in (
            fenced.create(POD, "shop", {}),
            fenced.patch(POD, KEY, {}),
            fenced.update(POD, KEY, {}),
            fenced.delete(POD, KEY),
            fenced.post(f"{A}/eviction", {}),
            fenced.get(POD, KEY),
            fenced.list(POD, "shop"),
        ):
            with pytest.raises(NotLeading):
                await request
        with pytest.raises(NotLeading):
            async with fenced.stream(PODS, {"watch": "true"}):
                pytest.fail("the body must not run")
        assert script.seen == []
        await client.get(POD, KEY)


@virtual_time
async def test_what_the_fence_stopped_was_no_request(tmp_path):
    calls = []
    async with cluster(tmp_path, observe=calls.append) as (_, client):
        with pytest.raises(NotLeading):
            await client.fenced(lost).patch(POD, KEY, {})
    assert calls == []


@virtual_time
async def test_the_fence_is_asked_after_waiting_for_a_turn(tmp_path):
    asked = []
    async with cluster(tmp_path, qps=1, burst=1) as (script, client):
        script.on("PATCH", A, web.json_response({}))
        fenced = client.fenced(lambda: asked.append(asyncio.get_running_loop().time()))
        before = asyncio.get_running_loop().time()
        await fenced.patch(POD, KEY, {})
        await fenced.patch(POD, KEY, {})
        assert (asked[0], asked[-1], set(asked)) == (before, before + 1, {before, before + 1})


@virtual_time
async def test_the_fence_is_asked_again_before_a_second_try(tmp_path):
    asked = []
    async with cluster(tmp_path) as (script, client):
        script.on("PATCH", A, status(429, headers={"Retry-After": "3"}), web.json_response({}))
        await client.fenced(lambda: asked.append(len(script.seen))).patch(POD, KEY, {})
        assert set(asked) == {0, 1}


@virtual_time
async def test_a_burst_passes_and_the_rest_is_paced(tmp_path):
    async with cluster(tmp_path, qps=2, burst=3) as (script, client):
        script.on("GET", A, web.json_response(item("a", 1)))
        before = asyncio.get_running_loop().time()
        for _ in range(7):
            await client.get(POD, KEY)
        assert asyncio.get_running_loop().time() == pytest.approx(before + 2)


@pytest.mark.parametrize("qps", [0, -1])
def test_a_rate_that_is_not_positive_means_no_limit(tmp_path, qps):
    @virtual_time
    async def gets():
        async with cluster(tmp_path, qps=qps, burst=1) as (script, client):
            script.on("GET", A, web.json_response(item("a", 1)))
            before = asyncio.get_running_loop().time()
            for _ in range(20):
                await client.get(POD, KEY)
            assert asyncio.get_running_loop().time() == before

    gets()


@virtual_time
async def test_a_401_renews_the_token_and_tries_once_more(tmp_path):
    token = tmp_path / "token"
    token.write_text("old")
    async with cluster(tmp_path, user={"tokenFile": str(token)}) as (script, client):
        script.on("GET", A, status(401, "Unauthorized"), web.json_response(item("a", 1)))
        token.write_text("new\n")
        await asyncio.sleep(1)
        await client.get(POD, KEY)
        assert [seen.headers["Authorization"] for seen in script.seen] == ["Bearer old", "Bearer new"]


@virtual_time
async def test_a_token_file_is_read_again_every_minute(tmp_path):
    token = tmp_path / "token"
    token.write_text("old")
    async with cluster(tmp_path, user={"tokenFile": str(token)}) as (script, client):
        script.on("GET", A, web.json_response(item("a", 1)))
        token.write_text("new")
        await client.get(POD, KEY)
        await asyncio.sleep(61)
        await client.get(POD, KEY)
        assert [seen.headers["Authorization"] for seen in script.seen] == ["Bearer old", "Bearer new"]


@virtual_time
async def test_every_request_is_reported(tmp_path):
    calls = []
    async with cluster(tmp_path, observe=calls.append) as (script, client):
        script.on("GET", A, web.json_response(item("a", 1))).on("PATCH", A, reset)
        script.watch(PODS, watch())
        await client.get(POD, KEY)
        with pytest.raises(Unreachable):
            await client.patch(POD, KEY, {})
        async with client.stream(PODS, {"watch": "true"}) as lines:
            assert [line async for line in lines] == []
        assert [call[:5] for call in calls] == [
            ("pods", "shop", "a", "Get", 200),
            ("pods", "shop", "a", "Patch", 0),
            ("pods", "", "", "Watch", 200),
        ]


@virtual_time
async def test_a_stream_checks_its_status_before_it_is_read(tmp_path):
    async with cluster(tmp_path) as (script, client):
        script.watch(PODS, status(410, "Expired"))
        with pytest.raises(Gone):
            async with client.stream(PODS, {"watch": "true"}):
                pytest.fail("the body must not run")


@virtual_time
async def test_a_silent_stream_is_given_up(tmp_path):
    async with cluster(tmp_path) as (script, client):
        script.watch(PODS, watch("{}", then="hang"))
        got = []
        with pytest.raises(Unreachable, match="fell silent"):
            async with client.stream(PODS, {"watch": "true"}, silence=30) as lines:
                got += [line async for line in lines]


@virtual_time
async def test_many_open_watches_do_not_block_requests(tmp_path):
    async with cluster(tmp_path) as (script, client):
        script.watch(PODS, watch(then="hang")).on("GET", A, web.json_response(item("a", 1)))

        async def look():
            async with client.stream(PODS, {"watch": "true"}) as lines:
                async for _ in lines:
                    pass

        async with asyncio.TaskGroup() as group:
            watches = [group.create_task(look()) for _ in range(120)]
            await eventually(lambda: len(script.requests("WATCH")) == 120)
            assert await client.get(POD, KEY)
            for open_watch in watches:
                open_watch.cancel()


@virtual_time
async def test_a_missing_kubeconfig_is_said_with_its_path(tmp_path):
    with pytest.raises(AccessError, match="no kubeconfig at"):
        async with Client.connect(kubeconfig=str(tmp_path / "none"), user_agent="tests"):
            pass


@virtual_time
async def test_an_unknown_context_is_said(tmp_path):
    async with serving(Script()) as script, client_of(script, tmp_path):
        pass
    with pytest.raises(AccessError, match="elsewhere"):
        async with Client.connect(kubeconfig=str(tmp_path / "kubeconfig"), context="elsewhere", user_agent="tests"):
            pass
