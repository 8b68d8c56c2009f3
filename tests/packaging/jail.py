"""Another user on a read-only file system, as the image's container is: only one directory can be written to."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

USER = 65532
# Every mount of this new namespace read-only, but a fresh file system for $1; then another user, who runs the rest.
SCRIPT = """
set -e
scratch=$1; shift
mount --make-rprivate /
mount -o remount,bind,ro /
mount -t tmpfs -o mode=1777,size=64m tmpfs "$scratch"
cd "$scratch"
exec "$@"
"""


@dataclass(frozen=True)
class Jail:
    """Command lines are run by user 65532, who owns nothing; *scratch* is what they may write to."""

    scratch: Path

    def command(self, argv: list[str], environment: dict[str, str]) -> list[str]:
        """The command line that runs *argv* there, with nothing else in its environment."""
        settings = {"HOME": str(self.scratch), "TMPDIR": str(self.scratch), "PATH": "/usr/bin:/bin", **environment}
        given = ["env", "-i", *(f"{name}={value}" for name, value in settings.items())]
        script = ["sh", "-c", SCRIPT, "jail", str(self.scratch)]
        if os.geteuid() == 0:
            become = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", *reading()]
            return ["unshare", "--mount", *script, *become, *given, *argv]
        become = ["unshare", "--user", f"--map-user={USER}", f"--map-group={USER}"]
        return ["unshare", "--user", "--map-root-user", "--mount", *script, *become, *given, *argv]

    def run(self, argv: list[str], environment: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(argv, environment or {}), capture_output=True, text=True, check=False, cwd="/"
        )


def reading() -> list[str]:
    """Where this Python is out of reach of others, they may at least read; writing they never may."""
    if reachable(sys.executable) or reachable(other()):
        return []
    return ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]


def interpreter() -> str:
    """The Python to install into: one that another user can run."""
    return other() if other() and not reachable(sys.executable) and reachable(other()) else sys.executable


def other() -> str:
    return shutil.which(f"python3.{sys.version_info.minor}", path="/usr/bin:/usr/local/bin") or ""


def reachable(python: str) -> bool:
    if os.geteuid() != 0:
        return True
    # what setpriv itself starts is still found with root's rights; what that starts is not
    command = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "env", python, "-c", ""]
    return bool(python) and subprocess.run(command, capture_output=True, check=False).returncode == 0
