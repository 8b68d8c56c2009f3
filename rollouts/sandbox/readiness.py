"""Waiting for a condition to come true, with a deadline and a sentence when it does not."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

import aiohttp

from rollouts.sandbox.errors import SandboxError

_PATIENCE: Final = 60.0
_PACE: Final = 0.03


async def eventually(what: str, holds: Callable[[], Awaitable[bool]], patience: float = _PATIENCE) -> None:
    """Return when *holds* answers True; raises SandboxError after *patience* seconds."""
    deadline = time.monotonic() + patience
    while not await holds():
        if time.monotonic() > deadline:
            raise SandboxError(f"{what}: not ready after {patience:.0f} s")
        await asyncio.sleep(_PACE)


async def responds(url: str, status: int) -> bool:
    """Whether a GET of *url* gives *status* at this moment."""
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session, session.get(url) as answer:
            return answer.status == status
    except (aiohttp.ClientError, TimeoutError):
        return False
