"""Defaults of services, endpoint slices and endpoints.

What depends on the cluster's address ranges (IP families, cluster IPs, node ports) is filled
in by allocation, not here.
"""

from __future__ import annotations

from typing import Final

from protos.core_v1_pb2 import Endpoints, Service, ServiceSpec
from protos.discovery_v1_pb2 import EndpointSlice

AFFINITY_SECONDS: Final = 10_800
_ROUTED_TYPES: Final = frozenset({"ClusterIP", "NodePort", "LoadBalancer"})


def default_service(service: Service) -> None:
    """Type, affinity, ports and traffic policies."""
    spec = service.spec
    if not spec.type:
        spec.type = "ClusterIP"
    _default_affinity(spec)
    _default_ports(spec)
    if externally_accessible(spec) and not spec.external_traffic_policy:
        spec.external_traffic_policy = "Cluster"
    if spec.type in _ROUTED_TYPES and not spec.HasField("internal_traffic_policy"):
        spec.internal_traffic_policy = "Cluster"
    if spec.type == "LoadBalancer" and not spec.HasField("allocate_load_balancer_node_ports"):
        spec.allocate_load_balancer_node_ports = True
    for ingress in service.status.load_balancer.ingress:
        if ingress.ip and not ingress.HasField("ip_mode"):
            ingress.ip_mode = "VIP"


def externally_accessible(spec: ServiceSpec) -> bool:
    """Whether traffic from outside the cluster has a way in."""
    return spec.type in ("NodePort", "LoadBalancer") or (
        spec.type == "ClusterIP" and len(spec.external_ips) > 0
    )


def _default_affinity(spec: ServiceSpec) -> None:
    if not spec.session_affinity:
        spec.session_affinity = "None"
    if spec.session_affinity == "None":
        spec.ClearField("session_affinity_config")
    elif spec.session_affinity == "ClientIP":
        client_ip = spec.session_affinity_config.client_ip
        if not client_ip.HasField("timeout_seconds"):
            client_ip.timeout_seconds = AFFINITY_SECONDS


def _default_ports(spec: ServiceSpec) -> None:
    for port in spec.ports:
        if not port.protocol:
            port.protocol = "TCP"
        target = port.target_port
        if not target.int_val and not target.str_val:
            target.type = 0
            target.int_val = port.port


def default_endpoint_slice(endpoints: EndpointSlice) -> None:
    """Ports have a name, empty when unnamed, and a protocol."""
    for port in endpoints.ports:
        if not port.HasField("name"):
            port.name = ""
        if not port.HasField("protocol"):
            port.protocol = "TCP"


def default_endpoints(endpoints: Endpoints) -> None:
    """Ports have a protocol."""
    for subset in endpoints.subsets:
        for port in subset.ports:
            port.protocol = port.protocol or "TCP"
