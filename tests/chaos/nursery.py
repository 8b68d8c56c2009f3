"""Controllers that start at once: a process that has imported the program forks, and each child is one of them.

Importing takes a controller's start most of its time, and a campaign starts thousands. A child is a process like any
other: it has the program's arguments, environment and log, and dies of SIGKILL.
"""

import asyncio
import importlib
import json
import os
import select
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from rollouts.cli.app import run

# what `rollouts controller` imports once it knows that it is one
PREPARED = ("rollouts.cli.controller", "rollouts.controllers.main")


class Child:
    """As much of `asyncio.subprocess.Process` as those need who look after a controller."""

    def __init__(self, pid: int, ended: "asyncio.Future[int]") -> None:
        self.pid, self._ended = pid, ended

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for a signal; None while it lives."""
        return self._ended.result() if self._ended.done() else None

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal. Raises ProcessLookupError when it is gone."""
        os.kill(self.pid, number)

    async def wait(self) -> int:
        """Wait for its end; the exit code."""
        return await asyncio.shield(self._ended)


class Nursery:
    """Gives birth to controllers."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._births: asyncio.Queue[Child] = asyncio.Queue()
        self._ends: dict[int, asyncio.Future[int]] = {}
        self._turn = asyncio.Lock()

    async def birth(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Child:
        """A controller with these command line *arguments*, `rollouts` being the first."""
        asked = {"arguments": list(arguments), "environment": dict(environment), "log": str(log)}
        assert self._process.stdin is not None
        async with self._turn:
            self._process.stdin.write(json.dumps(asked).encode() + b"\n")
            return await self._births.get()

    async def listen(self) -> None:
        """Hear of births and ends."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            pid, code = json.loads(line)
            if code is None:
                self._ends[pid] = asyncio.get_running_loop().create_future()
                self._births.put_nowait(Child(pid, self._ends[pid]))
            else:
                self._ends.pop(pid).set_result(code)


@asynccontextmanager
async def nursery() -> AsyncIterator[Nursery]:
    """One that lasts as long as the body runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    made = Nursery(process)
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(made.listen(), name="births")
        try:
            yield made
        finally:
            listening.cancel()
            assert process.stdin is not None
            process.stdin.close()
            await process.wait()


# in the process that forks


def main() -> None:
    """Fork for each line of stdin, and tell of each birth and end in a line of stdout: `[pid, null or exit code]`."""
    for name in PREPARED:
        importlib.import_module(name)
    died = _deaths()
    poll = select.poll()
    for fd in (0, died):
        poll.register(fd, select.POLLIN)
    rest = b""
    while True:
        ready = {fd for fd, _ in poll.poll()}
        if died in ready:
            os.read(died, 4096)
            _bury()
        if 0 in ready:
            data = os.read(0, 65536)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                _bear(json.loads(line))


def _deaths() -> int:
    """What becomes readable whenever a child has ended."""
    reading, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return reading


def _bear(asked: dict[str, Any]) -> None:
    pid = os.fork()
    if not pid:
        _live(asked)
    _tell(pid, None)


def _bury() -> None:
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            _tell(found[0], os.waitstatus_to_exitcode(found[1]))


def _tell(pid: int, code: int | None) -> None:
    os.write(1, json.dumps([pid, code]).encode() + b"\n")


def _live(asked: dict[str, Any]) -> None:
    """Be a controller; never returns."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log, nothing = (
        os.open(asked["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644),
        os.open(os.devnull, os.O_RDONLY),
    )
    for fd, to in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(fd, to)
    os.environ.clear()
    os.environ.update(asked["environment"])
    code = 1
    try:
        run(asked["arguments"])
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 (told as the interpreter would)
        sys.excepthook(*sys.exc_info())
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
