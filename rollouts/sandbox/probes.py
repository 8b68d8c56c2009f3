"""Readiness and startup probes, asked for real of the pod's own address."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from rollouts.sandbox.behaviour import Pod
from rollouts.sandbox.podspec import port_number

_AGENT: Final = "kube-probe/1.36"


@dataclass(frozen=True)
class Probe:
    """One probe of one container. Times are seconds, thresholds are counts in a row."""

    container: dict[str, Any]
    spec: dict[str, Any]

    @property
    def initial_delay(self) -> float:
        """How long after the container's start to ask first."""
        return float(self.spec.get("initialDelaySeconds", 0))

    @property
    def period(self) -> float:
        """How long between two questions."""
        return float(self.spec.get("periodSeconds", 10))

    @property
    def successes(self) -> int:
        """How many good answers in a row make a container ready."""
        return int(self.spec.get("successThreshold", 1))

    @property
    def failures(self) -> int:
        """How many bad answers in a row make it unready."""
        return int(self.spec.get("failureThreshold", 3))

    async def passes(self, session: aiohttp.ClientSession, address: str) -> bool:
        """Ask once. exec and grpc probes pass: there is nothing in a pod that could run them."""
        patience = float(self.spec.get("timeoutSeconds", 1))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                if "httpGet" in self.spec:
                    return await self._http(session, address)
                if "tcpSocket" in self.spec:
                    return await self._tcp(address)
                return True
        return False

    async def _http(self, session: aiohttp.ClientSession, address: str) -> bool:
        get = self.spec["httpGet"]
        url = f"http://{address}:{port_number(self.container, get['port'])}{get.get('path') or '/'}"
        headers = {header["name"]: header["value"] for header in get.get("httpHeaders") or ()}
        try:
            async with session.get(url, headers={"User-Agent": _AGENT, **headers}, allow_redirects=False) as answer:
                return 200 <= answer.status < 400
        except aiohttp.ClientError:
            return False

    async def _tcp(self, address: str) -> bool:
        try:
            port = port_number(self.container, self.spec["tcpSocket"]["port"])
            _, writer = await asyncio.open_connection(address, port)
        except OSError:
            return False
        writer.close()
        return True


def probes_of(pod: Pod, kind: str) -> list[Probe]:
    """The pod's probes of one kind: readinessProbe or startupProbe."""
    return [Probe(container, container[kind]) for container in pod["spec"]["containers"] if container.get(kind)]
