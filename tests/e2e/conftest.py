"""Fixtures of the end-to-end tests; they run inside a sandbox (`rollouts sandbox exec -- pytest tests/e2e`)."""

import itertools
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio

from rollouts.api.kinds import NAMESPACE
from rollouts.api.meta import Key
from rollouts.kube.client import Client
from rollouts.kube.errors import ApiError
from tests.e2e.scene import Scene

NUMBERS = itertools.count(1)
# Pods listen on port 8080 of the same network namespace, so that the controller's own ports are moved away; each worker
# of a parallel run starts a controller, and leader election lets one work.
FLAGS = ("--nginx-settle", "1s", "--gateway-settle", "1s", "--loglevel", "debug", "--qps", "400", "--burst", "800",
         "--healthzPort", "0", "--metricsPort", "0")  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """Let a connection to the API server go that was cancelled while TLS was being agreed on.

    asyncio leaves such a one to the garbage collector, whose complaint would fail whatever test runs at that moment.
    """
    config.addinivalue_line("filterwarnings", "ignore:unclosed transport <_SelectorSocketTransport:ResourceWarning")
    config.addinivalue_line("filterwarnings", "ignore:unclosed <socket.socket .*6443:ResourceWarning")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs a sandbox."""
    for item in items:
        if Path(__file__).parent in Path(item.path).parents:
            item.add_marker("e2e")
            if "ROLLOUTS_SANDBOX" not in os.environ:
                item.add_marker(pytest.mark.skip(reason="needs a sandbox: rollouts sandbox exec -- pytest tests/e2e"))


@pytest.fixture(scope="session")
def controller() -> Iterator[None]:
    """A controller at work on the sandbox: the one that `tests/run.py` started, else one of this session."""
    if "ROLLOUTS_E2E_CONTROLLER" in os.environ:
        yield
        return
    assert "PYTEST_XDIST_WORKER" not in os.environ, "several at a time need one controller: use tests/run.py"
    state = Path(os.environ["ROLLOUTS_SANDBOX"])
    environment = {**os.environ, "KUBECONFIG": str(state / "controller.kubeconfig")}
    with (state / f"controller-under-test-{os.getpid()}.log").open("wb") as log:
        command = [sys.executable, "-m", "rollouts", "controller", *FLAGS]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        yield
        ended = process.poll()
        process.terminate()
        process.wait(timeout=30)
    assert ended is None, f"the controller ended with {ended} during the tests; its log is {log.name}"


@pytest_asyncio.fixture
async def client() -> AsyncIterator[Client]:
    """The API server, as its administrator."""
    async with Client.connect(user_agent="rollouts-tests", qps=0) as connected:
        yield connected


@pytest_asyncio.fixture
async def scene(client: Client, controller: None, request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    """A namespace of the test's own, gone afterwards."""
    plain = "".join(c if c.isalnum() else "-" for c in request.node.name.removeprefix("test_").lower())[:40].strip("-")
    name = f"{plain}-{os.getpid()}-{next(NUMBERS)}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    await client.create(NAMESPACE, "", body)
    made = Scene(client, name)
    await made.until("furnished", lambda: default_account(made))
    yield made
    with suppress(ApiError):
        await client.delete(NAMESPACE, Key("", name))


async def default_account(scene: Scene) -> bool:
    """Pods are refused in a namespace until it has its default account."""
    return "serviceaccount/default" in await scene.kubectl("get", "serviceaccount", "--output", "name")
