"""Choosing addresses and ports that nobody has: cluster IPs, node ports, pod networks.

A pool is a range of numbered slots; which are taken is a `Taken`, which the caller fills from
what is stored and keeps in step with its commits. Choosing is pure: (taken, request, draw) →
slot | Cause, with the draw (any non-negative integer) supplied by the caller. The choice is
only a proposal: the caller commits it with a compare on a key of its own for the slot, and
chooses again when somebody was faster.

    pool = AddressPool.of("10.96.0.0/12")
    taken = Taken(pool.size)
    taken.add(pool.slot("10.96.0.10"))
    slot = choose(taken, pool.band, draw=random.getrandbits(32))
    address = pool.address(slot)

The lower part of a pool (the band) is drawn from last, so that addresses which people pick by
hand there rarely collide: min(max(16, size/16), 256) addresses, min(max(16, size/32), 128)
ports, as in Kubernetes (KEP-3070, KEP-3668).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from master.admission.faults import Path, invalid
from pilothouse.objects.errors import Cause

MAX_SLOTS: Final = 1 << 20  # of a pool: one byte each in a Taken
NODE_PORTS: Final = range(30_000, 32_768)


class Taken:
    """Which slots of a pool are taken: one byte a slot, searched at memory speed."""

    __slots__ = ("_slots", "count")

    def __init__(self, size: int) -> None:
        self._slots = bytearray(size)
        self.count = 0

    def __contains__(self, slot: int) -> bool:
        return bool(self._slots[slot])

    def __len__(self) -> int:
        return len(self._slots)

    def add(self, slot: int) -> None:
        """Takes a slot; taking it twice is no change."""
        self.count += not self._slots[slot]
        self._slots[slot] = 1

    def discard(self, slot: int) -> None:
        """Frees a slot; freeing a free one is no change."""
        self.count -= self._slots[slot]
        self._slots[slot] = 0

    def free_from(self, start: int, end: int) -> int:
        """The first free slot in [start, end); -1 when there is none."""
        return self._slots.find(0, start, end)


def choose(taken: Taken, band: int, draw: int) -> int:
    """A free slot, spread by the draw; slots below the band come last. -1: all are taken."""
    size = len(taken)
    upper = size - band
    if upper > 0:
        start = band + draw % upper
        slot = taken.free_from(start, size)
        if slot < 0:
            slot = taken.free_from(band, start)
        if slot >= 0:
            return slot
    return taken.free_from(0, min(band, size))


@dataclass(frozen=True)
class AddressPool:
    """The usable addresses of a network, slot 0 being the first.

    The network's own address is left out, and in IPv4 the broadcast address, where the
    network is large enough to have any other. Of a network with more than MAX_SLOTS addresses
    the first MAX_SLOTS are used.
    """

    cidr: str
    first: int
    size: int
    version: int

    @classmethod
    def of(cls, cidr: str) -> AddressPool:
        """The pool of a network in CIDR notation; ValueError when it is none."""
        network = ip_network(cidr)
        first, count = int(network.network_address), network.num_addresses
        if count > 2:
            first += 1
            count -= 2 if network.version == 4 else 1
        return cls(str(network), first, min(count, MAX_SLOTS), network.version)

    @cached_property
    def band(self) -> int:
        """How many of the lowest slots are drawn last."""
        return _band(self.size, divisor=16, most=256)

    @property
    def family(self) -> str:
        """As in a service's ipFamilies."""
        return f"IPv{self.version}"

    def address(self, slot: int) -> str:
        """The address in a slot."""
        number = self.first + slot
        return str(IPv4Address(number) if self.version == 4 else IPv6Address(number))

    def slot(self, address: str) -> int:
        """The slot of an address; -1 when it is no address of this pool."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return -1
        slot = int(parsed) - self.first
        return slot if parsed.version == self.version and 0 <= slot < self.size else -1


def _band(size: int, *, divisor: int, most: int) -> int:
    """As Kubernetes: none where the pool has at most 16 slots."""
    return min(max(16, size // divisor), most) if size > 16 else 0


PORT_BAND: Final = _band(len(NODE_PORTS), divisor=32, most=128)


def port_slot(port: int) -> int:
    """The slot of a node port; -1 when it is outside of the range."""
    return port - NODE_PORTS.start if port in NODE_PORTS else -1


def address_at(pool: AddressPool, taken: Taken, wanted: str, draw: int, at: Path) -> int | Cause:
    """The slot of the address that is wanted, or of any ("" wants any)."""
    if wanted:
        return _requested_address(pool, taken, wanted, at)
    slot = choose(taken, pool.band, draw)
    if slot < 0:
        return invalid(at, wanted, f"failed to allocate an IP: range {pool.cidr} is full")
    return slot


def _requested_address(pool: AddressPool, taken: Taken, wanted: str, at: Path) -> int | Cause:
    slot = pool.slot(wanted)
    if slot < 0:
        why = f"the provided IP ({wanted}) is not in the valid range {pool.cidr}"
        return invalid(at, wanted, f"failed to allocate IP {wanted}: {why}")
    if slot in taken:
        return invalid(
            at, wanted, f"failed to allocate IP {wanted}: provided IP is already allocated"
        )
    return slot


def port_at(taken: Taken, wanted: int, draw: int, at: Path) -> int | Cause:
    """The slot of the node port that is wanted, or of any (0 wants any)."""
    if wanted:
        return _requested_port(taken, wanted, at)
    slot = choose(taken, PORT_BAND, draw)
    if slot < 0:
        span = f"{NODE_PORTS.start}-{NODE_PORTS.stop - 1}"
        return invalid(at, wanted, f"failed to allocate a nodePort: range {span} is full")
    return slot


def _requested_port(taken: Taken, wanted: int, at: Path) -> int | Cause:
    slot = port_slot(wanted)
    if slot < 0:
        span = f"{NODE_PORTS.start}-{NODE_PORTS.stop - 1}"
        return invalid(
            at,
            wanted,
            f"provided port is not in the valid range. The range of valid ports is {span}",
        )
    if slot in taken:
        return invalid(at, wanted, "provided port is already allocated")
    return slot


@dataclass(frozen=True, slots=True)
class SubnetPool:
    """The equal subnets of the pod network; slot n is the n-th, one for each node."""

    cidr: str
    first: int
    prefix: int
    size: int
    version: int

    @classmethod
    def of(cls, cidr: str, prefix: int = 24) -> SubnetPool:
        """The subnets with that prefix length; ValueError when they do not fit."""
        network = ip_network(cidr)
        if not network.prefixlen <= prefix <= network.max_prefixlen:
            raise ValueError(f"subnets of /{prefix} do not fit into {cidr}")
        count = 1 << (prefix - network.prefixlen)
        if count > MAX_SLOTS:
            raise ValueError(f"{cidr} has {count} subnets of /{prefix}, more than {MAX_SLOTS}")
        return cls(str(network), int(network.network_address), prefix, count, network.version)

    @property
    def _step(self) -> int:
        return 1 << ((32 if self.version == 4 else 128) - self.prefix)

    def subnet(self, slot: int) -> str:
        """The subnet in a slot: "10.244.3.0/24"."""
        number = self.first + slot * self._step
        address = IPv4Address(number) if self.version == 4 else IPv6Address(number)
        return f"{address}/{self.prefix}"

    def slots(self, cidr: str) -> range:
        """The slots that a network covers; empty when it is not within the pool.

        A network may be larger than a slot (it covers several) or smaller (it covers one).
        """
        try:
            network = ip_network(cidr)
        except ValueError:
            return range(0)
        low = int(network.network_address) - self.first
        high = int(network.broadcast_address) - self.first
        if network.version != self.version or low < 0 or high >= self.size * self._step:
            return range(0)
        return range(low // self._step, high // self._step + 1)


def subnet_at(pool: SubnetPool, taken: Taken, wanted: str, draw: int, at: Path) -> range | Cause:
    """The slots of the pod network that is wanted, or the next free one from the draw on.

    Pass the slot after the last one given as the draw, so that a network just freed is the
    last to be used again.
    """
    if wanted:
        return _requested_subnet(pool, taken, wanted, at)
    slot = choose(taken, 0, draw)
    if slot < 0:
        return invalid(at, wanted, f"no free /{pool.prefix} is left in {pool.cidr}")
    return range(slot, slot + 1)


def _requested_subnet(pool: SubnetPool, taken: Taken, wanted: str, at: Path) -> range | Cause:
    slots = pool.slots(wanted)
    if not slots:
        return invalid(at, wanted, f"must be a network within {pool.cidr}")
    if any(slot in taken for slot in slots):
        return invalid(at, wanted, "provided network is already allocated to another node")
    return slots
