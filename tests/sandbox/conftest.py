import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rollouts.sandbox import cluster
from rollouts.sandbox.cluster import Sandbox
from rollouts.sandbox.state import Options

Manifest = dict[str, Any]


class Inside:
    """What a test does to the sandbox, in a namespace of its own."""

    def __init__(self, sandbox: Sandbox, namespace: str) -> None:
        self.sandbox = sandbox
        self.namespace = namespace
        self.kubectl("create", "namespace", namespace)

    def kubectl(self, *argv: str, given: str | None = None) -> str:
        argv = ("kubectl", "--namespace", self.namespace, *argv)
        done = self.sandbox.exec(argv, input=given, capture_output=True)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    def apply(self, *manifests: Manifest) -> None:
        listed = {"apiVersion": "v1", "kind": "List", "items": manifests}
        self.kubectl("apply", "--filename", "-", given=json.dumps(listed))

    def get(self, *argv: str) -> Any:
        return json.loads(self.kubectl("get", *argv, "--output", "json"))

    def fetch(self, url: str) -> Any:
        program = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())"
        done = self.sandbox.exec([sys.executable, "-c", program, url], capture_output=True)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def load(self, url: str, host: str, requests: int, *argv: str) -> Any:
        asked = [url, "--host", host, "--requests", str(requests), "--clients", "1", *argv]
        command = [sys.executable, "-m", "rollouts.cli.sandbox", "load", *asked]
        done = self.sandbox.exec(command, capture_output=True)
        assert done.stdout, done.stderr
        return json.loads(done.stdout)[0]


@pytest.fixture(scope="session")
def state_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Sandboxes of tests are apart from those of the person who runs them."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("state")
        patch.setenv("XDG_STATE_HOME", str(root))
        yield root


@pytest.fixture(scope="session")
def sandbox(state_root: Path) -> Iterator[Sandbox]:
    """One sandbox for all tests that do it no harm."""
    sandbox = cluster.up("shared", Options(pod_ready_seconds=0.2))
    yield sandbox
    sandbox.down()


@pytest.fixture
def inside(sandbox: Sandbox, request: pytest.FixtureRequest) -> Inside:
    name = re.sub("[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())
    return Inside(sandbox, name[:60].strip("-"))


@pytest.fixture
def private(state_root: Path) -> Iterator[Callable[[str], Sandbox]]:
    """Makes sandboxes that a test may ruin."""
    made: list[Sandbox] = []

    def make(name: str) -> Sandbox:
        made.append(cluster.up(name))
        return made[-1]

    yield make
    for one in made:
        one.down()


@pytest.fixture
def eventually() -> Callable[..., Any]:
    def wait(holds: Callable[[], Any], patience: float = 60.0) -> Any:
        deadline = time.monotonic() + patience
        while True:
            found = holds()
            if found or time.monotonic() > deadline:
                assert found, "never came true"
                return found
            time.sleep(0.05)

    return wait
