"""Lets a person outside reach a port inside: a unix socket in the sandbox's directory joins the two namespaces.

Inside, `serve` reads a line "PORT" from each connection and joins it to 127.0.0.1:PORT; outside, `publish` listens on
127.0.0.1 and connects there. A connection that says "hold" stays open as long as the sandbox lives.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from rollouts.sandbox.errors import SandboxError

_SOCKET = "relay.sock"
_CHUNK = 2**16


async def serve(directory: Path) -> None:
    """Serve the inner end for ever."""
    with _short(directory) as path:
        server = await asyncio.start_unix_server(_inner, path)
    with contextlib.closing(server):
        await asyncio.Event().wait()


async def publish(directory: Path, ports: Mapping[int, int]) -> None:
    """Serve outer port → inner port on 127.0.0.1 until the sandbox ends.

    Raises SandboxError when there is no sandbox or an outer port is taken.
    """
    with contextlib.ExitStack() as stack:
        reader, writer = await _dial(directory, "hold")
        stack.enter_context(contextlib.closing(writer))
        for outer, inner in ports.items():
            stack.enter_context(contextlib.closing(await _listen(directory, outer, inner)))
        print("published", flush=True)
        await reader.read()


async def _listen(directory: Path, outer: int, inner: int) -> asyncio.Server:
    try:
        return await asyncio.start_server(partial(_outer, directory, str(inner)), "127.0.0.1", outer)
    except OSError as error:
        raise SandboxError(f"cannot listen on 127.0.0.1:{outer}: {error.strerror}") from error


async def _inner(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    wanted = (await reader.readline()).decode().strip()
    if not wanted.isdigit():
        await reader.read()
        writer.close()
        return
    try:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", int(wanted))
    except OSError:
        writer.close()
        return
    await _join(reader, writer, inner_reader, inner_writer)


async def _outer(directory: Path, inner: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        inner_reader, inner_writer = await _dial(directory, inner)
    except SandboxError:
        writer.close()
        return
    await _join(reader, writer, inner_reader, inner_writer)


async def _dial(directory: Path, wanted: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        with _short(directory) as path:
            reader, writer = await asyncio.open_unix_connection(path)
    except OSError as error:
        raise SandboxError(f"no sandbox to relay to in {directory}: {error}") from error
    writer.write(f"{wanted}\n".encode())
    return reader, writer


async def _join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    other_reader: asyncio.StreamReader,
    other_writer: asyncio.StreamWriter,
) -> None:
    with contextlib.closing(writer), contextlib.closing(other_writer):
        async with asyncio.TaskGroup() as group:
            group.create_task(_copy(reader, other_writer), name="relay in")
            group.create_task(_copy(other_reader, writer), name="relay out")


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    with contextlib.suppress(ConnectionError, OSError):
        if writer.can_write_eof():
            writer.write_eof()


@contextlib.contextmanager
def _short(directory: Path) -> Iterator[str]:
    """A path to the socket below the 108 bytes that the kernel allows, however long the directory's is."""
    descriptor = os.open(directory, os.O_PATH)
    try:
        yield f"/proc/self/fd/{descriptor}/{_SOCKET}"
    finally:
        os.close(descriptor)


def main() -> int:
    """`python -m rollouts.sandbox.relay DIRECTORY OUTER:INNER...`: says "published" or what is wrong, in one line."""
    pairs = (pair.partition(":") for pair in sys.argv[2:])
    try:
        asyncio.run(publish(Path(sys.argv[1]), {int(outer): int(inner) for outer, _, inner in pairs}))
    except SandboxError as error:
        print(error, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
