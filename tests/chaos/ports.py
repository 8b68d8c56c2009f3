"""Ports for what a test starts: nobody has them, and nobody is given them again soon.

A controller that is killed and started again has none of its ports for a while: they stay its own all the same.
"""

import itertools
import os
import re
import socket
from contextlib import suppress

# Below the range from which outgoing connections take theirs, a part for each process that tests.
FIRST, EACH, PARTS = 20_000, 1_000, 12
WORKER = re.compile(r"gw(\d+)")


def part() -> range:
    """The ports of this process: no other that tests beside it has any of them."""
    worker = WORKER.fullmatch(os.environ.get("PYTEST_XDIST_WORKER", ""))
    start = FIRST + EACH * (int(worker[1]) % PARTS if worker else 0)
    return range(start, start + EACH)


_TURNS = itertools.cycle(part())


def free_port() -> int:
    """A port of loopback that nobody has, given again when all others of this process's part have been."""
    while True:
        port = next(_TURNS)
        with socket.socket() as one, suppress(OSError):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(("127.0.0.1", port))
            return port
