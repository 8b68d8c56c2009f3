"""A namespace of its own on the sandbox, and the words in which end-to-end tests are written."""

import asyncio
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import yaml

from rollouts.api.keys import HASH_LABEL
from rollouts.api.kinds import ANALYSIS_RUN, EVENT, HTTP_ROUTE, INGRESS, POD, REPLICA_SET, ROLLOUT, SERVICE
from rollouts.api.meta import Key, Kind
from rollouts.kube.client import Client, Content
from rollouts.kube.errors import ApiError, NotFound
from rollouts.sandbox.load import Load, Target

PATIENCE = 90.0
WEB, GATEWAY = "http://127.0.0.1:8000/", "http://127.0.0.1:80/"
SEEDS = Path(__file__).resolve().parent.parent / "seeds"


class Scene:
    """One test's namespace: what a person would do there, and what they would look at."""

    def __init__(self, client: Client, namespace: str) -> None:
        self.client, self.namespace = client, namespace

    # what a person does

    async def apply(self, *manifests: dict[str, Any]) -> None:
        """kubectl apply."""
        text = yaml.safe_dump_all(self.placed(manifest) for manifest in manifests)
        await self.kubectl("apply", "-f", "-", stdin=text)

    def placed(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """The manifest in this namespace."""
        return {**manifest, "metadata": {**manifest["metadata"], "namespace": self.namespace}}

    async def kubectl(self, *arguments: str, stdin: str = "", check: bool = True) -> str:
        """The real kubectl, as a person types it."""
        return await self.command("kubectl", "--namespace", self.namespace, *arguments, stdin=stdin, check=check)

    async def command(self, *command: str, stdin: str = "", check: bool = True) -> str:
        """Any program; its output and errors. Fails when it does, unless *check* is off."""
        process = await asyncio.create_subprocess_exec(
            *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ)
        )
        out, errors = await process.communicate(stdin.encode())
        if check and process.returncode:
            raise AssertionError(f"{' '.join(command)}: {out.decode()}{errors.decode()}")
        return out.decode() + errors.decode()

    async def image(self, image: str, name: str = "web") -> None:
        """What CI does: another image."""
        patch = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image}]
        await self.client.patch(ROLLOUT, Key(self.namespace, name), patch, content=Content.JSON)

    async def patch(self, patch: dict[str, Any], *, name: str = "web", kind: Kind = ROLLOUT, sub: str = "") -> None:
        """A merge patch."""
        await self.client.patch(kind, Key(self.namespace, name), patch, subresource=sub)

    async def promote(self, name: str = "web") -> None:
        """What `kubectl argo rollouts promote` sends at a pause."""
        await self.patch({"status": {"pauseConditions": None}}, name=name, sub="status")

    def load(self, host: str, *, url: str = WEB, clients: int = 4, rate: float | None = 200) -> Load:
        """Requests through the proxy while the body runs."""
        return Load(Target(url, host=host, clients=clients, rate=rate, seconds=300))

    async def served(self, host: str, url: str = WEB) -> None:
        """Wait until the proxy answers for *host*."""
        await self.until(f"{host} served", lambda: self._answered(host, url))

    async def _answered(self, host: str, url: str) -> bool:
        async with Load(Target(url, host=host, clients=1, requests=20, seconds=2)) as load:
            await load.finished()
        return load.report().requests > 0 and load.report().total.failed == 0

    # what a person sees

    async def get(self, kind: Kind, name: str) -> dict[str, Any]:
        """One object."""
        return msgspec.json.decode(await self.client.get(kind, Key(self.namespace, name)))

    async def rollout(self, name: str = "web") -> dict[str, Any]:
        """The Rollout; {} while there is none."""
        try:
            return await self.get(ROLLOUT, name)
        except NotFound:
            return {}

    async def all(self, kind: Kind, selector: str = "") -> list[dict[str, Any]]:
        """All objects of a kind."""
        return await self.client.list(kind, self.namespace, selector=selector)

    async def sizes(self) -> dict[str, int]:
        """Wanted pods of each revision, by its image."""
        count: dict[str, int] = {}
        for found in await self.all(REPLICA_SET):
            image = found["spec"]["template"]["spec"]["containers"][0]["image"]
            count[image] = count.get(image, 0) + found["spec"]["replicas"]
        return count

    async def pods(self) -> dict[str, int]:
        """Ready pods by image."""
        count: dict[str, int] = {}
        for pod in await self.all(POD):
            ready = any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))
            image = pod["spec"]["containers"][0]["image"]
            count[image] = count.get(image, 0) + (ready and not pod["metadata"].get("deletionTimestamp"))
        return count

    async def events(self, reason: str = "") -> list[dict[str, Any]]:
        """Events, oldest first."""
        found = [event for event in await self.all(EVENT) if not reason or event["reason"] == reason]
        return sorted(found, key=lambda event: event["metadata"]["creationTimestamp"])

    async def said(self, reason: str, number: int = 1, text: str = "") -> list[dict[str, Any]]:
        """Events with *text* in their message, once there are *number*: they follow what they tell of, often late."""

        async def told() -> list[dict[str, Any]]:
            found = [event for event in await self.events(reason) if text in event["message"]]
            return found if len(found) >= number else []

        found: list[dict[str, Any]] = await self.until(f"{number} {reason} said {text}", told)
        return found

    async def until(self, claim: str, test: Callable[[], Any], seconds: float = PATIENCE) -> Any:
        """Wait until the awaited *test* gives something true; fails with what was last seen."""
        loop = asyncio.get_running_loop()
        end, seen = loop.time() + seconds, None
        while loop.time() < end:
            try:
                seen = await test()
            except ApiError as error:
                seen = None
                last = error
            else:
                last = seen
            if seen:
                return seen
            await asyncio.sleep(0.05)
        raise AssertionError(f"{self.namespace}: never {claim} in {seconds:g} s; last {last!r}; {await self.story()}")

    async def phase(self, *wanted: str, name: str = "web", seconds: float = PATIENCE) -> dict[str, Any]:
        """Wait until the Rollout's phase, seen for its present generation, is one of *wanted*."""

        async def reached() -> dict[str, Any] | None:
            rollout = await self.rollout(name)
            status = rollout.get("status", {})
            observed = status.get("observedGeneration") == str(rollout.get("metadata", {}).get("generation"))
            return rollout if observed and status.get("phase") in wanted else None

        return await self.until(f"{name} {' or '.join(wanted)}", reached, seconds)

    async def step(self, index: int, name: str = "web", phase: str = "Paused") -> dict[str, Any]:
        """Wait until the Rollout is at the step *index* in *phase*."""

        async def reached() -> dict[str, Any] | None:
            rollout = await self.rollout(name)
            status = rollout.get("status", {})
            return rollout if status.get("currentStepIndex") == index and status.get("phase") == phase else None

        return await self.until(f"{name} {phase} at step {index}", reached)

    async def story(self) -> str:
        """The Rollouts' statuses, for a failed test's reader."""
        return json.dumps([r.get("status") for r in await self.all(ROLLOUT)])[:3000]

    async def runs(self) -> dict[str, str]:
        """Phases of the AnalysisRuns by name."""
        return {r["metadata"]["name"]: r.get("status", {}).get("phase", "") for r in await self.all(ANALYSIS_RUN)}


def rollout(strategy: dict[str, Any], *, replicas: int = 4, image: str = "web:v1", **spec: Any) -> dict[str, Any]:
    """The Rollout `web`."""
    container = {"name": "web", "image": image, "ports": [{"name": "http", "containerPort": 8080}]}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}},
            "strategy": strategy,
            **spec,
        },
    }


def service(name: str) -> dict[str, Any]:
    """A Service of all pods of `web`."""
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": "web"}, "ports": ports},
    }


def ingress(name: str, host: str, backend: str, port: int = 80) -> dict[str, Any]:
    """An Ingress of class nginx that leads *host* to the Service *backend*."""
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": backend, "port": {"number": port}}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name},
        "spec": {"ingressClassName": "nginx", "rules": [{"host": host, "http": {"paths": [path]}}]},
    }


def weight(percent: int) -> dict[str, Any]:
    """A setWeight step."""
    return {"setWeight": percent}


def pause(duration: int | str | None = None) -> dict[str, Any]:
    """A pause step, endless by default."""
    return {"pause": {} if duration is None else {"duration": duration}}


def seed(name: str) -> list[dict[str, Any]]:
    """The manifests of a published tutorial, as people apply them."""
    return [manifest for manifest in yaml.safe_load_all((SEEDS / name).read_text()) if manifest]


__all__ = [
    "GATEWAY", "HASH_LABEL", "HTTP_ROUTE", "INGRESS", "SERVICE", "WEB", "Scene", "ingress", "pause", "rollout",
    "seed", "service", "weight",
]  # fmt: skip
