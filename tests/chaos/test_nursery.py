"""Children of the nursery are controllers like any other: arguments, environment, log, and how they end."""

import asyncio
import json
import os
import signal

import pytest_asyncio

from tests.chaos.nursery import nursery

PATIENCE = 60


@pytest_asyncio.fixture
async def born():
    async with nursery() as made:
        yield made


async def ended(child) -> int:
    async with asyncio.timeout(PATIENCE):
        return await child.wait()


async def test_arguments_and_log_are_its_own_and_the_exit_code_is_told(born, tmp_path):
    help_, nonsense = tmp_path / "help.log", tmp_path / "nonsense.log"
    children = [
        await born.birth(["rollouts", "controller", argument], os.environ, log)
        for argument, log in (("--help", help_), ("--nonsense", nonsense))
    ]
    assert [await ended(child) for child in children] == [0, 2]
    assert [child.returncode for child in children] == [0, 2]
    assert "--leader-elect" in help_.read_text()
    assert "--nonsense" in nonsense.read_text()


async def test_a_log_is_gone_on_with(born, tmp_path):
    log = tmp_path / "log"
    log.write_text("before\n")
    await ended(await born.birth(["rollouts", "controller", "--help"], os.environ, log))
    assert log.read_text().startswith("before\n")
    assert "--leader-elect" in log.read_text()


async def test_it_has_its_environment_and_dies_of_a_kill(born, tmp_path):
    async def silent(reader, writer):
        asked.set()
        await reader.read()
        writer.close()

    asked = asyncio.Event()
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    user, context = {"name": "me", "user": {"token": "x"}}, {"name": "x", "context": {"cluster": "c", "user": "me"}}
    document = {"clusters": [{"name": "c", "cluster": {"server": address}}], "users": [user],
                "contexts": [context], "current-context": "x"}  # fmt: skip
    (tmp_path / "kubeconfig").write_text(json.dumps(document))
    environment = {**os.environ, "KUBECONFIG": str(tmp_path / "kubeconfig")}
    flags = ("--leader-elect=false", "--metricsPort", "0", "--healthzPort", "0")
    async with server:
        child = await born.birth(["rollouts", "controller", *flags], environment, tmp_path / "log")
        async with asyncio.timeout(PATIENCE):
            await asked.wait()
        assert child.returncode is None
        child.send_signal(signal.SIGKILL)
        assert await ended(child) == -signal.SIGKILL
