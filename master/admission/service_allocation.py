"""What a service needs of the address and port pools, and what it gives back.

plan_service completes the service (families, cluster IPs, node ports) and names the slots that
the caller has to commit together with it. A plan with causes claims nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from master.admission.allocation import (
    AddressPool,
    Taken,
    address_at,
    port_at,
    port_slot,
)
from master.admission.faults import invalid
from master.admission.service_patch import (
    HEADLESS,
    needs_cluster_ip,
    needs_health_check_port,
    needs_node_port,
)
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import Service, ServiceSpec

_NO_PORTS: Final[frozenset[int]] = frozenset()


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """Slots to take and slots to free in the same commit that writes the service."""

    claimed_addresses: tuple[int, ...] = ()
    released_addresses: tuple[int, ...] = ()
    claimed_ports: tuple[int, ...] = ()
    released_ports: tuple[int, ...] = ()
    causes: tuple[Cause, ...] = ()


@dataclass(slots=True)
class _Claims:
    """Slots claimed so far, with what was taken before."""

    taken: Taken
    slots: list[int] = field(default_factory=list)

    def claim(self, slot: int) -> None:
        self.slots.append(slot)
        self.taken.add(slot)

    def undo(self) -> None:
        for slot in self.slots:
            self.taken.discard(slot)


def plan_service(
    new: Service, old: Service | None, pool: AddressPool, addresses: Taken, ports: Taken, draw: int
) -> ServicePlan:
    """Completes `new`, which replaces `old` (None: it is created), from the pools.

    addresses and ports are as the store has them and are left so. The draw spreads the
    choices; with another draw another choice is made.
    """
    before = old.spec if old is not None else ServiceSpec()
    causes: list[Cause] = []
    _set_families(new.spec, pool, causes)
    new_addresses = _Claims(addresses)
    _claim_address(new.spec, before, pool, new_addresses, draw, causes)
    new_ports = _Claims(ports)
    _claim_ports(new.spec, node_ports(before), new_ports, draw, causes)
    new_addresses.undo()
    new_ports.undo()
    if causes:
        return ServicePlan(causes=tuple(causes))
    gone_ports = node_ports(before) - node_ports(new.spec)
    return ServicePlan(
        claimed_addresses=tuple(new_addresses.slots),
        released_addresses=tuple(_slots_of(before, pool) - _slots_of(new.spec, pool)),
        claimed_ports=tuple(new_ports.slots),
        released_ports=tuple(port_slot(port) for port in sorted(gone_ports)),
    )


def release_service(old: Service, pool: AddressPool) -> ServicePlan:
    """What the deletion of a service frees."""
    return ServicePlan(
        released_addresses=tuple(_slots_of(old.spec, pool)),
        released_ports=tuple(port_slot(port) for port in sorted(node_ports(old.spec))),
    )


def node_ports(spec: ServiceSpec) -> frozenset[int]:
    """Every port of the node port range that the service holds."""
    if spec.type not in ("NodePort", "LoadBalancer"):
        return _NO_PORTS
    held = {port.node_port for port in spec.ports} | {spec.health_check_node_port}
    return frozenset(port for port in held if port_slot(port) >= 0)


def _slots_of(spec: ServiceSpec, pool: AddressPool) -> set[int]:
    if not needs_cluster_ip(spec):
        return set()
    addresses = {spec.cluster_ip, *spec.cluster_ips} - {"", HEADLESS}
    return {slot for slot in map(pool.slot, addresses) if slot >= 0}


def _set_families(spec: ServiceSpec, pool: AddressPool, causes: list[Cause]) -> None:
    """One family, that of the pool. A headless service without selector names whatever
    endpoints its author gives it, hence both families (Kubernetes' rule)."""
    if not needs_cluster_ip(spec):
        return
    anything = spec.cluster_ip == HEADLESS and not spec.selector
    if not spec.HasField("ip_family_policy"):
        spec.ip_family_policy = "RequireDualStack" if anything else "SingleStack"
    elif spec.ip_family_policy == "RequireDualStack" and not anything:
        why = "this cluster is not configured for dual-stack services"
        causes.append(invalid(("spec", "ipFamilyPolicy"), spec.ip_family_policy, why))
    if not spec.ip_families:
        spec.ip_families.append(pool.family)
        if anything and spec.ip_family_policy != "SingleStack":
            spec.ip_families.append("IPv6" if pool.family == "IPv4" else "IPv4")
    elif not anything:
        _check_families(spec, pool, causes)


def _check_families(spec: ServiceSpec, pool: AddressPool, causes: list[Cause]) -> None:
    for index, family in enumerate(spec.ip_families):
        if family in ("IPv4", "IPv6") and family != pool.family:
            at = ("spec", "ipFamilies", index)
            causes.append(invalid(at, family, "not configured on this cluster"))


def _claim_address(
    spec: ServiceSpec,
    before: ServiceSpec,
    pool: AddressPool,
    claims: _Claims,
    draw: int,
    causes: list[Cause],
) -> None:
    if not needs_cluster_ip(spec):
        return
    for index, address in enumerate(spec.cluster_ips[1:], start=1):
        family = "IPv6" if ":" in address else "IPv4"
        if family != pool.family:
            at = ("spec", "clusterIPs", index)
            causes.append(invalid(at, address, f"{family} is not configured on this cluster"))
    if spec.cluster_ip != HEADLESS and not (
        spec.cluster_ip and needs_cluster_ip(before) and spec.cluster_ip == before.cluster_ip
    ):
        slot = address_at(pool, claims.taken, spec.cluster_ip, draw, ("spec", "clusterIPs"))
        if isinstance(slot, Cause):
            causes.append(slot)
            return
        claims.claim(slot)
        spec.cluster_ip = pool.address(slot)
    if not spec.cluster_ips:
        spec.cluster_ips.append(spec.cluster_ip)


def _claim_ports(
    spec: ServiceSpec, held: frozenset[int], claims: _Claims, draw: int, causes: list[Cause]
) -> None:
    if spec.type in ("NodePort", "LoadBalancer"):
        _claim_node_ports(spec, held, claims, draw, causes)
    if needs_health_check_port(spec) and spec.health_check_node_port not in held:
        at = ("spec", "healthCheckNodePort")
        slot = port_at(claims.taken, spec.health_check_node_port, draw, at)
        if isinstance(slot, Cause):
            causes.append(slot)
            return
        claims.claim(slot)
        spec.health_check_node_port = _port(slot)


def _claim_node_ports(
    spec: ServiceSpec, held: frozenset[int], claims: _Claims, draw: int, causes: list[Cause]
) -> None:
    """One node port for each port. Ports with one number and different protocols share it."""
    mine = set(held)
    by_port = {port.port: port.node_port for port in spec.ports if port.node_port}
    # Those that the author chose come first, or a drawn one could be in their way.
    chosen_first = sorted(enumerate(spec.ports), key=lambda item: not item[1].node_port)
    for index, port in chosen_first:
        if not port.node_port:
            if not needs_node_port(spec):
                continue
            port.node_port = by_port.get(port.port, 0)
        if port.node_port in mine:
            continue
        at = ("spec", "ports", index, "nodePort")
        slot = port_at(claims.taken, port.node_port, draw + index, at)
        if isinstance(slot, Cause):
            causes.append(slot)
            continue
        claims.claim(slot)
        port.node_port = by_port[port.port] = _port(slot)
        mine.add(port.node_port)


def _port(slot: int) -> int:
    return slot + 30_000
