"""Addresses for pods, handed out in order so that a freed one is used again as late as possible. Pure."""

import ipaddress
from collections.abc import Iterable


class Addresses:
    """The addresses x.y.1.0 to x.y.254.255 of a /16 range; raises RuntimeError when all are taken."""

    def __init__(self, network: str, taken: Iterable[str] = ()) -> None:
        self._first = int(ipaddress.ip_network(network).network_address)
        self._taken = set(taken)
        self._next = 256

    def take(self) -> str:
        """A free address, now taken."""
        for _ in range(256, 255 * 256):
            address = str(ipaddress.ip_address(self._first + self._next))
            self._next = self._next + 1 if self._next + 1 < 255 * 256 else 256
            if address not in self._taken:
                self._taken.add(address)
                return address
        raise RuntimeError("no free pod address")

    def free(self, address: str) -> None:
        """Give an address back; one that is not taken is no error."""
        self._taken.discard(address)
