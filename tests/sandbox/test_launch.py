from pathlib import Path

import pytest

from rollouts.sandbox import downloads, launch
from rollouts.sandbox.errors import Missing
from rollouts.sandbox.launch import blueprint_of
from rollouts.sandbox.state import Options, Programs


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory with CRDs and a role, on a machine that has every program."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "role.yaml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(launch, "programs", lambda _: Programs(*[Path("/bin/true")] * 6))
    monkeypatch.setattr(downloads, "gateway_api_crds", lambda _: [])
    return tmp_path


def planned(**options):
    return blueprint_of(Path("/somewhere/else"), Options(**options), print).options


def test_relative_paths_are_those_of_whoever_asks(here):
    found = planned(crds=Path("mine"), cluster_role=Path("role.yaml"))
    assert (found.crds, found.cluster_role) == (here / "mine", here / "role.yaml")


def test_what_is_absolute_or_not_asked_for_stays(here):
    assert (planned(crds=here / "mine").crds, planned(crds=here / "mine").cluster_role) == (here / "mine", None)
    assert planned().crds is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"crds": Path("nope")}, "crds: no directory nope below "),
        ({"crds": Path("role.yaml")}, "crds: no directory role.yaml below "),
        ({"cluster_role": Path("mine")}, "cluster role: no file mine below "),
    ],
)
def test_what_is_not_there_is_said_before_anything_starts(here, options, said):
    with pytest.raises(Missing, match=f"^{said}{here}$"):
        planned(**options)
