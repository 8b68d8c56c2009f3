"""Writes what is made from the models: `python -m rollouts.cli.generate [--check]`.

With --check nothing is written; the exit code is 1 when a file is missing or out of date.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import yaml

from rollouts.api.crds import DEFINITIONS, crd
from rollouts.cli import generate_chart, generate_rbac, generate_readme

ROOT: Final = Path(__file__).resolve().parents[2]
HEADER: Final = "# Made from rollouts/api by `make generate`. Do not edit.\n"


class Plain(yaml.SafeDumper):
    """YAML without anchors, which people find hard to read in a manifest."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the dumper asks for every value
        """Always True."""
        return True


def files() -> Mapping[str, str]:
    """Path below the repository's root to content, for everything that is generated."""
    crds = {f"crds/{one.kind.name.lower()}.yaml": HEADER + _yaml(crd(one)) for one in DEFINITIONS}
    chart = {path: HEADER + _yaml(content) for path, content in generate_chart.files().items()}
    return {**crds, **chart, **generate_rbac.files(), **_readme(ROOT / generate_readme.PATH)}


def _readme(path: Path) -> dict[str, str]:
    """The README, of which only a table is generated."""
    return {generate_readme.PATH: generate_readme.filled(path.read_text(encoding="utf-8"))} if path.is_file() else {}


def stale(root: Path) -> list[str]:
    """Paths that are missing or differ from what would be generated."""
    return [path for path, content in files().items() if not _holds(root / path, content)]


def write(root: Path) -> list[str]:
    """Bring the files up to date; returns the paths that were written."""
    written = stale(root)
    for path in written:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(files()[path], encoding="utf-8")
    return written


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m rollouts.cli.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is out of date")
    if parser.parse_args(arguments).check:
        return _complain(stale(ROOT))
    for path in write(ROOT):
        print(f"wrote {path}")
    return 0


def _complain(paths: Sequence[str]) -> int:
    for path in paths:
        print(f"{path} is out of date: run `make generate`", file=sys.stderr)
    return 1 if paths else 0


def _holds(path: Path, content: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == content


def _yaml(content: object) -> str:
    return yaml.dump(content, Dumper=Plain, sort_keys=False, allow_unicode=True, width=120)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
