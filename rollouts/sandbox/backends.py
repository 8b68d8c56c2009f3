"""Which make of sandbox one is: processes on this machine, which is the default, or a cluster of kind."""

import contextlib
import os
from pathlib import Path

from rollouts.sandbox import kind
from rollouts.sandbox.cluster import Sandbox
from rollouts.sandbox.errors import SandboxError
from rollouts.sandbox.kind import KindSandbox
from rollouts.sandbox.places import VARIABLE, directory_of, state_root

AnySandbox = Sandbox | KindSandbox


def named(name: str) -> AnySandbox:
    """The sandbox of that name, up or not, of whichever make."""
    return _in(directory_of(name))


def find(name: str | None = None) -> AnySandbox:
    """The sandbox called *name*, else the one we are in; raises SandboxError when it is not up."""
    inside = os.environ.get(VARIABLE)
    found = _in(Path(inside)) if name is None and inside else named(name or "default")
    if isinstance(found, Sandbox):
        return Sandbox.load(name)
    found.command(())
    return found


def of_processes(name: str | None, purpose: str) -> Sandbox:
    """The same where only processes will do; raises SandboxError for one of kind."""
    found = find(name)
    if isinstance(found, Sandbox):
        return found
    raise SandboxError(
        f"sandbox {found.name!r} is one of kind, where there is no {purpose}: use `kubectl port-forward`"
    )


def every() -> list[AnySandbox]:
    """Every sandbox of this user of which there is anything, up or not."""
    with contextlib.suppress(FileNotFoundError):
        return [_in(entry) for entry in sorted(state_root().iterdir()) if entry.is_dir()]
    return []


def _in(directory: Path) -> AnySandbox:
    return KindSandbox(directory) if kind.is_there(directory) else Sandbox(directory)
