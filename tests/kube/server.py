"""A scripted API server: a real one on loopback, whose answers a test writes down in order."""

import asyncio
import json
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import NamedTuple

import yaml
from aiohttp import web

from rollouts.kube.client import Client
from rollouts.runtime.probes import listening
from tests.runtime.virtualtime import LoopClock, VirtualTimeLoop


class Seen(NamedTuple):
    method: str
    path: str
    query: dict
    body: object
    headers: dict


@dataclass
class Script:
    """What to answer to which method and path; the last answer is repeated."""

    answers: dict = field(default_factory=lambda: defaultdict(list))
    seen: list = field(default_factory=list)
    url: str = ""

    def on(self, method, path, *answers):
        self.answers[method, path] = list(answers)
        return self

    def watch(self, path, *answers):
        return self.on("WATCH", path, *answers)

    def requests(self, method, path=None):
        return [seen for seen in self.seen if seen.method == method and path in (None, seen.path)]

    async def answer(self, request):
        method = "WATCH" if request.query.get("watch") else request.method
        text = await request.text()
        body = json.loads(text) if text else None
        self.seen.append(Seen(method, request.path, dict(request.query), body, dict(request.headers)))
        answers = self.answers[method, request.path]
        if not answers:
            return status(404, "NotFound")
        chosen = answers.pop(0) if len(answers) > 1 else answers[0]
        return await chosen(request) if callable(chosen) else _copied(chosen)


async def _dated(request, response):
    """The server has the date of the test, where that has one of its own."""
    if isinstance(asyncio.get_running_loop(), VirtualTimeLoop):
        response.headers["Date"] = format_datetime(LoopClock().now(), usegmt=True)


def _copied(response):
    return web.Response(status=response.status, body=response.body, headers=response.headers)


@asynccontextmanager
async def serving(script):
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{path:.*}", script.answer)
    app.on_response_prepare.append(_dated)
    async with listening(app, 0, "127.0.0.1") as port:
        script.url = f"http://127.0.0.1:{port}"
        yield script


@asynccontextmanager
async def client_of(script, tmp_path, user=None, user_agent="tests", **options):
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me", "namespace": "shop"}}],
        "clusters": [{"name": "here", "cluster": {"server": script.url}}],
        "users": [{"name": "me", "user": user or {"token": "t0"}}],
    }
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    async with Client.connect(kubeconfig=str(path), user_agent=user_agent, **options) as client:
        yield client


def item(name, version, namespace="shop", **more):
    labels = more.pop("labels", {})
    meta = {
        "name": name,
        "namespace": namespace,
        "resourceVersion": str(version),
        "uid": f"uid-{name}",
        "labels": labels,
    }
    return {"metadata": meta | more}


def page(*items, version, token=""):
    meta = {"resourceVersion": str(version)} | ({"continue": token} if token else {})
    return web.json_response({"kind": "List", "metadata": meta, "items": list(items)})


def status(code, reason="", message="", headers=None, **more):
    body = {"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message} | more
    return web.json_response(body, status=code, headers=headers)


def html(code):
    return web.Response(status=code, text="<html>Bad gateway</html>", content_type="text/html")


async def hang(request):
    await asyncio.Event().wait()


async def reset(request):
    request.transport.abort()
    return web.Response()


def event(change, found):
    return {"type": change, "object": found}


def bookmark(version):
    return event("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": str(version)}})


def expired():
    return event("ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"})


def watch(*events, then="close"):
    """A watch that sends *events*, then is closed, goes silent (`hang`) or is cut off (`reset`)."""

    async def send(request):
        stream = web.StreamResponse(headers={"Content-Type": "application/json"})
        stream.enable_chunked_encoding()
        await stream.prepare(request)
        for sent in events:
            text = sent if isinstance(sent, str) else json.dumps(sent)
            await stream.write(text.encode() + b"\n")
        if then == "hang":
            await asyncio.Event().wait()
        if then == "reset":
            request.transport.abort()
        return stream

    return send


def quiet():
    """A watch on which nothing happens."""
    return watch(then="hang")
