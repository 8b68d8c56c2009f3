"""One process of a sandbox as who plays an outage sees it: frozen and thawed, ended and started again.

A part that is to stay down has a file of its name in stopped/; the supervisor ends it, and starts it again once that
file is gone. A part that ends in any other way still ends the sandbox.
"""

import os
import signal
import time
from pathlib import Path
from typing import Final

from rollouts.sandbox.errors import SandboxError
from rollouts.sandbox.state import read_state

_PATIENCE: Final = 30.0
_PACE: Final = 0.02


def wish_of(directory: Path, name: str) -> Path:
    """The file that keeps a part down while it exists."""
    return directory / "stopped" / name


class Part:
    """A part of the sandbox in *directory*: etcd, kube-apiserver, traefik, prometheus and so on.

    What it does returns when it is done, which says nothing of when the part is ready again.
    """

    def __init__(self, directory: Path, name: str) -> None:
        state = read_state(directory)
        known = state.processes if state else {}
        if name not in known and not wish_of(directory, name).exists():
            raise SandboxError(f"sandbox {directory.name!r} has no part {name!r}: one of {', '.join(known)}")
        self._directory = directory
        self.name = name

    @property
    def pid(self) -> int | None:
        """Its process; None while it is down."""
        state = read_state(self._directory)
        return state.processes.get(self.name) if state else None

    def pause(self) -> None:
        """SIGSTOP: connections are still taken, and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT, after `pause`."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """SIGKILL, and keep it down: connections are reset, and refused from now on."""
        wish = wish_of(self._directory, self.name)
        wish.parent.mkdir(exist_ok=True)
        wish.touch()
        self._await(down=True)

    def start(self) -> None:
        """Start it again, after `stop`."""
        wish_of(self._directory, self.name).unlink(missing_ok=True)
        self._await(down=False)

    def restart(self) -> None:
        """`stop`, then `start`."""
        self.stop()
        self.start()

    def _signal(self, number: signal.Signals) -> None:
        pid = self.pid
        if pid is None:
            raise SandboxError(f"{self.name} is down")
        os.kill(pid, number)

    def _await(self, *, down: bool) -> None:
        deadline = time.monotonic() + _PATIENCE
        while (self.pid is None) != down:
            if time.monotonic() > deadline:
                raise SandboxError(f"{self.name} does not {'end' if down else 'start'}")
            time.sleep(_PACE)
