"""A metric server of the test's own: it answers what it is told to, and remembers what it was asked."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any


class Answers:
    """What is answered from now on, and the heads of all requests so far."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        self.body, self.status = body, status
        self.heads: list[str] = []
        self.is_mute = False
        self.address = ""

    def say(self, value: Any, status: int = 200) -> None:
        """Answer this JSON."""
        self.body, self.status = json.dumps(value).encode(), status

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
            if self.is_mute:
                await reader.read()
            head = f"HTTP/1.1 {self.status} Said\r\nContent-Length: {len(self.body)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + self.body)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def answering(body: bytes = b"{}", status: int = 200) -> AsyncIterator[Answers]:
    """A server on a port of its own while the body runs."""
    answers = Answers(body, status)
    server = await asyncio.start_server(answers.answer, "127.0.0.1", 0)
    async with server:
        answers.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield answers
