"""Rules of services."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Final

from master.admission.defaults.service import externally_accessible
from master.admission.faults import Path, duplicate, forbidden, invalid, required, unsupported
from master.admission.grammar import (
    address,
    dns_label,
    dns_subdomain,
    network,
    port_number,
    qualified_name,
)
from master.admission.rules.balancers import check_balancers
from master.admission.rules.containers import PROTOCOLS
from master.admission.rules.metadata import IMMUTABLE, NOT_NEGATIVE, check_labels
from master.admission.rules.probes import check_port_reference
from master.admission.rules.service_addresses import (
    check_cluster_ips,
    check_cluster_ips_update,
)
from master.admission.service_patch import HEADLESS, needs_health_check_port
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import Service, ServicePort, ServiceSpec

TYPES: Final = frozenset({"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"})
_AFFINITIES: Final = frozenset({"ClientIP", "None"})
_POLICIES: Final = frozenset({"Cluster", "Local"})
_DISTRIBUTIONS: Final = frozenset({"PreferClose"})
_SPEC: Final[Path] = ("spec",)
_MAX_AFFINITY_SECONDS: Final = 86_400
_LOCAL_MULTICAST: Final = (ip_network("224.0.0.0/24"), ip_network("ff02::/16"))
_ONLY_BALANCED: Final = "may only be used when `type` is 'LoadBalancer'"


def check_service(service: Service, found: list[Cause]) -> None:
    """The spec of a service, allocated or not."""
    spec = service.spec
    if spec.type not in TYPES:
        here = (*_SPEC, "type")
        found.append(unsupported(here, spec.type, TYPES) if spec.type else required(here))
    _check_type(spec, found)
    _check_ports(spec, found)
    if spec.selector:
        check_labels(spec.selector, (*_SPEC, "selector"), found)
    _check_affinity(spec, found)
    for index, external in enumerate(spec.external_ips):
        _check_external_ip(external, (*_SPEC, "externalIPs", index), found)
    check_cluster_ips(spec, found)
    _check_load_balancer(spec, found)
    _check_traffic(spec, found)


def check_service_update(new: Service, old: Service, found: list[Cause]) -> None:
    """What was allocated or chosen stays while the type has a use for it."""
    if new.status != old.status:
        _check_status(new, found)
    if new.spec == old.spec:
        return
    check_service(new, found)
    check_cluster_ips_update(new.spec, old.spec, found)
    both_balanced = new.spec.type == old.spec.type == "LoadBalancer"
    if both_balanced and new.spec.load_balancer_class != old.spec.load_balancer_class:
        here = (*_SPEC, "loadBalancerClass")
        found.append(invalid(here, new.spec.load_balancer_class, "may not change once set"))
    if needs_health_check_port(new.spec) and needs_health_check_port(old.spec):
        port, before = new.spec.health_check_node_port, old.spec.health_check_node_port
        if before and port != before:
            found.append(forbidden((*_SPEC, "healthCheckNodePort"), IMMUTABLE))


def _check_status(service: Service, found: list[Cause]) -> None:
    at = ("status", "loadBalancer", "ingress")
    check_balancers(service.status.load_balancer.ingress, at, found)


def _check_type(spec: ServiceSpec, found: list[Cause]) -> None:
    headless = spec.cluster_ip == HEADLESS
    if not spec.ports and not headless and spec.type != "ExternalName":
        found.append(required((*_SPEC, "ports")))
    if spec.type in ("LoadBalancer", "NodePort") and headless:
        why = f"may not be set to 'None' for {spec.type} services"
        found.append(invalid((*_SPEC, "clusterIPs", 0), HEADLESS, why))
    if spec.type == "ExternalName":
        _check_external_name(spec.external_name, (*_SPEC, "externalName"), found)


def _check_external_name(name: str, at: Path, found: list[Cause]) -> None:
    if not name:
        found.append(required(at))
    elif (why := dns_subdomain(name.removesuffix("."))) is not None:
        found.append(invalid(at, name, why))


def _check_ports(spec: ServiceSpec, found: list[Cause]) -> None:
    names: set[str] = set()
    numbers: set[tuple[str, int]] = set()
    node_ports: set[tuple[str, int]] = set()
    for index, port in enumerate(spec.ports):
        here = (*_SPEC, "ports", index)
        _check_port_name(port.name, len(spec.ports) > 1, names, (*here, "name"), found)
        _check_port(port, here, found)
        number = (port.protocol, port.port)
        if number in numbers:
            found.append(duplicate(here, f"{port.protocol}/{port.port}"))
        numbers.add(number)
        if not port.node_port:
            continue
        node_port = (port.protocol, port.node_port)
        if spec.type == "ClusterIP":
            why = "may not be used when `type` is 'ClusterIP'"
            found.append(forbidden((*here, "nodePort"), why))
        elif node_port in node_ports:
            found.append(duplicate((*here, "nodePort"), port.node_port))
        node_ports.add(node_port)


def _check_port_name(
    name: str, needed: bool, names: set[str], at: Path, found: list[Cause]
) -> None:
    if not name:
        if needed:
            found.append(required(at))
        return
    if (why := dns_label(name)) is not None:
        found.append(invalid(at, name, why))
    elif name in names:
        found.append(duplicate(at, name))
    names.add(name)


def _check_port(port: ServicePort, at: Path, found: list[Cause]) -> None:
    if (why := port_number(port.port)) is not None:
        found.append(invalid((*at, "port"), port.port, why))
    protocol = port.protocol
    if protocol not in PROTOCOLS:
        here = (*at, "protocol")
        found.append(unsupported(here, protocol, PROTOCOLS) if protocol else required(here))
    check_port_reference(port.target_port, (*at, "targetPort"), found)
    if port.app_protocol and (why := qualified_name(port.app_protocol)) is not None:
        found.append(invalid((*at, "appProtocol"), port.app_protocol, why))
    if port.node_port < 0:
        found.append(invalid((*at, "nodePort"), port.node_port, NOT_NEGATIVE))


def _check_affinity(spec: ServiceSpec, found: list[Cause]) -> None:
    affinity = spec.session_affinity
    at, here = (*_SPEC, "sessionAffinity"), (*_SPEC, "sessionAffinityConfig")
    if affinity not in _AFFINITIES:
        found.append(unsupported(at, affinity, _AFFINITIES) if affinity else required(at))
    elif affinity == "None":
        if spec.HasField("session_affinity_config"):
            why = "must not be set when session affinity is None"
            found.append(forbidden(here, why))
    elif not spec.session_affinity_config.client_ip.HasField("timeout_seconds"):
        found.append(required((*here, "clientIP", "timeoutSeconds")))
    else:
        seconds = spec.session_affinity_config.client_ip.timeout_seconds
        if not 0 < seconds <= _MAX_AFFINITY_SECONDS:
            why = f"must be greater than 0 and less than {_MAX_AFFINITY_SECONDS}"
            found.append(invalid((*here, "clientIP", "timeoutSeconds"), seconds, why))


def _check_external_ip(text: str, at: Path, found: list[Cause]) -> None:
    if (why := address(text)) is not None or (why := special_address(text)) is not None:
        found.append(invalid(at, text, why))


def special_address(text: str) -> str | None:
    """Why an address cannot be one that traffic is sent to from elsewhere."""
    parsed = ip_address(text)
    if parsed.is_unspecified:
        return "may not be unspecified (0.0.0.0 or ::)"
    if parsed.is_loopback:
        return "may not be in the loopback range (127.0.0.0/8, ::1/128)"
    if parsed.is_link_local:
        return "may not be in the link-local range (169.254.0.0/16, fe80::/10)"
    if any(parsed in group for group in _LOCAL_MULTICAST):
        return "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"
    return None


def _check_load_balancer(spec: ServiceSpec, found: list[Cause]) -> None:
    balanced = spec.type == "LoadBalancer"
    for index, source in enumerate(spec.load_balancer_source_ranges):
        if (why := network(source.strip())) is not None:
            found.append(invalid((*_SPEC, "loadBalancerSourceRanges", index), source, why))
    if not balanced:
        if spec.load_balancer_source_ranges:
            found.append(forbidden((*_SPEC, "loadBalancerSourceRanges"), _ONLY_BALANCED))
        if spec.HasField("allocate_load_balancer_node_ports"):
            found.append(forbidden((*_SPEC, "allocateLoadBalancerNodePorts"), _ONLY_BALANCED))
        if spec.HasField("load_balancer_class"):
            found.append(forbidden((*_SPEC, "loadBalancerClass"), _ONLY_BALANCED))
    elif not spec.HasField("allocate_load_balancer_node_ports"):
        found.append(required((*_SPEC, "allocateLoadBalancerNodePorts")))
    name = spec.load_balancer_class
    if spec.HasField("load_balancer_class") and (why := qualified_name(name)) is not None:
        found.append(invalid((*_SPEC, "loadBalancerClass"), name, why))


def _check_traffic(spec: ServiceSpec, found: list[Cause]) -> None:
    _check_external_traffic(spec, (*_SPEC, "externalTrafficPolicy"), found)
    at, port = (*_SPEC, "healthCheckNodePort"), spec.health_check_node_port
    if port < 0:
        found.append(invalid(at, port, NOT_NEGATIVE))
    elif port and not needs_health_check_port(spec):
        why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        found.append(invalid(at, port, why))
    at, policy = (*_SPEC, "internalTrafficPolicy"), spec.internal_traffic_policy
    if spec.HasField("internal_traffic_policy"):
        if policy not in _POLICIES:
            found.append(unsupported(at, policy, _POLICIES))
    elif spec.type in TYPES and spec.type != "ExternalName":
        found.append(required(at))
    distribution = spec.traffic_distribution
    if spec.HasField("traffic_distribution") and distribution not in _DISTRIBUTIONS:
        found.append(unsupported((*_SPEC, "trafficDistribution"), distribution, _DISTRIBUTIONS))


def _check_external_traffic(spec: ServiceSpec, at: Path, found: list[Cause]) -> None:
    policy = spec.external_traffic_policy
    if not externally_accessible(spec):
        if policy:
            why = "may only be set for externally-accessible services"
            found.append(invalid(at, policy, why))
    elif not policy:
        found.append(required(at))
    elif policy not in _POLICIES:
        found.append(unsupported(at, policy, _POLICIES))
