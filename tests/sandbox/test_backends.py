"""Which make a sandbox is, told from its directory."""

import pytest

from rollouts.sandbox import backends
from rollouts.sandbox.cluster import Sandbox
from rollouts.sandbox.errors import SandboxError
from rollouts.sandbox.kind import KindSandbox, KindState
from rollouts.sandbox.places import directory_of


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("ROLLOUTS_SANDBOX", raising=False)


def test_both_makes_are_listed_by_name():
    directory_of("a").mkdir(parents=True)
    KindSandbox(directory_of("b")).record(KindState("b", "starting"))
    assert [(type(one), one.name) for one in backends.every()] == [(Sandbox, "a"), (KindSandbox, "b")]


def test_without_any_the_list_is_empty():
    assert backends.every() == []


def test_one_that_is_not_there_is_an_error_that_says_how_to_start_it():
    with pytest.raises(SandboxError, match="sandbox 'default' is not up: `rollouts sandbox up --name default`"):
        backends.find()


def test_inside_of_one_it_is_found_without_a_name(monkeypatch):
    monkeypatch.setenv("ROLLOUTS_SANDBOX", str(directory_of("shop")))
    with pytest.raises(SandboxError, match="sandbox 'shop' is not up"):
        backends.of_processes(None, "proxy")
