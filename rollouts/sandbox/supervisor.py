"""The one parent of a sandbox's processes: `python -m rollouts.sandbox.supervisor DIRECTORY`, inside the namespace.

It reads "go" from its standard input when `up` has seen the sandbox ready. When that input ends before, `up` was
killed, and the supervisor ends everything and removes the directory.
"""

import asyncio
import contextlib
import os
import resource
import select
import shutil
import signal
import sys
import time
from pathlib import Path

from rollouts.sandbox import controlplane, dataplane, namespace, processes, relay
from rollouts.sandbox.accounts import CONTROLLER_NAMESPACE
from rollouts.sandbox.apiclient import Api, connect
from rollouts.sandbox.errors import SandboxError
from rollouts.sandbox.furnishing import furnish
from rollouts.sandbox.launch import locked
from rollouts.sandbox.parts import wish_of
from rollouts.sandbox.readiness import eventually, responds
from rollouts.sandbox.state import EMPTY_PROMETHEUS_ADDRESS, Blueprint, State, read_blueprint, write_state


class Supervisor:
    """Starts the parts in the order in which they need each other and watches over them."""

    def __init__(self, blueprint: Blueprint) -> None:
        self._blueprint = blueprint
        self._directory = blueprint.directory
        self._programs = blueprint.programs
        self._parts: dict[str, asyncio.subprocess.Process] = {}
        self._recipes: dict[str, tuple[list[str], dict[str, str] | None]] = {}
        self._phase = "starting"
        self._began = time.monotonic()

    async def run(self) -> None:
        """Bring the sandbox up and keep it up until SIGTERM, until a part dies or until `up` is found dead."""
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        self._report("starting")
        try:
            await self._tend(stop)
        finally:
            await self._end_parts()

    async def _tend(self, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._guard(), name="guard parts"),
                group.create_task(self._await_go(), name="await go"),
                group.create_task(relay.serve(self._directory), name="relay"),
                group.create_task(self._bring_up(), name="bring up"),
            ]
            await stop.wait()
            for task in tasks:
                task.cancel()

    def fail(self, message: str) -> None:
        """Leave a note for `up` and `status`."""
        self._report("failed", message)

    async def _end_parts(self) -> None:
        """End every part at once; nothing of theirs is worth saving."""
        for part in self._parts.values():
            with contextlib.suppress(ProcessLookupError):
                part.kill()
        for part in self._parts.values():
            await part.wait()

    async def _bring_up(self) -> None:
        await self._start("etcd", controlplane.etcd(self._programs, self._directory))
        await self._start("kube-apiserver", controlplane.api_server(self._programs, self._directory))
        await self._start_prometheus()
        async with connect(self._directory, "admin") as api:
            await eventually("kube-apiserver", lambda: api.answers("/readyz"))
            await self._start_players()
            await furnish(api, self._blueprint)
            await self._start("traefik", dataplane.traefik(self._programs), self._traefik_environment())
            await self._await_ready(api)
        self._report("ready")

    async def _start_prometheus(self) -> None:
        options = self._blueprint.options
        addresses = {"prometheus": options.prometheus_address}
        if options.empty_prometheus:
            addresses["empty-prometheus"] = EMPTY_PROMETHEUS_ADDRESS
        for name, address in addresses.items():
            await self._start(name, dataplane.prometheus(self._programs, self._directory, name, address))

    async def _start_players(self) -> None:
        await self._start("kube-controller-manager", controlplane.controllers(self._programs, self._directory))
        player = [sys.executable, "-m", "rollouts.sandbox.player", str(self._directory)]
        await self._start("player", player)

    async def _await_ready(self, api: Api) -> None:
        address = self._blueprint.options.prometheus_address
        async with asyncio.TaskGroup() as group:
            for name, check in {
                "traefik": lambda: responds(f"http://{dataplane.WEB}/", 404),
                "player": lambda: responds(f"http://{dataplane.PLAYER}/healthz", 200),
                "prometheus": lambda: responds(f"http://{address}/-/ready", 200),
                "kube-controller-manager": lambda: api.answers(_default_account("default")),
                "the controller's account": lambda: api.answers(_default_account(CONTROLLER_NAMESPACE)),
            }.items():
                group.create_task(eventually(name, check), name=f"await {name}")

    def _traefik_environment(self) -> dict[str, str]:
        environment = processes.base_environment(self._directory)
        return {**environment, "KUBECONFIG": str(self._directory / "traefik.kubeconfig")}

    async def _start(self, name: str, argv: list[str], environment: dict[str, str] | None = None) -> None:
        self._parts[name] = await processes.start(name, argv, self._directory, environment)
        self._recipes[name] = (argv, environment)
        self._report(self._phase)

    async def _guard(self) -> None:
        """Raises SandboxError when a part ends by itself: half a sandbox is worse than none."""
        while True:
            await self._grant_wishes()
            for name, part in self._parts.items():
                if part.returncode is not None:
                    log = self._directory / "logs" / f"{name}.log"
                    raise SandboxError(f"{name} ended with {part.returncode}:\n{processes.tail(log)}")
            await asyncio.sleep(0.05)

    async def _grant_wishes(self) -> None:
        """End what is to be down, and start again what no longer is."""
        for name, (argv, environment) in tuple(self._recipes.items()):
            is_wished = wish_of(self._directory, name).exists()
            if is_wished and name in self._parts:
                await self._end(name)
            elif not is_wished and name not in self._parts:
                await self._start(name, argv, environment)

    async def _end(self, name: str) -> None:
        part = self._parts.pop(name)
        with contextlib.suppress(ProcessLookupError):
            part.kill()
        await part.wait()
        self._report(self._phase)

    async def _await_go(self) -> None:
        reader = asyncio.StreamReader()
        pipe = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
        )
        if await reader.read(2) != b"go":
            raise Abandoned
        pipe[0].close()

    def _report(self, phase: str, message: str = "") -> None:
        self._phase = phase
        pid = os.getpid()
        state = State(
            name=self._blueprint.name,
            phase=phase,
            pid=pid,
            born=processes.birth_of(pid),
            network=namespace.network_of(pid),
            user_namespace=self._blueprint.user_namespace,
            seconds=round(time.monotonic() - self._began, 2),
            message=message,
            processes={name: part.pid for name, part in self._parts.items()},
        )
        write_state(self._directory, state)


class Abandoned(SandboxError):  # noqa: N818 (an end, not an error)
    """The `up` that started this sandbox died before it was ready."""


def _default_account(of_namespace: str) -> str:
    return f"/api/v1/namespaces/{of_namespace}/serviceaccounts/default"


def _sentences(group: BaseExceptionGroup[BaseException]) -> str:
    """What the parts of a group say, one a line."""
    return "\n".join(
        _sentences(error) if isinstance(error, BaseExceptionGroup) else str(error) or repr(error)
        for error in group.exceptions
    )


def main() -> int:
    """Run the sandbox of the directory given; 0 after SIGTERM, 1 when it failed."""
    directory = Path(sys.argv[1])
    if select.select([sys.stdin], [], [], 0)[0]:
        return 1  # `up` is dead already, and the directory may be another's
    os.chdir(directory)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    namespace.furnish()
    supervisor = Supervisor(read_blueprint(directory))
    try:
        asyncio.run(supervisor.run())
    except BaseExceptionGroup as group:
        if group.subgroup(Abandoned):
            # who holds the lock is clearing the directory already, and waits for us
            with contextlib.suppress(BlockingIOError), locked(directory, patient=False):
                shutil.rmtree(directory, ignore_errors=True)
        else:
            supervisor.fail(_sentences(group))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
