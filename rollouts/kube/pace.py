"""A token bucket: at most *burst* calls at once and *qps* per second on average."""

import asyncio


class Pace:
    """Lets callers through in order, each waiting for its token. A *qps* of zero or less never waits."""

    def __init__(self, qps: float, burst: int) -> None:
        self._qps = qps
        self._burst = max(1, burst)
        self._tokens = float(self._burst)
        self._counted_at = 0.0

    async def turn(self) -> None:
        """Wait for one token. A caller cancelled while waiting still spends its token."""
        if self._qps <= 0:
            return
        wait = self._take(asyncio.get_running_loop().time())
        if wait > 0:
            await asyncio.sleep(wait)

    def _take(self, now: float) -> float:
        """Take a token, on credit if there is none; return the seconds until it is earned."""
        earned = (now - self._counted_at) * self._qps
        self._tokens = min(float(self._burst), self._tokens + earned) - 1
        self._counted_at = now
        return -self._tokens / self._qps
