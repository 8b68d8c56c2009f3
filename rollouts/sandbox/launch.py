"""Makes and removes what a sandbox consists of: programs, files, the supervising process."""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec

from rollouts.sandbox import binaries, controlplane, dataplane, downloads, namespace, processes
from rollouts.sandbox.accounts import write_accounts
from rollouts.sandbox.binaries import Tell
from rollouts.sandbox.errors import Missing, SandboxError
from rollouts.sandbox.state import Blueprint, Options, Programs, read_state, write_blueprint

try:
    from rollouts.sandbox.keys import write_keys
except ModuleNotFoundError:  # an installation without the extra has every other command

    def write_keys(directory: Path, now: datetime) -> None:
        """Say what is missing: certificates cannot be made without the package cryptography."""
        raise Missing(f"no certificates for {directory} ({now:%F}): {NEEDS_EXTRA}")


NEEDS_EXTRA: Final = "a sandbox needs the packages of an extra: `pip install 'rollouts[sandbox]'`"
_PATIENCE: Final = 90.0
_FAREWELL: Final = 10.0

_children: dict[Path, list["subprocess.Popen[bytes]"]] = {}
_PACE: Final = 0.03


def blueprint_of(directory: Path, options: Options, tell: Tell) -> Blueprint:
    """Everything decided that a sandbox in *directory* needs; raises SandboxError when it cannot be had."""
    if find_spec("cryptography") is None:
        raise Missing(NEEDS_EXTRA)
    options = found_from_anywhere(options)
    return Blueprint(
        name=directory.name,
        directory=directory,
        programs=programs(tell),
        gateway_api=tuple(downloads.gateway_api_crds(tell)),
        options=options,
        user_namespace=namespace.needs_user_namespace(),
    )


def found_from_anywhere(options: Options) -> Options:
    """*options* with absolute paths: the supervisor works elsewhere. Raises Missing for what is not there."""
    for name, path, is_there in (
        ("crds: no directory", options.crds, Path.is_dir),
        ("cluster role: no file", options.cluster_role, Path.is_file),
    ):
        if path is not None and not is_there(path):
            raise Missing(f"{name} {path} below {Path.cwd()}")
    return msgspec.structs.replace(
        options,
        crds=options.crds and options.crds.absolute(),
        cluster_role=options.cluster_role and options.cluster_role.absolute(),
    )


def programs(tell: Tell) -> Programs:
    """Every program a sandbox needs, built or downloaded when it is not there; raises Missing."""
    return Programs(
        traefik=binaries.traefik(),  # first: it is the only one that cannot be built, which takes minutes
        etcd=binaries.obtain(binaries.ETCD, tell),
        api_server=binaries.obtain(binaries.API_SERVER, tell),
        controllers=binaries.obtain(binaries.CONTROLLERS, tell),
        kubectl=binaries.obtain(binaries.KUBECTL, tell),
        prometheus=downloads.prometheus(tell),
    )


def launch(blueprint: Blueprint) -> None:
    """Write its files, start it and return when it is ready; raises SandboxError when it does not become so."""
    _prepare(blueprint)
    _start(blueprint)


def clear(directory: Path) -> None:
    """Remove everything a sandbox left: supervisor, parts, whatever was run inside, and its files."""
    state = read_state(directory)
    network = state.network if state else ""
    if state and processes.is_alive(state.pid, state.born):
        os.kill(state.pid, signal.SIGTERM)  # it reaps its own children
        _await(lambda: not processes.is_alive(state.pid, state.born), _FAREWELL)
    deadline = time.monotonic() + _FAREWELL
    left: dict[int, int] = {}
    while left := _alive(left) | _born(processes.marked(directory, network)):
        if time.monotonic() > deadline:
            raise SandboxError(f"processes of sandbox {directory.name!r} do not end: {sorted(left)}")
        processes.kill(list(left))
        time.sleep(_PACE)
    for child in _children.pop(directory, ()):
        child.wait()
    shutil.rmtree(directory, ignore_errors=True)


def keep(directory: Path, child: "subprocess.Popen[bytes]") -> None:
    """Remember a child of this process that outlives the function that started it, to be reaped by `clear`."""
    _children.setdefault(directory, []).append(child)


def _await(holds: Callable[[], bool], patience: float) -> bool:
    deadline = time.monotonic() + patience
    while not holds() and time.monotonic() < deadline:
        time.sleep(_PACE)
    return holds()


def _born(pids: list[int]) -> dict[int, int]:
    return {pid: processes.birth_of(pid) for pid in pids}


def _alive(births: dict[int, int]) -> dict[int, int]:
    """Those not gone yet; a process that is ending loses its mark first."""
    return {pid: born for pid, born in births.items() if processes.is_alive(pid, born)}


def _prepare(blueprint: Blueprint) -> None:
    directory = blueprint.directory
    (directory / "logs").mkdir(parents=True, mode=0o700)
    write_keys(directory, datetime.fromtimestamp(time.time(), UTC))
    write_accounts(directory)
    controlplane.write_control_plane_files(directory)
    dataplane.write_prometheus_configuration(directory)
    _link_programs(directory / "bin", blueprint.programs)
    write_blueprint(blueprint)


def _link_programs(links: Path, found: Programs) -> None:
    """One directory for PATH, so that it puts nothing but these before what the caller has there."""
    links.mkdir()
    promtool = found.prometheus.with_name("promtool")
    for program in (found.kubectl, found.etcd, found.traefik, found.prometheus, promtool):
        if program.exists():
            (links / program.name).symlink_to(program)


def _start(blueprint: Blueprint) -> None:
    """Start the supervisor; it ends by itself should this process die before saying "go"."""
    directory = blueprint.directory
    argv = [sys.executable, "-m", "rollouts.sandbox.supervisor", str(directory)]
    isolated = namespace.isolated(argv, user=blueprint.user_namespace)
    environment = processes.base_environment(directory)
    with (directory / "logs/supervisor.log").open("wb") as log:
        supervisor = subprocess.Popen(
            isolated, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment, start_new_session=True
        )
    keep(directory, supervisor)
    assert supervisor.stdin is not None
    try:
        _await_ready(supervisor, directory)
        supervisor.stdin.write(b"go")
    finally:
        supervisor.stdin.close()


def _await_ready(supervisor: "subprocess.Popen[bytes]", directory: Path) -> None:
    ended = _await(lambda: _is_ready(directory) or supervisor.poll() is not None, _PATIENCE)
    if _is_ready(directory):
        return
    supervisor.kill()
    state = read_state(directory)
    said = state.message if state and state.message else processes.tail(directory / "logs/supervisor.log")
    why = "did not start" if ended else f"was not ready after {_PATIENCE:.0f} s"
    raise SandboxError(f"the sandbox {why}; logs are in {directory / 'logs'}\n{said}")


def _is_ready(directory: Path) -> bool:
    state = read_state(directory)
    return state is not None and state.phase == "ready"


@contextlib.contextmanager
def locked(directory: Path, *, patient: bool = True) -> Iterator[None]:
    """One `up` or `down` of a name at a time; who is not patient gets BlockingIOError instead of waiting."""
    path = directory.parent / f".{directory.name}.lock"
    while True:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX if patient else fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _is_same_file(lock.fileno(), path):
                continue  # who held it has removed it, and another may hold its successor
            try:
                yield
            finally:
                if not directory.exists():
                    path.unlink()
                    with contextlib.suppress(OSError):
                        directory.parent.rmdir()
            return


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
