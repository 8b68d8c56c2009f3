import asyncio
import re
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from rollouts.api.kinds import NODE, ROLLOUT
from rollouts.api.meta import Metadata
from rollouts.kube.recorder import Recorder
from tests.kube.server import Script, client_of, hang, reset, serving, status
from tests.runtime.virtualtime import LoopClock, eventually, virtual_time

EVENTS = "/api/v1/namespaces/shop/events"
# RFC 1123, as the API server asks of names
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
WEB = Metadata(name="web", namespace="shop", uid="u1", resource_version="7")


@asynccontextmanager
async def recording(tmp_path, script, **options):
    async with serving(script), client_of(script, tmp_path, qps=0) as client:
        recorder = Recorder(client, "rollouts-controller", clock=LoopClock(), **options)
        task = asyncio.get_running_loop().create_task(recorder.run())
        yield recorder
        task.cancel()


@virtual_time
async def test_an_event_says_what_kubectl_shows(tmp_path):
    async with recording(tmp_path, script := Script().on("POST", EVENTS, web.json_response({}))) as recorder:
        recorder.record(ROLLOUT, WEB, "RolloutAborted", "it failed", warning=True)
        await recorder.flush(5)
        body = script.seen[0].body
        name = body["metadata"].pop("name")
        assert name.startswith("web.1")
        assert body == {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"namespace": "shop"},
            "involvedObject": {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Rollout",
                "name": "web",
                "namespace": "shop",
                "uid": "u1",
                "resourceVersion": "7",
            },
            "type": "Warning",
            "reason": "RolloutAborted",
            "message": "it failed",
            "source": {"component": "rollouts-controller"},
            "reportingComponent": "rollouts-controller",
            "firstTimestamp": "2026-01-01T00:00:00Z",
            "lastTimestamp": "2026-01-01T00:00:00Z",
            "count": 1,
        }


@virtual_time
async def test_the_same_again_raises_the_count(tmp_path):
    script = Script().on("POST", EVENTS, at_version("5"))
    async with recording(tmp_path, script) as recorder:
        recorder.record(ROLLOUT, WEB, "R", "m")
        await recorder.flush(5)
        name = script.seen[0].body["metadata"]["name"]
        script.on("PATCH", f"{EVENTS}/{name}", at_version("8"))
        for _ in range(2):
            await asyncio.sleep(10)
            recorder.record(ROLLOUT, WEB, "R", "m")
            await recorder.flush(5)
        assert [(seen.method, seen.body) for seen in script.seen[1:]] == [
            ("PATCH", counted("5", 2, "2026-01-01T00:00:10Z")),
            ("PATCH", counted("8", 3, "2026-01-01T00:00:20Z")),
        ]


@virtual_time
async def test_an_event_that_somebody_else_wrote_is_not_counted_on(tmp_path):
    async with counting(tmp_path, status(409, "Conflict")) as script:
        assert [(seen.method, seen.body["count"]) for seen in script.seen[1:]] == [("PATCH", 2), ("POST", 1)]


@virtual_time
async def test_a_count_whose_answer_was_lost_is_not_counted_twice(tmp_path):
    async with counting(tmp_path, status(500), status(409, "Conflict")) as script:
        await eventually(lambda: len(script.seen) == 3, within=60)
        await asyncio.sleep(60)
        assert [(seen.method, seen.body["count"]) for seen in script.seen[1:]] == [("PATCH", 2), ("PATCH", 2)]


@virtual_time
async def test_an_event_whose_version_is_unknown_is_not_counted_on(tmp_path):
    script = Script().on("POST", EVENTS, status(409, "AlreadyExists"))
    async with recording(tmp_path, script) as recorder:
        for _ in range(2):
            recorder.record(ROLLOUT, WEB, "R", "m")
            await recorder.flush(5)
        assert [seen.method for seen in script.seen] == ["POST", "POST"]


@virtual_time
@pytest.mark.parametrize("end", ["-", ".", ".-.", ""])
async def test_a_long_name_is_cut_where_a_name_may_end(tmp_path, end):
    long = "a" * (220 - len(end)) + end + "b" * 30
    async with recording(tmp_path, script := Script().on("POST", EVENTS, web.json_response({}))) as recorder:
        recorder.record(ROLLOUT, Metadata(name=long, namespace="shop"), "R", "m")
        await recorder.flush(5)
    name = script.seen[0].body["metadata"]["name"]
    assert len(name) <= 253
    assert SUBDOMAIN.fullmatch(name), name


def at_version(version):
    return web.json_response({"metadata": {"resourceVersion": version}})


def counted(version, count, last):
    return {"metadata": {"resourceVersion": version}, "count": count, "lastTimestamp": last}


@asynccontextmanager
async def counting(tmp_path, *answers):
    """The same was said twice; to the count the server gives *answers*."""
    script = Script().on("POST", EVENTS, at_version("5"))
    async with recording(tmp_path, script) as recorder:
        recorder.record(ROLLOUT, WEB, "R", "m")
        await recorder.flush(5)
        script.on("PATCH", f"{EVENTS}/{script.seen[0].body['metadata']['name']}", *answers)
        recorder.record(ROLLOUT, WEB, "R", "m")
        await recorder.flush(5)
        yield script


@virtual_time
async def test_an_event_that_the_server_forgot_is_made_anew(tmp_path):
    script = Script().on("POST", EVENTS, at_version("5"))
    async with recording(tmp_path, script) as recorder:
        for _ in range(2):
            recorder.record(ROLLOUT, WEB, "R", "m")
            await recorder.flush(5)
        assert [seen.method for seen in script.seen] == ["POST", "PATCH", "POST"]


@virtual_time
async def test_different_things_are_different_events_with_different_names(tmp_path):
    script = Script().on("POST", EVENTS, web.json_response({}))
    async with recording(tmp_path, script) as recorder:
        recorder.record(ROLLOUT, WEB, "R", "m")
        recorder.record(ROLLOUT, WEB, "R", "other")
        recorder.record(ROLLOUT, WEB, "R", "m", warning=True)
        await recorder.flush(5)
        assert len({seen.body["metadata"]["name"] for seen in script.requests("POST")}) == 3


@virtual_time
async def test_what_waits_is_counted_not_repeated(tmp_path):
    script = Script().on("POST", EVENTS, web.json_response({}))
    async with recording(tmp_path, script) as recorder:
        for _ in range(5):
            recorder.record(ROLLOUT, WEB, "R", "m")
        await recorder.flush(5)
        assert [seen.body["count"] for seen in script.seen] == [5]


@virtual_time
async def test_events_of_objects_without_a_namespace_live_in_default(tmp_path):
    script = Script().on("POST", "/api/v1/namespaces/default/events", web.json_response({}))
    async with recording(tmp_path, script) as recorder:
        recorder.record(NODE, Metadata(name="n1"), "R", "m")
        await recorder.flush(5)
        assert script.seen[0].body["involvedObject"]["namespace"] == ""


@virtual_time
async def test_a_full_queue_drops_counts_and_says_it_once(tmp_path):
    with capture_logs() as logs:
        async with recording(tmp_path, Script().on("POST", EVENTS, hang), waiting=3) as recorder:
            for number in range(10):
                recorder.record(ROLLOUT, WEB, "R", f"m{number}")
            assert recorder.dropped == 7
    assert len([log for log in logs if "dropped" in log["event"]]) == 1


@virtual_time
async def test_a_server_that_refuses_stops_nothing(tmp_path):
    script = Script().on("POST", EVENTS, status(403, "Forbidden"), web.json_response({}))
    async with recording(tmp_path, script) as recorder:
        for number in range(2):
            recorder.record(ROLLOUT, WEB, "R", f"m{number}")
        await eventually(lambda: len(script.seen) == 2, within=60)
        await recorder.flush(5)
        assert recorder.dropped == 1


@virtual_time
async def test_what_a_failing_server_does_not_take_is_told_later_once(tmp_path):
    taken = status(409, "AlreadyExists")
    script = Script().on("POST", EVENTS, reset, status(500, "InternalError"), status(429, "TooManyRequests"), taken)
    async with recording(tmp_path, script) as recorder:
        recorder.record(ROLLOUT, WEB, "R", "m")
        await recorder.flush(60)
        assert len({seen.body["metadata"]["name"] for seen in script.seen}) == 1
        assert len(script.seen) == 4
        assert recorder.dropped == 0


@virtual_time
async def test_a_server_that_fails_for_long_is_not_waited_for(tmp_path):
    script = Script().on("POST", EVENTS, status(500, "InternalError"))
    async with recording(tmp_path, script) as recorder:
        recorder.record(ROLLOUT, WEB, "R", "m")
        await recorder.flush(300)
        assert len(script.seen) == 6
        assert recorder.dropped == 1


@virtual_time
async def test_that_a_namespace_is_going_is_nothing_to_complain_of(tmp_path):
    going = {"causes": [{"reason": "NamespaceTerminating", "field": "metadata.namespace", "message": "gone"}]}
    script = Script().on("POST", EVENTS, status(403, "Forbidden", "being terminated", details=going))
    with capture_logs() as logs:
        async with recording(tmp_path, script) as recorder:
            recorder.record(ROLLOUT, WEB, "R", "m")
            await recorder.flush(5)
            assert recorder.dropped == 1
    assert [log["log_level"] for log in logs] == ["debug"]


@virtual_time
async def test_flushing_has_an_end(tmp_path):
    async with recording(tmp_path, Script().on("POST", EVENTS, hang)) as recorder:
        recorder.record(ROLLOUT, WEB, "R", "m")
        before = asyncio.get_running_loop().time()
        await recorder.flush(2)
        assert asyncio.get_running_loop().time() - before == 2
