"""Services and endpoint slices as the API would give them."""

from __future__ import annotations

from typing import Any

from protos.core_v1_pb2 import Service
from protos.discovery_v1_pb2 import EndpointSlice

Endpoint = dict[str, Any]


def service(
    name: str = "web",
    address: str = "10.96.0.7",
    ports: tuple[tuple[str, str, int], ...] = (("http", "TCP", 80),),
    node_port: int = 0,
    **spec: Any,
) -> Service:
    """ports: name, protocol, number."""
    made = Service()
    made.metadata.name, made.metadata.namespace = name, "default"
    made.spec.type = spec.pop("type", "ClusterIP")
    made.spec.cluster_ip = address
    if address and address != "None":
        made.spec.cluster_ips.append(address)
    for external in spec.pop("external_ips", ()):
        made.spec.external_ips.append(external)
    for port_name, protocol, number in ports:
        made.spec.ports.add(name=port_name, protocol=protocol, port=number, node_port=node_port)
    for field, value in spec.items():
        setattr(made.spec, field, value)
    return made


def endpoint(address: str, **facts: Any) -> Endpoint:
    """facts: ready, serving, terminating (unset if not given), node, hostname."""
    return {"address": address, **facts}


def endpoint_slice(
    of: str,
    *endpoints: Endpoint,
    name: str = "",
    ports: tuple[tuple[str, str, int], ...] = (("http", "TCP", 8080),),
    headless: bool = False,
) -> EndpointSlice:
    made = EndpointSlice(address_type="IPv4")
    made.metadata.name, made.metadata.namespace = name or f"{of}-1", "default"
    made.metadata.labels["kubernetes.io/service-name"] = of
    if headless:
        made.metadata.labels["service.kubernetes.io/headless"] = ""
    for port_name, protocol, number in ports:
        made.ports.add(name=port_name, protocol=protocol, port=number)
    for facts in endpoints:
        added = made.endpoints.add(addresses=[facts["address"]])
        for condition in ("ready", "serving", "terminating"):
            if condition in facts:
                setattr(added.conditions, condition, facts[condition])
        if "node" in facts:
            added.node_name = facts["node"]
        if "hostname" in facts:
            added.hostname = facts["hostname"]
    return made
