"""Processes of a sandbox: started so that they die with their parent, told apart by birth, swept away at the end."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rollouts.sandbox.namespace import network_of, required
from rollouts.sandbox.places import VARIABLE


async def start(
    name: str, argv: Sequence[str], directory: Path, environment: Mapping[str, str] | None = None
) -> asyncio.subprocess.Process:
    """Start one part of a sandbox with its output in logs/NAME.log; the kernel kills it when this process dies."""
    tied = [required("setpriv"), "--pdeathsig", "KILL", "--", *argv]
    with (directory / "logs" / f"{name}.log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *tied,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment or base_environment(directory),
        )


def base_environment(directory: Path) -> dict[str, str]:
    """The environment of this process without traces of another cluster, marked as the sandbox's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KUBERNETES_SERVICE_")}
    return {**kept, VARIABLE: str(directory)}


def birth_of(pid: int) -> int:
    """When a process began, in clock ticks since boot; 0 when there is none. With its id, that names it for good."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] == "Z" else int(fields[19])


def is_alive(pid: int, born: int) -> bool:
    """Whether the process that began then under this id still runs."""
    return born != 0 and birth_of(pid) == born


def marked(directory: Path, network: str) -> list[int]:
    """Processes that carry the sandbox's mark and are in *network*, its namespace, or at least not in ours.

    Never this process or its ancestors; a shell outside that only has the mark in its environment is none either.
    """
    mark = f"{VARIABLE}={directory}".encode()
    spared = {os.getpid(), *_ancestors(os.getpid())}
    foreign = {"", network_of(os.getpid())} - ({network} if network else set())
    return [
        pid
        for pid in _all_processes()
        if pid not in spared and network_of(pid) not in foreign and mark in _environment_of(pid)
    ]


def kill(pids: Sequence[int]) -> None:
    """End processes at once; those already gone are no error."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def tail(path: Path, lines: int = 15) -> str:
    """The end of a log, for an error message."""
    with contextlib.suppress(OSError):
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    return ""


def _all_processes() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _environment_of(pid: int) -> list[bytes]:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return []


def _ancestors(pid: int) -> Iterator[int]:
    while pid > 1:
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return
        yield pid
