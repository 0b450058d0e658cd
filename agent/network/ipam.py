"""Which address a pod gets: a pure choice from the node's range.

Worked example, for 10.244.3.0/24: .0 is the network, .1 the bridge (the pods' gateway), .255
the broadcast; pods get .2 to .254, each search starting after the last address given, so that
one just freed is not reused while others still believe in its former owner.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network


@dataclass(frozen=True, slots=True)
class Range:
    """A node's range of pod addresses."""

    network: IPv4Network

    @property
    def gateway(self) -> IPv4Address:
        """The bridge's own address."""
        return self.network[1]

    @property
    def size(self) -> int:
        """How many pods can have an address."""
        return self.network.num_addresses - 3


def parse_range(cidr: str) -> Range:
    """The range; ValueError if it is no IPv4 network or has no room for one pod."""
    network = IPv4Network(cidr)
    if network.num_addresses < 4:
        raise ValueError(f"pod CIDR {cidr!r}: must hold at least 4 addresses")
    return Range(network)


def choose(pods: Range, taken: Collection[str], last: str = "") -> str | None:
    """A free address, the first one after `last` in a circle; None when all are taken."""
    first = int(pods.network[2])
    start = int(IPv4Address(last)) - first + 1 if last else 0
    for step in range(pods.size):
        address = str(IPv4Address(first + (start + step) % pods.size))
        if address not in taken:
            return address
    return None
