"""Carries allocated values of a service through updates that leave them out.

A writer need not read before it writes: a manifest without cluster IP and node ports, applied
again, keeps those that were allocated. A change of type drops what the new type has no use for,
unless the writer changed that very value (then validation refuses it).
"""

from __future__ import annotations

from typing import Final

from master.admission.defaults.service import externally_accessible
from protos.core_v1_pb2 import ServiceSpec

HEADLESS: Final = "None"
_ADDRESSED_TYPES: Final = frozenset({"ClusterIP", "NodePort", "LoadBalancer"})


def needs_cluster_ip(spec: ServiceSpec) -> bool:
    """Whether the type has an address; "None" counts as one."""
    return spec.type in _ADDRESSED_TYPES


def needs_node_port(spec: ServiceSpec) -> bool:
    """Whether the ports are reachable on every node."""
    if spec.type == "NodePort":
        return True
    return spec.type == "LoadBalancer" and (
        not spec.HasField("allocate_load_balancer_node_ports")
        or spec.allocate_load_balancer_node_ports
    )


def needs_health_check_port(spec: ServiceSpec) -> bool:
    """Whether a load balancer must ask each node for local endpoints."""
    return spec.type == "LoadBalancer" and spec.external_traffic_policy == "Local"


def carry_allocations(new: ServiceSpec, old: ServiceSpec) -> None:
    """Completes and tidies `new` from `old`."""
    _carry_cluster_ip(new, old)
    _carry_node_ports(new, old)
    if needs_health_check_port(old) and needs_health_check_port(new):
        new.health_check_node_port = new.health_check_node_port or old.health_check_node_port
    _drop_unused(new, old)


def _carry_cluster_ip(new: ServiceSpec, old: ServiceSpec) -> None:
    if not (needs_cluster_ip(old) and needs_cluster_ip(new)):
        return
    if not new.cluster_ip:
        new.cluster_ip = new.cluster_ips[0] if new.cluster_ips else old.cluster_ip
    if not new.cluster_ips and new.cluster_ip == old.cluster_ip:
        new.cluster_ips.extend(old.cluster_ips)
    if not new.ip_families:
        new.ip_families.extend(old.ip_families)
    if not new.HasField("ip_family_policy") and old.HasField("ip_family_policy"):
        new.ip_family_policy = old.ip_family_policy


def _carry_node_ports(new: ServiceSpec, old: ServiceSpec) -> None:
    if not (needs_node_port(old) and needs_node_port(new)):
        return
    used = {port.node_port for port in old.ports} & {port.node_port for port in new.ports}
    known = {port.name: port.node_port for port in old.ports}
    for port in new.ports:
        earlier = known.get(port.name, 0)
        if not port.node_port and earlier not in used:
            port.node_port = earlier
            used.add(earlier)


def _drop_unused(new: ServiceSpec, old: ServiceSpec) -> None:
    if needs_cluster_ip(old) and not needs_cluster_ip(new):
        _drop_addresses(new, old)
    if old.type == "ExternalName" and new.type != "ExternalName":
        _drop_same(new, old, "external_name")
    if _may_have_node_ports(old) and not _may_have_node_ports(new):
        _drop_node_ports(new, old)
    if needs_health_check_port(old) and not needs_health_check_port(new):
        _drop_same(new, old, "health_check_node_port")
    if old.type == "LoadBalancer" and new.type != "LoadBalancer":
        for field in ("allocate_load_balancer_node_ports", "load_balancer_class"):
            _drop_same(new, old, field)
    if externally_accessible(old) and not externally_accessible(new):
        _drop_same(new, old, "external_traffic_policy")


def _may_have_node_ports(spec: ServiceSpec) -> bool:
    return spec.type in ("NodePort", "LoadBalancer")


def _drop_node_ports(new: ServiceSpec, old: ServiceSpec) -> None:
    if [port.node_port for port in new.ports] == [port.node_port for port in old.ports]:
        for port in new.ports:
            port.node_port = 0


def _drop_addresses(new: ServiceSpec, old: ServiceSpec) -> None:
    if new.cluster_ip in ("", old.cluster_ip) and list(new.cluster_ips) in (
        [],
        list(old.cluster_ips),
    ):
        new.cluster_ip = ""
        del new.cluster_ips[:]
    if list(new.ip_families) == list(old.ip_families):
        del new.ip_families[:]
    _drop_same(new, old, "ip_family_policy")
    _drop_same(new, old, "internal_traffic_policy")


def _drop_same(new: ServiceSpec, old: ServiceSpec, field: str) -> None:
    if getattr(new, field) == getattr(old, field):
        new.ClearField(field)
