"""What is written about a sandbox in its directory: how it was asked for, and how it is."""

from pathlib import Path

import msgspec

PROMETHEUS_ADDRESS = "127.0.0.1:9090"
EMPTY_PROMETHEUS_ADDRESS = "127.0.0.1:19090"


class Options(msgspec.Struct, frozen=True):
    """What a person chooses. Times are seconds.

    *crds* is a directory of further CRDs to apply, *cluster_role* a file with the controller's ClusterRole; each is
    left out when None. *empty_prometheus* adds a second Prometheus without targets on 127.0.0.1:19090.
    """

    pod_ready_seconds: float = 1.0
    crds: Path | None = None
    cluster_role: Path | None = None
    prometheus_address: str = PROMETHEUS_ADDRESS
    empty_prometheus: bool = False


class Programs(msgspec.Struct, frozen=True):
    """Where each program is."""

    etcd: Path
    api_server: Path
    controllers: Path
    kubectl: Path
    traefik: Path
    prometheus: Path


class Blueprint(msgspec.Struct, frozen=True):
    """Everything the supervisor needs, decided before it starts, because no download works inside the namespace."""

    name: str
    directory: Path
    programs: Programs
    gateway_api: tuple[Path, ...]
    options: Options
    user_namespace: bool


class State(msgspec.Struct, frozen=True):
    """How a sandbox is. *phase*: starting, ready or failed; *processes* maps part to process id."""

    name: str
    phase: str
    pid: int
    born: int
    network: str
    user_namespace: bool
    seconds: float = 0.0
    message: str = ""
    processes: dict[str, int] = {}


def write_blueprint(blueprint: Blueprint) -> None:
    """Keep the blueprint in its directory."""
    _write(blueprint.directory / "blueprint.json", msgspec.json.encode(blueprint, enc_hook=str))


def read_blueprint(directory: Path) -> Blueprint:
    """The blueprint of the sandbox in *directory*."""
    return msgspec.json.decode((directory / "blueprint.json").read_bytes(), type=Blueprint, dec_hook=_path)


def write_state(directory: Path, state: State) -> None:
    """Replace the state at once, so that readers see the old or the new one."""
    _write(directory / "state.json", msgspec.json.format(msgspec.json.encode(state)))


def read_state(directory: Path) -> State | None:
    """The state of the sandbox in *directory*; None when nothing of one is there."""
    try:
        return msgspec.json.decode((directory / "state.json").read_bytes(), type=State)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _path(kind: type, text: str) -> Path:
    """Msgspec has no Paths of its own; every other kind here it has."""
    assert kind is Path
    return Path(text)


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(content)
    fresh.replace(path)
