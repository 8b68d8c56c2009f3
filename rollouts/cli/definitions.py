"""What a cluster needs before the controller can work there, as files made from the code: CRDs, ClusterRole.

An installed package has no `crds/` and no chart beside it; these are the same, byte for byte but for a heading.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

from rollouts.api.crds import DEFINITIONS, crd
from rollouts.cli import generate_rbac
from rollouts.cli.generate import Plain


class Definitions(NamedTuple):
    """Where they are: a directory of CRDs, a file with the ClusterRole."""

    crds: Path
    cluster_role: Path


@contextlib.contextmanager
def definitions() -> Iterator[Definitions]:
    """The files, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="rollouts-definitions-") as temporary:
        made = Definitions(Path(temporary) / "crds", Path(temporary) / "clusterrole.yaml")
        made.crds.mkdir()
        for definition in DEFINITIONS:
            _write(made.crds / f"{definition.kind.name.lower()}.yaml", crd(definition))
        _write(made.cluster_role, generate_rbac.cluster_role())
        yield made


def _write(path: Path, manifest: object) -> None:
    path.write_text(yaml.dump(manifest, Dumper=Plain, sort_keys=False, allow_unicode=True), encoding="utf-8")
