"""The controller under test: a process with its own account, and what it has used up so far."""

import asyncio
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import aiohttp

from rollouts.sandbox.cluster import Sandbox

METRICS = 18091
_FLAGS = ("--qps", "0", "--healthzPort", "18081", "--metricsPort", str(METRICS), "--bind-address", "127.0.0.1",
          "--nginx-settle", "0s", "--logformat", "json")  # fmt: skip
_TICKS = os.sysconf("SC_CLK_TCK")


class Memory(NamedTuple):
    """Resident, in bytes."""

    now: int
    peak: int


class Subject:
    """One running controller."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._proc = Path("/proc") / str(process.pid)

    def cpu_seconds(self) -> float:
        """User and system time of the process since it began."""
        after_name = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / _TICKS

    def memory(self) -> Memory:
        """What it holds now, and the most it ever held."""
        status = (self._proc / "status").read_text()
        found = dict(re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB$", status, re.MULTILINE))
        return Memory(int(found["VmRSS"]) * 1024, int(found["VmHWM"]) * 1024)

    async def passes(self) -> int:
        """How often it has looked at a Rollout and decided, by its own metrics."""
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{METRICS}/metrics") as answer:
            text = await answer.text()
        return int(sum(float(n) for n in re.findall(r"^rollout_reconcile_count\{.*\} (\S+)$", text, re.MULTILINE)))

    async def ready(self) -> None:
        """Wait until it has seen everything."""
        async with asyncio.timeout(60), aiohttp.ClientSession() as session:
            while not await _answers(session):  # noqa: ASYNC110 (another process)
                await asyncio.sleep(0.05)


async def _answers(session: aiohttp.ClientSession) -> bool:
    try:
        async with session.get("http://127.0.0.1:18081/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


@contextmanager
def running(place: Sandbox, interpreter: str) -> Iterator[Subject]:
    """A controller with the account that the chart gives it; its log is in the sandbox's directory."""
    environment = place.environment({**os.environ, "KUBECONFIG": ""})
    environment["KUBECONFIG"] = str(place.controller_kubeconfig)
    command = [*(shlex.split(interpreter) or [sys.executable]), "-m", "rollouts", "controller", *_FLAGS]
    with (place.directory / "controller-under-test.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield Subject(process)
    finally:
        process.terminate()
        process.wait(timeout=30)
