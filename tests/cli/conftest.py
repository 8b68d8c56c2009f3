"""The command line against a real HTTP server on loopback."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
import structlog
import yaml
from typer.testing import CliRunner, Result

from rollouts.cli.app import build
from rollouts.runtime.clock import SystemClock
from tests.cli.given import NOW
from tests.kube.server import Script, page, quiet, serving, status

KINDS = {
    "rollouts": "/apis/argoproj.io/v1alpha1",
    "analysisruns": "/apis/argoproj.io/v1alpha1",
    "analysistemplates": "/apis/argoproj.io/v1alpha1",
    "clusteranalysistemplates": "/apis/argoproj.io/v1alpha1",
    "experiments": "/apis/argoproj.io/v1alpha1",
    "replicasets": "/apis/apps/v1",
    "deployments": "/apis/apps/v1",
    "statefulsets": "/apis/apps/v1",
    "controllerrevisions": "/apis/apps/v1",
    "pods": "/api/v1",
    "services": "/api/v1",
    "podtemplates": "/api/v1",
    "endpointslices": "/apis/discovery.k8s.io/v1",
    "ingresses": "/apis/networking.k8s.io/v1",
    "httproutes": "/apis/gateway.networking.k8s.io/v1",
}


@dataclass
class Cluster:
    """An API server that answers as a test tells it, and the command line that asks it."""

    script: Script
    kubeconfig: Path

    def path(self, plural, name="", subresource="", namespace="shop"):
        scope = f"/namespaces/{namespace}" if namespace else ""
        return "/".join(part for part in (f"{KINDS[plural]}{scope}/{plural}", name, subresource) if part)

    def has(self, plural, *items, namespace="shop"):
        """These objects and no others: as a list, and each by its name."""
        self.script.on("GET", self.path(plural, namespace=namespace), page(*items, version=5))
        self.script.watch(self.path(plural, namespace=namespace), quiet())
        for one in items:
            self.script.on("GET", self.path(plural, one["metadata"]["name"]), answer(one))
        return self

    def on(self, method, plural, name, *answers, subresource=""):
        self.script.on(method, self.path(plural, name, subresource), *answers)
        return self

    def writes(self):
        """Everything but reads: method, path, kind of patch, body."""
        sent = [one for one in self.script.seen if one.method not in {"GET", "WATCH"}]
        return [(one.method, one.path, one.headers["Content-Type"], one.body) for one in sent]

    async def run(self, *arguments) -> Result:
        app = build(arguments)
        given = [*arguments, "--kubeconfig", str(self.kubeconfig)]
        return await asyncio.to_thread(CliRunner().invoke, app, given)


def answer(found, code=200):
    from aiohttp import web

    return web.json_response(found, status=code)


def unserved():
    """What an API server says of a path that it does not serve."""
    from aiohttp import web

    return web.Response(status=404, text="404 page not found\n")


def missing(plural, name):
    """What it says of an object that is not there."""
    return status(404, "NotFound", f'{plural} "{name}" not found')


@pytest_asyncio.fixture
async def cluster(tmp_path) -> AsyncIterator[Cluster]:
    handlers, level = logging.getLogger().handlers, logging.getLogger().level
    async with serving(Script()) as script:
        path = tmp_path / "kubeconfig"
        path.write_text(yaml.safe_dump(kubeconfig(script.url)))
        made = Cluster(script, path)
        for plural in ("rollouts", "replicasets", "pods", "analysisruns"):
            made.has(plural)
        yield made
    structlog.reset_defaults()
    logging.getLogger().handlers, _ = handlers, logging.getLogger().setLevel(level)


@pytest.fixture
def at_one_instant(monkeypatch):
    """Plans made by one command after the other have the same dates in them."""
    monkeypatch.setattr(SystemClock, "now", lambda _: NOW)


def kubeconfig(url):
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me", "namespace": "shop"}}],
        "clusters": [{"name": "here", "cluster": {"server": url}}],
        "users": [{"name": "me", "user": {"token": "t0"}}],
    }


def documents(text):
    """Each line of *text* as JSON."""
    return [json.loads(line) for line in text.splitlines()]
