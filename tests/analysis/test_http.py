"""Requests that fail: each is a sentence with its cause, in the words of Go's HTTP client, and none is an exception."""

import asyncio
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver

from analysis.answers import Failure
from analysis.http import Request, Response, send
from rollouts.api.providers import Authentication


class Nowhere(AbstractResolver):
    """Knows no name."""

    async def resolve(self, host, port=0, family=0):
        raise OSError(None, "Name or service not known")

    async def close(self):
        pass


@asynccontextmanager
async def saying(text):
    """A server that reads a request, says *text* whatever it was, and hangs up; its address."""

    async def spoken(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(text)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(spoken, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def cause(session, url, **more):
    """What is said of a request that fails, without method and address."""
    outcome = await send(session, Request("GET", url, 30, **more))
    assert isinstance(outcome, Failure)
    return outcome.message.removeprefix(f'Get "{url}": ')


async def test_a_name_that_nobody_knows():
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Nowhere())) as session:
        assert await cause(session, "http://metrics.example.com/x") == (
            "dial tcp: lookup metrics.example.com: no such host"
        )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "EOF"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "unexpected EOF"),
        (b"no HTTP at all\r\n\r\n", "request failed (ClientResponseError)"),
    ],
)
async def test_a_server_that_hangs_up_or_speaks_another_language(tools, text, said):
    async with saying(text) as url:
        assert await cause(tools.session, url) == said


async def test_redirects_without_end(endpoint, tools):
    endpoint.answers["/again"] = {"status": 302, "headers": {"Location": "/again"}}
    assert await cause(tools.session, endpoint.url + "/again") == "stopped after 10 redirects"


async def test_a_server_without_tls(endpoint, tools):
    assert (await cause(tools.session, endpoint.url.replace("http:", "https:"))).startswith("tls: ")


@pytest.mark.parametrize("wanted", [{}, {"basicAuth": {}}, {"oauth2": {}, "sigv4": {}}])
async def test_authentication_that_asks_for_nothing_sends_nothing(endpoint, tools, wanted):
    endpoint.answers["/x"] = {"text": "ok"}
    request = Request("GET", endpoint.url + "/x", 30, authentication=Authentication.model_validate(wanted))
    assert await send(tools.session, request) == Response(200, b"ok")
    assert "Authorization" not in endpoint.asked[0][2]


@pytest.mark.parametrize(
    ("client", "answer", "said"),
    [
        (
            {"tokenUrl": ""},
            {},
            "missing mandatory parameter in metric for OAuth2 setup: tokenUrl, clientId and clientSecret",
        ),
        ({}, {"text": "no JSON"}, "oauth2: server response missing access_token"),
        ({}, {"text": "[1]"}, "oauth2: server response missing access_token"),
        ({}, {"text": '{"access_token": 5}'}, "oauth2: server response missing access_token"),
        ({"tokenUrl": "http://127.0.0.1:1/token"}, {}, "connection refused"),
        ({}, {"body": b" " * (6 << 20)}, '/token": response is larger than 5242880 bytes'),
    ],
    ids=["incomplete", "no JSON", "no object", "no text", "nobody there", "too much"],
)
async def test_a_token_that_cannot_be_had_is_a_failure_and_nothing_is_asked(endpoint, tools, client, answer, said):
    endpoint.answers["/token"] = answer
    whole = {"tokenUrl": endpoint.url + "/token", "clientId": "i", "clientSecret": "hushhush", **client}
    wanted = Authentication.model_validate({"oauth2": whole})
    found = await cause(tools.session, endpoint.url + "/x", authentication=wanted)
    assert found.endswith(said)
    assert "hushhush" not in found
    assert not [one for one in endpoint.asked if one[1] == "/x"]
