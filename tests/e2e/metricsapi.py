"""A metrics API of the test's own, which a real HorizontalPodAutoscaler reads: an aggregated API of one process."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trustme
from aiohttp import web

from rollouts.api.kinds import POD
from rollouts.api.meta import Key, Kind
from rollouts.kube.client import Client
from rollouts.runtime.clock import SystemClock
from rollouts.wire.durations import rfc3339

API_SERVICE = Kind("apiregistration.k8s.io", "v1", "APIService", "apiservices", namespaced=False)
NAME = "v1beta1.metrics.k8s.io"
RESOURCES = {
    "kind": "APIResourceList",
    "apiVersion": "v1",
    "groupVersion": "metrics.k8s.io/v1beta1",
    "resources": [{"name": "pods", "singularName": "", "namespaced": True, "kind": "PodMetrics", "verbs": ["list"]}],
}


@dataclass
class Usage:
    """What every pod of a namespace uses, in Mi."""

    client: Client
    memory: dict[str, int] = field(default_factory=dict)

    async def pods(self, request: web.Request) -> web.Response:
        """PodMetrics of the pods that the autoscaler selects."""
        namespace = request.match_info["namespace"]
        found = await self.client.list(POD, namespace, selector=request.query.get("labelSelector", ""))
        now = rfc3339(SystemClock().now())
        items = [
            {
                "metadata": {"name": pod["metadata"]["name"], "namespace": namespace, "creationTimestamp": now},
                "timestamp": now,
                "window": "1s",
                "containers": [
                    {"name": c["name"], "usage": {"cpu": "1m", "memory": f"{self.memory.get(namespace, 0)}Mi"}}
                    for c in pod["spec"]["containers"]
                ],
            }
            for pod in found
        ]
        return web.json_response(
            {"kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}, "items": items}
        )


@asynccontextmanager
async def metrics_api(client: Client) -> AsyncIterator[Usage]:
    """The API, registered at the API server while the body runs."""
    usage = Usage(client)
    app = web.Application()
    app.router.add_get("/apis/metrics.k8s.io/v1beta1", _resources)
    app.router.add_get("/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods", usage.pods)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=_tls())
        await site.start()
        port = runner.addresses[0][1]
        async with _registered(client, port):
            yield usage
    finally:
        await runner.cleanup()


async def _resources(_: web.Request) -> web.Response:
    return web.json_response(RESOURCES)


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


@asynccontextmanager
async def _registered(client: Client, port: int) -> AsyncIterator[None]:
    """A Service that is another name for this machine, and the API behind it."""
    kind = Kind("", "v1", "Service", "services")
    service = {"metadata": {"name": "metrics"}, "spec": {"type": "ExternalName", "externalName": "localhost"}}
    await client.create(kind, "default", {"apiVersion": "v1", "kind": "Service", **service})
    spec = {
        "group": "metrics.k8s.io",
        "version": "v1beta1",
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
        "insecureSkipTLSVerify": True,
        "service": {"name": "metrics", "namespace": "default", "port": port},
    }
    body = {"apiVersion": API_SERVICE.api_version, "kind": "APIService", "metadata": {"name": NAME}, "spec": spec}
    try:
        await client.create(API_SERVICE, "", body)
        async with asyncio.timeout(60):
            while not await _is_available(client):  # noqa: ASYNC110 (the API server says nothing by itself)
                await asyncio.sleep(0.2)
        yield
    finally:
        # an API that nobody answers for holds up the deletion of every namespace
        await client.delete(API_SERVICE, Key("", NAME))
        await client.delete(kind, Key("default", "metrics"))


async def _is_available(client: Client) -> bool:
    found = next(one for one in await client.list(API_SERVICE, "") if one["metadata"]["name"] == NAME)
    conditions = found.get("status", {}).get("conditions", [])
    return any(one["type"] == "Available" and one["status"] == "True" for one in conditions)
