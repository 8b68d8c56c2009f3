"""A sandbox as a value: start one, find one, ask where its parts are, run things in it, end it."""

import contextlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rollouts.sandbox import dataplane, kind, namespace, processes
from rollouts.sandbox.accounts import CONTROLLER_USER
from rollouts.sandbox.errors import SandboxError
from rollouts.sandbox.launch import blueprint_of, clear, keep, launch, locked
from rollouts.sandbox.parts import Part
from rollouts.sandbox.places import VARIABLE, directory_of
from rollouts.sandbox.state import EMPTY_PROMETHEUS_ADDRESS, Options, State, read_blueprint, read_state


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
        kept = {k: v for k, v in (base or os.environ).items() if not k.startswith("KUBERNETES_SERVICE_")}
        places = [str(self.directory / "bin"), kept.get("PATH", "/usr/bin:/bin"), str(Path(sys.executable).parent)]
        settings = {"PATH": os.pathsep.join(places), "KUBECONFIG": str(self.kubeconfig), VARIABLE: str(self.directory)}
        return {**kept, **settings}

    def command(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs *argv* inside; raises SandboxError when the sandbox is not up."""
        state = self.state
        if state is None or not self.is_up:
            raise SandboxError(f"sandbox {self.name!r} is not up")
        return namespace.inside(state.pid, argv, user=state.user_namespace)

    def exec(self, argv: Sequence[str], **options: Any) -> "subprocess.CompletedProcess[str]":
        """Run *argv* inside and wait for it; *options* are those of subprocess.run."""
        settings = {"env": self.environment(), "text": True, "check": False, **options}
        return subprocess.run(self.command(argv), **settings)  # noqa: PLW1510 (it is in the settings)

    def grant_controller(self, cluster_role: Mapping[str, Any]) -> None:
        """Give the controller the rules of *cluster_role* and no others; returns when they are in force.

        Raises SandboxError when the API server refuses them.
        """
        argv = [sys.executable, "-m", "rollouts.sandbox.furnishing", str(self.directory)]
        done = self.exec(argv, input=json.dumps(cluster_role), capture_output=True)
        if done.returncode:
            raise SandboxError(f"the controller's rights: {done.stderr.strip()}")

    def publish(self, ports: Mapping[int, int]) -> None:
        """Make inner ports reachable on 127.0.0.1 of this machine (outer → inner) until the sandbox ends.

        Raises SandboxError when an outer port is taken.
        """
        argv = [sys.executable, "-m", "rollouts.sandbox.relay", str(self.directory)]
        argv += [f"{outer}:{inner}" for outer, inner in ports.items()]
        relay = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True, stderr=subprocess.STDOUT
        )
        keep(self.directory, relay)
        assert relay.stdout is not None
        with relay.stdout:
            said = relay.stdout.readline().decode().strip()
        if said != "published":
            raise SandboxError(said or "the relay did not start")

    def part(self, name: str) -> Part:
        """One of its processes, to be stopped and started; raises SandboxError for one that it does not have."""
        return Part(self.directory, name)

    def audit_position(self) -> int:
        """A mark for `audit_counts`: requests before it are left out."""
        with contextlib.suppress(FileNotFoundError):
            return (self.directory / "audit.log").stat().st_size
        return 0

    def audit_counts(self, user: str = CONTROLLER_USER, since: int = 0) -> Counter[tuple[str, str]]:
        """How many requests *user* made, by verb and resource ("rollouts/status"); a watch counts when it begins."""
        return Counter(
            (event["verb"], _resource(event)) for event in self._audited(since) if event["user"]["username"] == user
        )

    def down(self) -> None:
        """End it: processes, namespace and files. One that is not there is no error."""
        with locked(self.directory):
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
    with locked(directory):
        if Sandbox(directory).is_up or kind.is_there(directory):
            raise SandboxError(f"sandbox {name!r} is up already; `rollouts sandbox down --name {name}` ends it")
        clear(directory)
        launch(blueprint_of(directory, options or Options(), tell))
    return Sandbox(directory)


def _resource(event: dict[str, Any]) -> str:
    reference = event.get("objectRef") or {}
    parts = (reference.get("resource", event.get("requestURI", "")), reference.get("subresource", ""))
    return "/".join(part for part in parts if part)
