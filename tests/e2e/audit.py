"""What the controller under test asked of the API server, from the sandbox's audit log."""

import asyncio
import json
import os
from collections import Counter
from pathlib import Path

from rollouts.sandbox.accounts import CONTROLLER_USER

QUIET = 3.0
PATIENCE = 40.0


class Audit:
    """The controller's requests about one namespace since this was made; Leases and watches are about others."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._log = Path(os.environ["ROLLOUTS_SANDBOX"]) / "audit.log"
        self._read = self._log.stat().st_size
        self._rest = b""
        self.requests: Counter[str] = Counter()

    def take(self) -> Counter[str]:
        """Requests by verb and resource that came since it was last asked."""
        with self._log.open("rb") as log:
            log.seek(self._read)
            text = self._rest + log.read()
            self._read = log.tell()
        *lines, self._rest = text.split(b"\n")
        found = Counter(one for line in lines if (one := self._request(line)))
        self.requests += found
        return found

    async def quiet(self) -> Counter[str]:
        """Wait until nothing was asked for QUIET seconds; everything asked until then. A hot loop never gets there."""
        loop = asyncio.get_running_loop()
        end, since = loop.time() + PATIENCE, loop.time()
        while loop.time() - since < QUIET:
            if loop.time() > end:
                raise AssertionError(f"{self._namespace}: the controller never rests: {self.requests}")
            await asyncio.sleep(0.1)
            if self.take():
                since = loop.time()
        return self.requests

    def _request(self, line: bytes) -> str:
        if self._namespace.encode() not in line or CONTROLLER_USER.encode() not in line:
            return ""
        entry = json.loads(line)
        about = entry.get("objectRef") or {}
        if about.get("namespace") != self._namespace or entry["user"]["username"] != CONTROLLER_USER:
            return ""
        return "/".join(filter(None, (entry["verb"], about.get("resource"), about.get("subresource"))))
