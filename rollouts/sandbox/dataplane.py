"""Command lines of Traefik and Prometheus, and Prometheus's configuration."""

import json
from pathlib import Path
from typing import Final

from rollouts.sandbox.state import Programs

WEB: Final = "127.0.0.1:8000"
GATEWAY: Final = "127.0.0.1:80"
PLAYER: Final = "127.0.0.1:10260"


def traefik(programs: Programs) -> list[str]:
    """Both providers; a Gateway listener is programmed only when an entry point has its port number, hence port 80."""
    return [
        str(programs.traefik),
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
        f"--entrypoints.web.address={WEB}",
        f"--entrypoints.gateway.address={GATEWAY}",
        "--providers.providersthrottleduration=100ms",
        "--providers.kubernetesingressnginx=true",
        "--providers.kubernetesgateway=true",
    ]


def prometheus(programs: Programs, directory: Path, name: str, address: str) -> list[str]:
    """One Prometheus with its data under *directory*/NAME and its configuration in NAME.json."""
    return [
        str(programs.prometheus),
        f"--config.file={directory / name}.json",
        f"--storage.tsdb.path={directory / name}",
        f"--web.listen-address={address}",
        "--web.enable-lifecycle",
        "--log.level=warn",
    ]


def write_prometheus_configuration(directory: Path) -> None:
    """Write prometheus.json (every Running pod, every second) and empty-prometheus.json. JSON is YAML."""
    every_second = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    discovery = {"url": f"http://{PLAYER}/targets", "refresh_interval": "1s"}
    pods = {"job_name": "pods", "http_sd_configs": [discovery]}
    written = {"prometheus": {"global": every_second, "scrape_configs": [pods]}, "empty-prometheus": {}}
    for name, document in written.items():
        (directory / f"{name}.json").write_text(json.dumps(document))
