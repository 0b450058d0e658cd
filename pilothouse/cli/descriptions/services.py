"""How services and what stands before and behind them are described."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pilothouse.cli.descriptions.lines import Description
from pilothouse.printing.cells import NONE, UNSET, balancer
from pilothouse.printing.networking import parameters
from protos.core_v1_pb2 import Endpoints, Service, ServicePort
from protos.discovery_v1_pb2 import EndpointSlice
from protos.networking_v1_pb2 import Ingress, IngressBackend, IngressClass


def _service(service: Service, out: Description, related: Sequence[Any]) -> None:
    spec = service.spec
    out.mapping("Selector", spec.selector)
    out.line("Type", spec.type)
    out.line("IP", ", ".join(spec.cluster_ips) or spec.cluster_ip or NONE)
    for port in spec.ports:
        out.line("Port", _port(port))
    out.line("Session Affinity", spec.session_affinity)
    endpoints = [
        f"{endpoint.addresses[0]}:{port.port}"
        + ("" if endpoint.conditions.ready else " (not ready)")
        for endpoint_slice in related
        for endpoint in endpoint_slice.endpoints
        for port in endpoint_slice.ports
    ]
    out.line("Endpoints", ", ".join(endpoints) or NONE)


def _port(port: ServicePort) -> str:
    target = port.target_port.str_val or port.target_port.int_val or port.port
    node_port = f", node port {port.node_port}" if port.node_port else ""
    return f"{port.name or UNSET} {port.port}/{port.protocol} → {target}{node_port}"


def _endpoints(endpoints: Endpoints, out: Description, related: Sequence[Any]) -> None:
    rows = [["Addresses", "Not Ready", "Ports"]]
    for subset in endpoints.subsets:
        ports = [f"{p.name or UNSET} {p.port}/{p.protocol or 'TCP'}" for p in subset.ports]
        ready = ",".join(address.ip for address in subset.addresses)
        waiting = ",".join(address.ip for address in subset.not_ready_addresses)
        rows.append([ready or NONE, waiting or NONE, ",".join(ports) or UNSET])
    out.rows("Subsets", rows)


def _slice(endpoint_slice: EndpointSlice, out: Description, related: Sequence[Any]) -> None:
    out.line("Address Type", endpoint_slice.address_type)
    ports = [
        [p.name or UNSET, str(p.port) if p.HasField("port") else UNSET, p.protocol or "TCP"]
        for p in endpoint_slice.ports
    ]
    out.rows("Ports", [["Name", "Port", "Protocol"], *ports])
    rows = [["Addresses", "Ready", "Target", "Node", "Zone"]]
    for each in endpoint_slice.endpoints:
        target = f"{each.target_ref.kind}/{each.target_ref.name}"
        rows.append(
            [
                ",".join(each.addresses),
                str(each.conditions.ready).lower() if each.conditions.HasField("ready") else UNSET,
                target if each.HasField("target_ref") else NONE,
                each.node_name or UNSET,
                each.zone or UNSET,
            ]
        )
    out.rows("Endpoints", rows)


def _ingress(ingress: Ingress, out: Description, related: Sequence[Any]) -> None:
    spec = ingress.spec
    out.line("Ingress Class", spec.ingress_class_name or NONE)
    out.line("Address", balancer(ingress.status.load_balancer) or NONE)
    default = spec.HasField("default_backend")
    out.line("Default Backend", _backend(spec.default_backend) if default else NONE)
    for tls in spec.tls:
        out.line("TLS", f"{tls.secret_name or '<ingress default>'} for {', '.join(tls.hosts)}")
    rows = [["Host", "Path", "Type", "Backend"]]
    for rule in spec.rules:
        for path in rule.ingress_rule_value.http.paths:
            backend = _backend(path.backend)
            rows.append([rule.host or "*", path.path or "/", path.path_type, backend])
    out.rows("Rules", rows)


def _backend(backend: IngressBackend) -> str:
    if backend.HasField("resource"):
        return f"{backend.resource.kind}/{backend.resource.name}"
    port = backend.service.port
    return f"{backend.service.name}:{port.name or port.number}"


def _ingress_class(of: IngressClass, out: Description, related: Sequence[Any]) -> None:
    out.line("Controller", of.spec.controller)
    out.line("Parameters", parameters(of))


DESCRIPTIONS = {
    Service: _service,
    Endpoints: _endpoints,
    EndpointSlice: _slice,
    Ingress: _ingress,
    IngressClass: _ingress_class,
}
