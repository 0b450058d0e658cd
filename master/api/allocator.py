"""Cluster IPs, node ports and pod networks: chosen here, held by keys in the store.

Every address, port and network in use has a key of its own under "/-/allocations/". It is
created in the very commit that writes the object which uses it, with the compare that it does
not exist, and deleted in the one that removes the object. So nothing is handed out twice,
whatever restarts, and nothing leaks.

What is taken is known in memory, in step with the store; a choice whose commit is under way
counts as taken. Not promised: a particular choice. The draw is random.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from master.admission.allocation import (
    NODE_PORTS,
    AddressPool,
    SubnetPool,
    Taken,
    port_slot,
    subnet_at,
)
from master.admission.service_allocation import plan_service, release_service
from master.store.contract import Commit, Compare, Delete, Key, Put, Revision, Store, Write
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import Node, Service

PREFIX: Final = "/-/allocations/"
ADDRESSES: Final = "addresses"
PORTS: Final = "ports"
SUBNETS: Final = "subnets"


@dataclass(frozen=True, slots=True)
class Ranges:
    """Where from: networks in CIDR notation, and the prefix length of one node's network."""

    services: str = "10.96.0.0/12"
    pods: str = "10.244.0.0/16"
    node_prefix: int = 24


Slot = tuple[str, int]  # pool and slot


@dataclass(frozen=True, slots=True)
class Claims:
    """Slots to take and to free in the commit that writes the object."""

    taken: tuple[Slot, ...] = ()
    freed: tuple[Slot, ...] = ()
    causes: tuple[Cause, ...] = ()


NONE: Final = Claims()


class Allocator:
    """See the module. load() before the first plan."""

    def __init__(self, ranges: Ranges, rng: random.Random) -> None:
        self._rng = rng
        self._addresses = AddressPool.of(ranges.services)
        self._subnets = SubnetPool.of(ranges.pods, ranges.node_prefix)
        self._taken = {
            ADDRESSES: Taken(self._addresses.size),
            PORTS: Taken(len(NODE_PORTS)),
            SUBNETS: Taken(self._subnets.size),
        }
        self._next_subnet = 0

    async def load(self, store: Store) -> None:
        """Learn what is taken, and follow the store from there."""
        store.observe(PREFIX, self._observe)
        for entry in (await store.list(PREFIX)).entries:
            self._mark(entry.key, taken=True)

    def plan(self, new: Any, old: Any) -> Claims:
        """Complete `new`, which the caller owns, and what it claims; `old` None: a creation.

        The claimed slots count as taken from now on: commit them, or give_back().
        """
        claims = NONE
        if isinstance(new, Service):
            claims = self._plan_service(new, old)
        elif isinstance(new, Node):
            claims = self._plan_node(new, old)
        for pool, slot in claims.taken:
            self._taken[pool].add(slot)
        return claims

    def release(self, old: Any) -> Claims:
        """What the removal of an object frees."""
        if isinstance(old, Service):
            plan = release_service(old, self._addresses)
            return Claims(
                freed=_slots(ADDRESSES, plan.released_addresses)
                + _slots(PORTS, plan.released_ports)
            )
        if isinstance(old, Node):
            return Claims(freed=self._slots_of(old))
        return NONE

    def give_back(self, claims: Claims) -> None:
        """The commit did not happen."""
        for pool, slot in claims.taken:
            self._taken[pool].discard(slot)

    def compares(self, claims: Claims) -> list[Compare]:
        """That nobody else holds what is claimed."""
        return [Compare(self._key(slot), Revision(0)) for slot in claims.taken]

    def writes(self, claims: Claims, owner: Key) -> list[Write]:
        """The keys to write and to delete; their value names the owner, for people."""
        freed = [Delete(self._key(slot)) for slot in claims.freed]
        return [*(Put(self._key(slot), owner.encode()) for slot in claims.taken), *freed]

    def _plan_service(self, new: Service, old: Service | None) -> Claims:
        plan = plan_service(
            new,
            old,
            self._addresses,
            self._taken[ADDRESSES],
            self._taken[PORTS],
            self._rng.getrandbits(32),
        )
        return Claims(
            _slots(ADDRESSES, plan.claimed_addresses) + _slots(PORTS, plan.claimed_ports),
            _slots(ADDRESSES, plan.released_addresses) + _slots(PORTS, plan.released_ports),
            plan.causes,
        )

    def _plan_node(self, new: Node, old: Node | None) -> Claims:
        if old is not None and old.spec.pod_cidr:
            return NONE
        found = subnet_at(
            self._subnets,
            self._taken[SUBNETS],
            new.spec.pod_cidr,
            self._next_subnet,
            ("spec", "podCIDR"),
        )
        if isinstance(found, Cause):
            return Claims(causes=(found,))
        if not new.spec.pod_cidr:
            new.spec.pod_cidr = self._subnets.subnet(found.start)
            self._next_subnet = (found.start + 1) % self._subnets.size
        if not new.spec.pod_cidrs:
            new.spec.pod_cidrs.append(new.spec.pod_cidr)
        return Claims(_slots(SUBNETS, found))

    def _slots_of(self, node: Node) -> tuple[Slot, ...]:
        return _slots(SUBNETS, self._subnets.slots(node.spec.pod_cidr))

    def _key(self, slot: Slot) -> Key:
        pool, number = slot
        match pool:
            case "addresses":
                name = self._addresses.address(number)
            case "ports":
                name = str(NODE_PORTS.start + number)
            case _:
                name = self._subnets.subnet(number).replace("/", "_")
        return Key(f"{PREFIX}{pool}/{name}")

    def _observe(self, commits: Sequence[Commit]) -> None:
        for change in _changes(commits):
            self._mark(change[0], taken=change[1])

    def _mark(self, key: Key, *, taken: bool) -> None:
        pool, _, name = key.removeprefix(PREFIX).partition("/")
        slots = self._named(pool, name)
        for slot in slots:
            if taken:
                self._taken[pool].add(slot)
            else:
                self._taken[pool].discard(slot)

    def _named(self, pool: str, name: str) -> Iterable[int]:
        """The slots of a key; none where the range was configured differently then."""
        match pool:
            case "addresses":
                slot = self._addresses.slot(name)
            case "ports":
                slot = port_slot(int(name))
            case _:
                return self._subnets.slots(name.replace("_", "/"))
        return () if slot < 0 else (slot,)


def _slots(pool: str, numbers: Iterable[int]) -> tuple[Slot, ...]:
    return tuple((pool, number) for number in numbers)


def _changes(commits: Sequence[Commit]) -> Iterator[tuple[Key, bool]]:
    for commit in commits:
        for change in commit.changes:
            yield change.key, change.entry is not None
