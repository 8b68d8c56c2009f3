import asyncio
import ssl
from datetime import UTC, datetime

import aiohttp
import pytest
import trustme
from aiohttp import web

from analysis.providers.base import Tools

NOW = datetime(2026, 11, 21, 0, 52, 57, 957_000, tzinfo=UTC)


class Endpoint:
    """A server on loopback: answers by path, and remembers what it was asked."""

    def __init__(self):
        self.asked, self.answers, self.delay, self.url = [], {}, asyncio.Event(), ""

    async def handle(self, request):
        form = dict(await request.post()) if request.content_type.endswith("urlencoded") else {}
        self.asked.append((request.method, request.path_qs, dict(request.headers), form, await request.read()))
        answer = self.answers.get((request.method, request.path)) or self.answers.get(request.path)
        if answer is None:
            return web.Response(status=404)
        if callable(answer):
            return await answer(request, form)
        return web.Response(**answer)

    async def hang(self, request, form):
        await self.delay.wait()
        return web.Response(text="late")


async def _serve(endpoint, context=None):
    runner = web.AppRunner(web.Application(client_max_size=1 << 24), handle_signals=False)
    runner.app.router.add_route("*", "/{tail:.*}", endpoint.handle)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    port = runner.addresses[0][1]
    endpoint.url = f"{'https' if context else 'http'}://127.0.0.1:{port}"
    return runner


@pytest.fixture
async def endpoint():
    found = Endpoint()
    runner = await _serve(found)
    yield found
    found.delay.set()
    await runner.cleanup()


@pytest.fixture
async def tls_endpoint():
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    found = Endpoint()
    runner = await _serve(found, context)
    yield found
    await runner.cleanup()


@pytest.fixture
async def tools():
    async def secret(namespace, name, key):
        values = {("ns", "login", "token"): "s3cret"}
        if (namespace, name, key) not in values:
            raise LookupError(f'key "{key}" of Secret {namespace}/{name} not found')
        return values[namespace, name, key]

    async with aiohttp.ClientSession() as session:
        yield Tools(session, secret, lambda: NOW)
