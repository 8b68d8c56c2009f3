"""A controller of the test's own: it sees only what carries its instance id, and may come to harm at any moment."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from rollouts.api.keys import INSTANCE_ID_LABEL
from tests.chaos.nursery import Child, Nursery
from tests.chaos.ports import free_port
from tests.chaos.proxy import SEED, Proxy, faulty
from tests.e2e.scene import Scene

# A weight lasts as long as it settles, so that whoever asks now and then sees every one.
FLAGS = ("--nginx-settle", "1s", "--gateway-settle", "1s", "--logformat", "json", "--loglevel", "debug",
         "--bind-address", "127.0.0.1")  # fmt: skip
PROGRAM = ("rollouts", "controller")
COMMAND = (sys.executable, "-m", *PROGRAM)


class Mortal:
    """One controller process. *name* tells replicas of one instance apart; both name its log.

    *kubeconfig* is the account's own unless it leads through a proxy. Without *elects* it works without a Lease.
    From a *nursery* it comes without delay.
    """

    def __init__(
        self,
        instance: str,
        *flags: str,
        kubeconfig: Path | None = None,
        environment: Mapping[str, str] | None = None,
        elects: bool = False,
        name: str = "",
        command: tuple[str, ...] = COMMAND,
        nursery: Nursery | None = None,
    ) -> None:
        self.state = Path(os.environ["ROLLOUTS_SANDBOX"])
        self.instance, self.elects = instance, elects
        self.flags, self.command = flags, command
        self.kubeconfig = kubeconfig or self.state / "controller.kubeconfig"
        self.environment = dict(environment or {})
        self.log = self.state / f"{instance}{name and '-'}{name}.log"
        self.metrics_port, self.health_port = free_port(), free_port()
        self.process: asyncio.subprocess.Process | Child | None = None
        self._nursery = nursery

    async def start(self, *more: str) -> None:
        """Start it, with *more* flags this time."""
        elects = () if self.elects else ("--leader-elect=false",)
        ports = ("--metricsPort", str(self.metrics_port), "--healthzPort", str(self.health_port))
        flags = ("--instance-id", self.instance, *elects, *ports, *FLAGS, *self.flags, *more)
        environment = {**os.environ, **self.environment, "KUBECONFIG": str(self.kubeconfig)}
        if self._nursery is not None:
            self.process = await self._nursery.birth((*PROGRAM, *flags), environment, self.log)
            return
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.command, *flags, env=environment, stdout=log, stderr=log
            )

    @property
    def is_running(self) -> bool:
        """Whether the process lives, frozen or not."""
        return self.process is not None and self.process.returncode is None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; nothing where it is gone."""
        if self.process is not None and self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.send_signal(number)

    def strike(self) -> None:
        """SIGKILL at once, without waiting for the end: for `Proxy.kill`."""
        self.signal(signal.SIGKILL)

    async def kill(self) -> None:
        """SIGKILL; returns once it is gone."""
        self.strike()
        await self.ended()

    def freeze(self) -> None:
        """Stop it in mid-work: it neither knows nor does anything until `thaw`."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on as if nothing had been."""
        self.signal(signal.SIGCONT)

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self) -> int:
        """Wait for its end, by whomever; the exit code."""
        assert self.process is not None
        return await self.process.wait()

    # what it says

    def entries(self) -> Iterator[dict[str, Any]]:
        """Its log of all its lives, one value per line; what is no JSON is {"garbled": …}."""
        for line in self.log.read_bytes().splitlines():
            try:
                yield msgspec.json.decode(line, type=dict[str, Any])
            except msgspec.MsgspecError:
                yield {"garbled": line.decode("utf-8", "replace")}

    def said(self, message: str, **fields: Any) -> list[dict[str, Any]]:
        """Log entries of that message whose *fields* are these."""
        return [
            one for one in self.entries() if one.get("msg") == message and all(one.get(k) == fields[k] for k in fields)
        ]

    def complaints(self) -> list[dict[str, Any]]:
        """What it logged as warning or worse, and what is no log at all."""
        return [
            one for one in self.entries() if one.get("level") in {"warning", "error", "critical"} or "garbled" in one
        ]

    def last_words(self) -> str:
        """Whether it lives, and the end of its log."""
        said = self.log.read_text(errors="replace")[-1500:] if self.log.exists() else ""
        code = self.process.returncode if self.process is not None else None
        return f"the controller {'lives' if self.is_running else f'ended with {code}'}, its log's end: {said or 'none'}"

    async def metrics(self) -> str:
        """What /metrics says."""
        return (await self._ask(self.metrics_port, "/metrics"))[1]

    async def ready(self) -> int:
        """The status of /readyz; 0 where nobody answers."""
        with suppress(aiohttp.ClientError):
            return (await self._ask(self.health_port, "/readyz"))[0]
        return 0

    async def _ask(self, port: int, path: str) -> tuple[int, str]:
        url = f"http://127.0.0.1:{port}{path}"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status, await answer.text()


@asynccontextmanager
async def mortal(scene: Scene, *flags: str, **named: Any) -> AsyncIterator[Mortal]:
    """A controller for the scene, killed afterwards; *named* as of Mortal."""
    controller = Mortal(scene.namespace, *flags, **named)
    await controller.start()
    try:
        yield controller
    finally:
        controller.thaw()
        await controller.kill()


@asynccontextmanager
async def behind_proxy(
    scene: Scene, *flags: str, seed: int = SEED, **named: Any
) -> AsyncIterator[tuple[Mortal, Proxy]]:
    """A controller and the faulty proxy between it and the API server."""
    state = Path(os.environ["ROLLOUTS_SANDBOX"])
    file = f"{scene.namespace}{named.get('name', '')}"
    async with (
        faulty(state / "controller.kubeconfig", state, file, seed=seed) as proxy,
        mortal(scene, *flags, kubeconfig=proxy.kubeconfig, **named) as controller,
    ):
        proxy.kill = controller.strike
        yield controller, proxy


def owned(scene: Scene, manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest with the label by which the scene's own controller sees it, and no other does."""
    metadata = manifest["metadata"]
    labels = {**metadata.get("labels", {}), INSTANCE_ID_LABEL: scene.namespace}
    return {**manifest, "metadata": {**metadata, "labels": labels}}
