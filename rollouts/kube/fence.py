"""The last moment at which a request can be stopped: there is a connection, and nothing of the request is written.

To ask any earlier would not do: names are looked up, connections made and credentials renewed for seconds.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import aiohttp


def unchecked() -> None:
    """Let everything pass."""


# of the request that this task is sending
_CHECK: ContextVar[Callable[[], None]] = ContextVar("check", default=unchecked)


@contextmanager
def checked_by(check: Callable[[], None]) -> Iterator[None]:
    """Requests sent in the body ask *check* first; what it raises ends them, and no byte of them is sent."""
    kept = _CHECK.set(check)
    try:
        yield
    finally:
        _CHECK.reset(kept)


class FencedRequest(aiohttp.ClientRequest):
    """For the sessions whose requests are to be stopped in time."""

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        """Send nothing where the check raises; the session then closes *conn* and passes the exception on."""
        _CHECK.get()()
        return await super().send(conn)

    async def write_bytes(self, writer: Any, conn: Any, *more: Any, **named: Any) -> None:
        """Write headers and body: with some versions of Python, another turn of the loop after `send`."""
        try:
            _CHECK.get()()
        except Exception as refusal:  # noqa: BLE001 (who waits for the answer shall hear of it, whatever it is)
            conn.protocol.set_exception(refusal)
        else:
            await super().write_bytes(writer, conn, *more, **named)
