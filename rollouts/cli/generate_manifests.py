"""Writes the plain manifests from the chart: `python -m rollouts.cli.generate_manifests [--check]`. Needs Helm.

With --check nothing is written; the exit code is 1 when a file is missing or out of date.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from rollouts.sandbox.binaries import HELM, KUBERNETES, obtain

ROOT: Final = Path(__file__).resolve().parents[2]
CHART: Final = ROOT / "charts/rollouts"
NAMESPACE: Final = "argo-rollouts"
HEADER: Final = "# Made from charts/rollouts by `make manifests`. Do not edit.\n"
# Path below the repository's root to the values in which it differs from the chart's own.
MANIFESTS: Final[Mapping[str, tuple[str, ...]]] = {
    "charts/manifests/install.yaml": ("createNamespace=true",),
    "charts/manifests/namespace-install.yaml": ("namespaced=true", "installCRDs=false", "rbac.aggregateRoles=false"),
}
# What is true of a release of Helm alone.
OF_HELM: Final = re.compile(r"^ +(app\.kubernetes\.io/managed-by: Helm|helm\.sh/resource-policy: keep)\n", re.MULTILINE)


def rendered(values: Sequence[str], helm: Path) -> str:
    """The manifest with *values*, each `name=value`; raises CalledProcessError with what Helm says."""
    argv = [str(helm), "template", "rollouts", str(CHART), "--namespace", NAMESPACE, "--kube-version", KUBERNETES]
    settings = [word for value in (*values, "keepCRDs=false") for word in ("--set", value)]
    done = subprocess.run([*argv, *settings], check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 (helm)
    return HEADER + OF_HELM.sub("", done.stdout)


def stale(root: Path, helm: Path) -> dict[str, str]:
    """Paths that are missing or differ from what would be made, with what they should hold."""
    wanted = {path: rendered(values, helm) for path, values in MANIFESTS.items()}
    return {path: text for path, text in wanted.items() if not _holds(root / path, text)}


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m rollouts.cli.generate_manifests", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is out of date")
    is_check = parser.parse_args(arguments).check
    differing = stale(ROOT, obtain(HELM, print))
    for path, text in differing.items():
        if is_check:
            print(f"{path} is out of date: run `make manifests`", file=sys.stderr)
        else:
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_text(text, encoding="utf-8")
            print(f"wrote {path}")
    return 1 if is_check and differing else 0


def _holds(path: Path, content: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == content


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
