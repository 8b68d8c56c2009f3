import asyncio

import aiohttp
import pytest
from aiohttp import web

from rollouts.api.kinds import POD
from rollouts.api.meta import Key
from rollouts.kube.errors import NotLeading
from tests.kube.server import Script, client_of, item, serving
from tests.runtime.virtualtime import virtual_time

A = "/api/v1/namespaces/shop/pods/a"
KEY = Key("shop", "a")


def lost():
    raise NotLeading("lost")


@virtual_time
@pytest.mark.parametrize("verb", ["get", "patch"])
async def test_the_fence_is_asked_once_there_is_a_connection(tmp_path, verb, monkeypatch):
    """To connect may take seconds, in which the Lease may run out."""
    time = asyncio.get_running_loop().time
    create = aiohttp.TCPConnector._create_connection

    async def slowly(*args, **kwargs):
        await asyncio.sleep(5)
        return await create(*args, **kwargs)

    def check():
        if time() >= until:
            lost()

    monkeypatch.setattr(aiohttp.TCPConnector, "_create_connection", slowly)
    async with serving(Script()) as script, client_of(script, tmp_path) as client:
        script.on("GET", A, web.json_response(item("a", 1))).on("PATCH", A, web.json_response({}))
        until = time() + 3
        fenced = client.fenced(check)
        with pytest.raises(NotLeading):
            await (fenced.get(POD, KEY) if verb == "get" else fenced.patch(POD, KEY, {}))
        assert script.seen == []


@virtual_time
async def test_the_fence_is_asked_when_the_bytes_are_written(tmp_path):
    """On Python 3.11 a request with a body is written one turn of the loop after it was begun."""
    answers = iter([None, NotLeading("lost")])

    def check():
        if (answer := next(answers)) is not None:
            raise answer

    async with serving(Script()) as script, client_of(script, tmp_path) as client:
        script.on("PATCH", A, web.json_response({}))
        with pytest.raises(NotLeading):
            await client.fenced(check).patch(POD, KEY, {})
        assert script.seen == []
