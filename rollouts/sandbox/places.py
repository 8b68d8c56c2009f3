"""Where a sandbox keeps its files: one directory per sandbox, one cache for all, both outside the work tree."""

import os
import re
import tempfile
from pathlib import Path

VARIABLE = "ROLLOUTS_SANDBOX"
"""Names, inside a sandbox, the directory of the sandbox one is in."""

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?")


def cache_directory() -> Path:
    """Directory of built binaries, shared by all sandboxes of this user."""
    return _writable("XDG_CACHE_HOME", ".cache") / "rollouts-sandbox"


def state_root() -> Path:
    """Directory that holds one directory per sandbox."""
    return _writable("XDG_STATE_HOME", ".local/state") / "rollouts-sandbox"


def directory_of(name: str) -> Path:
    """Directory of the sandbox called *name*; raises ValueError for a name that is no DNS label."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"sandbox name {name!r}: use lower-case letters, digits and '-', at most 42 of them")
    return state_root() / name


def _writable(variable: str, below_home: str) -> Path:
    given = os.environ.get(variable)
    if given:
        return Path(given)
    home = Path("~").expanduser()
    if os.access(home, os.W_OK):
        return home / below_home
    return Path(tempfile.gettempdir()) / f"rollouts-{os.getuid()}" / below_home
