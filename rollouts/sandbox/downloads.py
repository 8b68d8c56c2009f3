"""What the sandbox takes from elsewhere as it is: Prometheus from Debian, Gateway API's CRDs from their Go module."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from rollouts.sandbox.binaries import PROMETHEUS, PROMTOOL, Tell, build, cache_lock, find
from rollouts.sandbox.errors import Missing
from rollouts.sandbox.furniture import read_crds
from rollouts.sandbox.places import cache_directory

GATEWAY_API: Final = "v1.6.1"


def prometheus(tell: Tell) -> Path:
    """Prometheus from PATH or the cache, else Debian's package unpacked into the cache, else built; raises Missing."""
    return find(PROMETHEUS) or _unpacked() or _from_debian(tell) or _built(tell)


def _built(tell: Tell) -> Path:
    build(PROMTOOL, tell)
    return build(PROMETHEUS, tell)


def gateway_api_crds(tell: Tell) -> list[Path]:
    """Gateway API's standard channel, one JSON file per kind; raises Missing."""
    directory = cache_directory() / f"gateway-api-{GATEWAY_API}"
    if not directory.is_dir():
        with cache_lock(tell):
            _copy_gateway_api(directory, tell)
    return sorted(directory.glob("*.json"))


def _copy_gateway_api(directory: Path, tell: Tell) -> None:
    if directory.is_dir():
        return
    go = shutil.which("go")
    if go is None:
        raise Missing(
            f"Gateway API's CRDs not found. Either put Go on PATH, which downloads them, or copy config/crd/standard "
            f"of sigs.k8s.io/gateway-api {GATEWAY_API} to {directory}."
        )
    tell(f"downloading Gateway API's CRDs {GATEWAY_API}")
    asked = subprocess.run(
        [go, "mod", "download", "-json", f"sigs.k8s.io/gateway-api@{GATEWAY_API}"],
        capture_output=True, text=True, check=False, cwd=tempfile.gettempdir(),
    )  # fmt: skip
    if asked.returncode:
        raise Missing(f"go mod download of Gateway API's CRDs failed:\n{asked.stdout}{asked.stderr}")
    source = Path(json.loads(asked.stdout)["Dir"]) / "config/crd/standard"
    with tempfile.TemporaryDirectory(dir=cache_directory()) as temporary:
        fresh = Path(temporary) / "crds"
        fresh.mkdir()
        for manifest in source.glob("gateway*.yaml"):
            _keep_crds(manifest, fresh)
        fresh.replace(directory)


def _keep_crds(manifest: Path, directory: Path) -> None:
    """Kept as JSON, because parsing a megabyte of YAML takes longer than starting the API server."""
    for number, crd in enumerate(read_crds([manifest])):
        (directory / f"{manifest.stem}-{number}.json").write_text(json.dumps(crd))


def _debian_directory() -> Path:
    return cache_directory() / "prometheus-debian"


def _unpacked() -> Path | None:
    binary = _debian_directory() / "usr/bin/prometheus"
    return binary if os.access(binary, os.X_OK) else None


def _from_debian(tell: Tell) -> Path | None:
    """Debian's package without installing it, so that no service is started; None where there is no apt."""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        return None
    with cache_lock(tell):
        return _unpacked() or _download_debian(tell)


def _download_debian(tell: Tell) -> Path | None:
    tell("downloading Debian's package of Prometheus")
    with tempfile.TemporaryDirectory(dir=cache_directory()) as temporary:
        packages = _apt_download(Path(temporary), tell)
        if packages is None:
            return None
        fresh = Path(temporary) / "unpacked"
        subprocess.run(["dpkg", "-x", str(packages), str(fresh)], check=True)
        fresh.replace(_debian_directory())
    return _unpacked()


def _apt_download(into: Path, tell: Tell) -> Path | None:
    for attempt in ("as it is", "after apt-get update"):
        subprocess.run(["apt-get", "-q", "download", "prometheus"], cwd=into, capture_output=True, check=False)
        found = next(into.glob("prometheus_*.deb"), None)
        if found or attempt != "as it is" or os.geteuid() != 0:
            return found
        tell("the list of Debian's packages is stale: apt-get update")
        subprocess.run(["apt-get", "-q", "update"], capture_output=True, check=False)
    return None
