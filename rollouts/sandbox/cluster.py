"""A sandbox as a value: start one, find one, ask where its parts are, run things in it, end it."""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rollouts.sandbox import binaries, controlplane, dataplane, downloads, namespace, processes
from rollouts.sandbox.accounts import CONTROLLER_USER, write_accounts
from rollouts.sandbox.errors import SandboxError
from rollouts.sandbox.keys import write_keys
from rollouts.sandbox.places import VARIABLE, directory_of, state_root
from rollouts.sandbox.state import (
    EMPTY_PROMETHEUS_ADDRESS,
    Blueprint,
    Options,
    Programs,
    State,
    read_blueprint,
    read_state,
    write_blueprint,
)

_PATIENCE: Final = 90.0
_PACE: Final = 0.03


def _silent(_sentence: str) -> None:
    """Tell nobody."""


class Sandbox:
    """One sandbox that is up, or was."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @classmethod
    def load(cls, name: str | None = None) -> "Sandbox":
        """The sandbox called *name*, else the one we are in; raises SandboxError when it is not up."""
        inside = os.environ.get(VARIABLE)
        directory = Path(inside) if name is None and inside else directory_of(name or "default")
        sandbox = cls(directory)
        if not sandbox.is_up:
            raise SandboxError(f"sandbox {directory.name!r} is not up: `rollouts sandbox up --name {directory.name}`")
        return sandbox

    @property
    def name(self) -> str:
        """Its name, "default" unless one was given."""
        return self.directory.name

    @property
    def state(self) -> State | None:
        """What its supervisor last wrote; None when nothing is there."""
        return read_state(self.directory)

    @property
    def is_up(self) -> bool:
        """Whether it is ready and its supervisor lives."""
        state = self.state
        return state is not None and state.phase == "ready" and self.is_alive

    @property
    def is_alive(self) -> bool:
        """Whether its supervisor lives, ready or not."""
        state = self.state
        return state is not None and processes.is_alive(state.pid, state.born)

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.directory / "admin.kubeconfig"

    @property
    def controller_kubeconfig(self) -> Path:
        """That of the controller's own account, whose only rights are those of the ClusterRole given."""
        return self.directory / "controller.kubeconfig"

    @property
    def viewer_kubeconfig(self) -> Path:
        """That of a user who may read everything but Secrets."""
        return self.directory / "viewer.kubeconfig"

    @property
    def web_url(self) -> str:
        """Where Ingresses answer, inside."""
        return f"http://{dataplane.WEB}"

    @property
    def gateway_url(self) -> str:
        """Where Gateways with a listener on port 80 answer, inside."""
        return f"http://{dataplane.GATEWAY}"

    @property
    def prometheus_url(self) -> str:
        """The Prometheus that scrapes every pod, inside."""
        return f"http://{read_blueprint(self.directory).options.prometheus_address}"

    @property
    def empty_prometheus_url(self) -> str:
        """The Prometheus without targets, inside; there only with `Options.empty_prometheus`."""
        return f"http://{EMPTY_PROMETHEUS_ADDRESS}"

    @property
    def kubectl(self) -> Path:
        """The kubectl of the API server's version."""
        return read_blueprint(self.directory).programs.kubectl

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """*base* (this process's) with KUBECONFIG, PATH and ROLLOUTS_SANDBOX set for the inside."""
        programs = read_blueprint(self.directory).programs
        places = [
            program.parent for program in (programs.kubectl, programs.etcd, programs.traefik, programs.prometheus)
        ]
        kept = {k: v for k, v in (base or os.environ).items() if not k.startswith("KUBERNETES_SERVICE_")}
        path = os.pathsep.join([*dict.fromkeys(map(str, places)), kept.get("PATH", "/usr/bin:/bin")])
        return {**kept, "PATH": path, "KUBECONFIG": str(self.kubeconfig), VARIABLE: str(self.directory)}

    def command(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs *argv* inside; raises SandboxError when the sandbox is not up."""
        state = self.state
        if state is None or not self.is_up:
            raise SandboxError(f"sandbox {self.name!r} is not up")
        return namespace.inside(state.pid, argv, user=state.user_namespace)

    def exec(self, argv: Sequence[str], **options: Any) -> "subprocess.CompletedProcess[str]":
        """Run *argv* inside and wait for it; *options* are those of subprocess.run."""
        options.setdefault("env", self.environment())
        return subprocess.run(self.command(argv), text=True, check=False, **options)

    def audit_position(self) -> int:
        """A mark for `audit_counts`: requests before it are left out."""
        with contextlib.suppress(FileNotFoundError):
            return (self.directory / "audit.log").stat().st_size
        return 0

    def audit_counts(self, user: str = CONTROLLER_USER, since: int = 0) -> Counter[tuple[str, str]]:
        """How many requests *user* has made, by verb and resource ("rollouts/status"); a watch counts when it begins."""
        return Counter(
            (event["verb"], _resource(event)) for event in self._audited(since) if event["user"]["username"] == user
        )

    def down(self) -> None:
        """End it: processes, namespace and files. One that is not there is no error."""
        with _locked(self.directory):
            clear(self.directory)

    def _audited(self, since: int) -> Iterator[dict[str, Any]]:
        with (self.directory / "audit.log").open("rb") as log:
            log.seek(since)
            for line in log:
                event = json.loads(line)
                if (event["stage"] == "ResponseStarted") == (event["verb"] == "watch"):
                    yield event


def up(name: str = "default", options: Options | None = None, tell: Callable[[str], None] = _silent) -> Sandbox:
    """Start a sandbox and return when it is ready; what a killed `up` of that name left is cleared first.

    Raises SandboxError when one of that name is up already or when this one does not become ready.
    """
    directory = directory_of(name)
    with _locked(directory):
        if Sandbox(directory).is_up:
            raise SandboxError(f"sandbox {name!r} is up already; `rollouts sandbox down --name {name}` ends it")
        clear(directory)
        blueprint = Blueprint(
            name=name,
            directory=directory,
            programs=programs(tell),
            gateway_api=tuple(downloads.gateway_api_crds(tell)),
            options=options or Options(),
            user_namespace=namespace.needs_user_namespace(),
        )
        _prepare(blueprint)
        _launch(blueprint)
    return Sandbox(directory)


def programs(tell: Callable[[str], None]) -> Programs:
    """Every program a sandbox needs, built or downloaded when it is not there; raises Missing."""
    return Programs(
        etcd=binaries.obtain(binaries.ETCD, tell),
        api_server=binaries.obtain(binaries.API_SERVER, tell),
        controller_manager=binaries.obtain(binaries.CONTROLLER_MANAGER, tell),
        kubectl=binaries.obtain(binaries.KUBECTL, tell),
        traefik=binaries.traefik(),
        prometheus=downloads.prometheus(tell),
    )


def sandboxes() -> list[Sandbox]:
    """Every sandbox of this user of which there is anything, up or not."""
    with contextlib.suppress(FileNotFoundError):
        return [Sandbox(entry) for entry in sorted(state_root().iterdir()) if entry.is_dir()]
    return []


def clear(directory: Path) -> None:
    """Remove everything a sandbox left: supervisor, parts, whatever was run inside, and its files."""
    state = read_state(directory)
    if state and processes.is_alive(state.pid, state.born):
        processes.kill(processes.marked(directory, state.network))
        processes.kill([state.pid])
        _await_end(state)
    if state:
        processes.kill(processes.marked(directory, state.network))
    shutil.rmtree(directory, ignore_errors=True)


def _prepare(blueprint: Blueprint) -> None:
    directory = blueprint.directory
    (directory / "logs").mkdir(parents=True, mode=0o700)
    write_keys(directory, datetime.fromtimestamp(time.time(), UTC))
    write_accounts(directory)
    controlplane.write_control_plane_files(directory)
    dataplane.write_prometheus_configuration(directory)
    write_blueprint(blueprint)


def _launch(blueprint: Blueprint) -> None:
    """Start the supervisor; it ends by itself should this process die before saying "go"."""
    directory = blueprint.directory
    argv = [sys.executable, "-m", "rollouts.sandbox.supervisor", str(directory)]
    isolated = namespace.isolated(argv, user=blueprint.user_namespace)
    environment = processes.base_environment(directory)
    with (directory / "logs/supervisor.log").open("wb") as log:
        supervisor = subprocess.Popen(
            isolated, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment, start_new_session=True
        )
    assert supervisor.stdin is not None
    try:
        _await_ready(supervisor, directory)
        supervisor.stdin.write(b"go")
    finally:
        supervisor.stdin.close()


def _await_ready(supervisor: "subprocess.Popen[bytes]", directory: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        state = read_state(directory)
        if state and state.phase == "ready":
            return
        if supervisor.poll() is not None:
            said = state.message if state and state.message else processes.tail(directory / "logs/supervisor.log")
            raise SandboxError(f"the sandbox did not start; logs are in {directory / 'logs'}\n{said}")
        time.sleep(_PACE)
    supervisor.kill()
    raise SandboxError(f"the sandbox was not ready after {_PATIENCE:.0f} s; logs are in {directory / 'logs'}")


def _await_end(state: State) -> None:
    deadline = time.monotonic() + 10
    while processes.is_alive(state.pid, state.born) and time.monotonic() < deadline:
        time.sleep(_PACE)


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """One `up` or `down` of a name at a time."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with (directory.parent / f".{directory.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _resource(event: dict[str, Any]) -> str:
    reference = event.get("objectRef") or {}
    parts = (reference.get("resource", event.get("requestURI", "")), reference.get("subresource", ""))
    return "/".join(part for part in parts if part)
