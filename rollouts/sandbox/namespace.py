"""One network namespace per sandbox: who makes it, how to enter it, how to furnish it with addresses for pods.

The namespace has no name: it lives as long as a process in it, so a sandbox that is killed leaves none behind.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rollouts.sandbox.errors import Missing, SandboxError

POD_RANGE: Final = "10.244.0.0/16"
_USER: Final = ("--user", "--map-root-user")


def needs_user_namespace() -> bool:
    """Whether a user namespace is needed to make a network namespace; raises SandboxError where neither is allowed."""
    if _allowed("--net"):
        return False
    if _allowed(*_USER, "--net"):
        return True
    raise SandboxError(
        "cannot make a network namespace: run as root, or allow user namespaces "
        "(sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0, "
        "user.max_user_namespaces > 0)"
    )


def isolated(argv: Sequence[str], *, user: bool) -> list[str]:
    """The command line that runs *argv* in a network namespace of its own, with the same process id."""
    return [required("unshare"), *(_USER if user else ()), "--net", "--", *argv]


def inside(pid: int, argv: Sequence[str], *, user: bool) -> list[str]:
    """The command line that runs *argv* in the namespace of process *pid*; *argv* itself when already there."""
    if network_of(pid) == network_of(os.getpid()):
        return list(argv)
    options = ["--user", "--preserve-credentials"] if user else []
    return [required("nsenter"), "--target", str(pid), *options, "--net", "--", *argv]


def network_of(pid: int) -> str:
    """Identity of the network namespace of a process, "" when the process is gone or another user's."""
    try:
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    except OSError:
        return ""


def furnish() -> None:
    """Make every address of the pod range this namespace's own: it can be bound and reached, and nothing leaves."""
    ip = required("ip")
    subprocess.run([ip, "link", "set", "lo", "up"], check=True)
    subprocess.run([ip, "route", "add", "local", POD_RANGE, "dev", "lo"], check=True)


def required(program: str) -> str:
    """Full path of a system program; raises Missing with the package that holds it."""
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin")
    if found is None:
        package = "iproute2" if program == "ip" else "util-linux"
        raise Missing(f"{program} not found: install {package}")
    return found


def _allowed(*options: str) -> bool:
    return subprocess.run([required("unshare"), *options, "true"], capture_output=True, check=False).returncode == 0
