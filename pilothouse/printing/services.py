"""Services and what stands behind them, as tables."""

from __future__ import annotations

from collections.abc import Iterator

from pilothouse.printing.ages import UNKNOWN, created
from pilothouse.printing.cells import NONE, UNSET, balancer, first_few, pairs
from pilothouse.printing.table import AGE, NAME, WIDE, Cell, Column, Printer
from protos.core_v1_pb2 import Endpoints, Service, ServicePort
from protos.discovery_v1_pb2 import EndpointPort, EndpointSlice


def _external(service: Service) -> str:
    spec = service.spec
    match spec.type:
        case "ClusterIP" | "NodePort":
            return ",".join(spec.external_ips) or NONE
        case "LoadBalancer":
            given = balancer(service.status.load_balancer)
            return ",".join([*([given] if given else []), *spec.external_ips]) or "<pending>"
        case "ExternalName":
            return spec.external_name
    return UNKNOWN


def _port(port: ServicePort) -> str:
    number = f"{port.port}:{port.node_port}" if port.node_port else str(port.port)
    return f"{number}/{port.protocol or 'TCP'}"


def _service(service: Service, now: float) -> tuple[Cell, ...]:
    spec = service.spec
    return (
        service.metadata.name,
        spec.type,
        (spec.cluster_ips[0] if spec.cluster_ips else spec.cluster_ip) or NONE,
        _external(service),
        ",".join(map(_port, spec.ports)) or NONE,
        created(service, now),
        pairs(spec.selector),
    )


def _endpoints(endpoints: Endpoints, now: float) -> tuple[Cell, ...]:
    shown = NONE
    if endpoints.subsets:
        shown = first_few(list(_addresses(endpoints)))
    return endpoints.metadata.name, shown, created(endpoints, now)


def _addresses(endpoints: Endpoints) -> Iterator[str]:
    for subset in endpoints.subsets:
        if not subset.ports:
            yield from (address.ip for address in subset.addresses)
        for port in subset.ports:
            for address in subset.addresses:
                host = f"[{address.ip}]" if ":" in address.ip else address.ip
                yield f"{host}:{port.port}"


def _slice_port(port: EndpointPort) -> str:
    if port.HasField("port"):
        return str(port.port)
    return port.name if port.HasField("name") else "*"


def _slice(endpoint_slice: EndpointSlice, now: float) -> tuple[Cell, ...]:
    addresses = [a for endpoint in endpoint_slice.endpoints for a in endpoint.addresses]
    return (
        endpoint_slice.metadata.name,
        endpoint_slice.address_type,
        first_few([_slice_port(port) for port in endpoint_slice.ports]) or UNSET,
        first_few(addresses) or UNSET,
        created(endpoint_slice, now),
    )


PRINTERS = {
    Service: Printer(
        (
            NAME,
            Column("Type", "From where it can be reached."),
            Column("Cluster-IP", "Its address in the cluster."),
            Column("External-IP", "Its addresses outside of the cluster."),
            Column("Port(s)", "Its ports, with the node port where it has one."),
            AGE,
            Column("Selector", "The labels of the pods it leads to.", priority=WIDE),
        ),
        _service,
    ),
    Endpoints: Printer(
        (NAME, Column("Endpoints", "Addresses and ports that are ready."), AGE),
        _endpoints,
    ),
    EndpointSlice: Printer(
        (
            NAME,
            Column("AddressType", "IPv4, IPv6 or FQDN."),
            Column("Ports", "The ports of every endpoint."),
            Column("Endpoints", "The addresses of the endpoints."),
            AGE,
        ),
        _slice,
    ),
}
