import asyncio
from pathlib import Path

import pytest

from rollouts.sandbox import relay
from rollouts.sandbox.errors import SandboxError


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    """Too long a path for a unix socket's address."""
    directory = tmp_path / ("x" * 60) / ("y" * 60)
    directory.mkdir(parents=True)
    return directory


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.readline())
    writer.close()


async def asked(port: int, word: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(word)
    answer = await reader.read()
    writer.close()
    return answer


async def asked_until_answered(port: int, word: bytes) -> bytes:
    while True:
        try:
            return await asked(port, word)
        except OSError:
            await asyncio.sleep(0.01)


async def all_ended() -> None:
    while len(asyncio.all_tasks()) > 1:  # noqa: ASYNC110 (there is no event for it)
        await asyncio.sleep(0.01)


async def test_bytes_go_both_ways_until_the_inner_end_is_gone(deep, unused_tcp_port_factory):
    inner, outer = unused_tcp_port_factory(), unused_tcp_port_factory()
    server = await asyncio.start_server(echo, "127.0.0.1", inner)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(relay.serve(deep))
        while not (deep / "relay.sock").exists():  # noqa: ASYNC110 (it is a file)
            await asyncio.sleep(0.01)
        publishing = group.create_task(relay.publish(deep, {outer: inner}))
        assert await asked_until_answered(outer, b"hello\n") == b"hello\n"
        publishing.cancel()
        serving.cancel()
    server.close()
    await all_ended()


async def test_there_is_nothing_to_publish_without_a_sandbox(deep, unused_tcp_port):
    with pytest.raises(SandboxError, match="no sandbox to relay to"):
        await relay.publish(deep, {unused_tcp_port: 80})
