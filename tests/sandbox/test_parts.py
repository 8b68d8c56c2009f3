import os
import sys
from pathlib import Path

import pytest

from rollouts.sandbox import processes
from rollouts.sandbox.cluster import Sandbox
from rollouts.sandbox.errors import SandboxError
from rollouts.sandbox.parts import Part
from rollouts.sandbox.state import State, write_state


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    state = State("x", "ready", os.getpid(), 0, "", False, processes={"etcd": os.getpid()})
    write_state(tmp_path, state)
    return tmp_path


def test_a_part_that_there_is_not_is_named_with_those_there_are(directory):
    with pytest.raises(SandboxError, match="has no part 'etc': one of etcd"):
        Part(directory, "etc")


def test_what_is_down_cannot_be_frozen(tmp_path):
    write_state(tmp_path, State("x", "ready", 1, 0, "", False))
    (tmp_path / "stopped").mkdir()
    (tmp_path / "stopped/etcd").touch()
    with pytest.raises(SandboxError, match="etcd is down"):
        Part(tmp_path, "etcd").pause()


@pytest.mark.e2e
@pytest.mark.parametrize("name", ["traefik", "etcd", "kube-apiserver", "prometheus"])
def test_a_part_is_stopped_and_started_again(private, eventually, name):
    """The sandbox lives on, and so do the parts that need this one."""
    sandbox: Sandbox = private("patient")
    part, before = sandbox.part(name), dict(sandbox.state.processes)
    part.stop()
    assert (part.pid, sandbox.is_up) == (None, True)
    assert not processes.birth_of(before[name])
    part.start()
    assert part.pid not in {None, before[name]}
    eventually(lambda: serves(sandbox))
    assert {**sandbox.state.processes, name: 0} == {**before, name: 0}


@pytest.mark.e2e
def test_a_frozen_part_goes_on_where_it_was(private, eventually):
    sandbox: Sandbox = private("cold")
    part = sandbox.part("etcd")
    before = part.pid
    part.pause()
    assert not serves(sandbox)
    part.resume()
    eventually(lambda: serves(sandbox))
    assert part.pid == before


def serves(sandbox: Sandbox) -> bool:
    """Whether objects are stored and Prometheus and the proxy answer."""
    program = (
        "import urllib.request as u, urllib.error as e\n"
        "u.urlopen('http://127.0.0.1:9090/-/ready', timeout=3)\n"
        "try: u.urlopen('http://127.0.0.1:8000/', timeout=3)\n"
        "except e.HTTPError as error: assert error.code == 404\n"
    )
    asked = [
        [
            "kubectl",
            "--request-timeout=3s",
            "label",
            "--overwrite",
            "namespace",
            "default",
            f"seen=n{os.urandom(3).hex()}",
        ],
        [sys.executable, "-c", program],
    ]
    return all(sandbox.exec(argv, capture_output=True).returncode == 0 for argv in asked)
