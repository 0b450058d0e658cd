"""Rules of endpoint slices, and of the endpoints objects that came before them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from master.admission.faults import (
    Path,
    duplicate,
    forbidden,
    invalid,
    required,
    too_many,
    unsupported,
)
from master.admission.grammar import (
    address,
    dns_label,
    dns_subdomain,
    label_value,
    port_number,
    qualified_name,
)
from master.admission.rules.containers import PROTOCOLS
from master.admission.rules.metadata import IMMUTABLE, check_labels
from master.admission.rules.services import special_address
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import EndpointAddress, Endpoints, EndpointSubset
from protos.core_v1_pb2 import EndpointPort as SubsetPort
from protos.discovery_v1_pb2 import Endpoint, EndpointPort, EndpointSlice

ADDRESS_TYPES: Final = frozenset({"FQDN", "IPv4", "IPv6"})
MAX_ENDPOINTS: Final = 1000
MAX_ADDRESSES: Final = 100
MAX_PORTS: Final = 20_000
_MAX_TOPOLOGY: Final = 16
_MAX_ZONES: Final = 8


def check_endpoint_slice(endpoints: EndpointSlice, found: list[Cause]) -> None:
    """Endpoints of one address type, and ports that they all have."""
    kind = endpoints.address_type
    if not kind:
        found.append(required(("addressType",)))
    elif kind not in ADDRESS_TYPES:
        found.append(unsupported(("addressType",), kind, ADDRESS_TYPES))
    count = len(endpoints.endpoints)
    if count > MAX_ENDPOINTS:
        found.append(too_many(("endpoints",), count, MAX_ENDPOINTS))
    else:
        for index, endpoint in enumerate(endpoints.endpoints):
            _check_endpoint(endpoint, kind, ("endpoints", index), found)
    _check_ports(endpoints.ports, found)


def check_endpoint_slice_update(new: EndpointSlice, old: EndpointSlice, found: list[Cause]) -> None:
    """The address type stays for good."""
    check_endpoint_slice(new, found)
    if new.address_type != old.address_type:
        found.append(invalid(("addressType",), new.address_type, IMMUTABLE))


def _check_endpoint(endpoint: Endpoint, kind: str, at: Path, found: list[Cause]) -> None:
    count = len(endpoint.addresses)
    here = (*at, "addresses")
    if not count:
        found.append(required(here, "must contain at least 1 address"))
    elif count > MAX_ADDRESSES:
        found.append(too_many(here, count, MAX_ADDRESSES))
    for index, text in enumerate(endpoint.addresses):
        _check_address(text, kind, (*here, index), found)
    node = endpoint.node_name
    if endpoint.HasField("node_name") and (why := dns_subdomain(node)) is not None:
        found.append(invalid((*at, "nodeName"), node, why))
    if endpoint.HasField("hostname") and (why := dns_label(endpoint.hostname)) is not None:
        found.append(invalid((*at, "hostname"), endpoint.hostname, why))
    if endpoint.deprecated_topology:
        topology = (*at, "deprecatedTopology")
        if len(endpoint.deprecated_topology) > _MAX_TOPOLOGY:
            found.append(too_many(topology, len(endpoint.deprecated_topology), _MAX_TOPOLOGY))
        check_labels(endpoint.deprecated_topology, topology, found)
    if endpoint.HasField("hints"):
        _check_zones([zone.name for zone in endpoint.hints.for_zones], at, found)


def _check_address(text: str, kind: str, at: Path, found: list[Cause]) -> None:
    if kind == "FQDN":
        if (why := dns_subdomain(text.removesuffix("."))) is not None:
            found.append(invalid(at, text, why))
        return
    if (why := address(text)) is not None:
        found.append(invalid(at, text, why))
        return
    if kind in ADDRESS_TYPES and (":" in text) != (kind == "IPv6"):
        found.append(invalid(at, text, f"must be an {kind} address"))
    if (why := special_address(text)) is not None:
        found.append(invalid(at, text, why))


def _check_zones(zones: list[str], at: Path, found: list[Cause]) -> None:
    here = (*at, "hints", "forZones")
    if len(zones) > _MAX_ZONES:
        found.append(too_many(here, len(zones), _MAX_ZONES))
        return
    seen: set[str] = set()
    for index, zone in enumerate(zones):
        if not zone:
            found.append(required((*here, index, "name")))
        elif zone in seen:
            found.append(duplicate((*here, index), zone))
        elif (why := label_value(zone)) is not None:
            found.append(invalid((*here, index, "name"), zone, why))
        seen.add(zone)


def _check_ports(ports: Iterable[EndpointPort], found: list[Cause]) -> None:
    listed = list(ports)
    if len(listed) > MAX_PORTS:
        found.append(too_many(("ports",), len(listed), MAX_PORTS))
        return
    names: set[str] = set()
    for index, port in enumerate(listed):
        here = ("ports", index)
        if port.name and (why := dns_label(port.name)) is not None:
            found.append(invalid((*here, "name"), port.name, why))
        if port.name in names:
            found.append(duplicate((*here, "name"), port.name))
        names.add(port.name)
        if port.HasField("port") and (why := port_number(port.port)) is not None:
            found.append(invalid((*here, "port"), port.port, why))
        _check_protocol(port, here, found)


def check_endpoints(endpoints: Endpoints, found: list[Cause]) -> None:
    """Addresses by what is open on them."""
    _check_subsets(endpoints, {}, found)


def check_endpoints_update(new: Endpoints, old: Endpoints, found: list[Cause]) -> None:
    """An address stays on its node."""
    if new.subsets == old.subsets:
        return
    nodes = {
        it.ip: it.node_name
        for subset in old.subsets
        for it in (*subset.addresses, *subset.not_ready_addresses)
        if it.HasField("node_name")
    }
    _check_subsets(new, nodes, found)


def _check_subsets(endpoints: Endpoints, nodes: Mapping[str, str], found: list[Cause]) -> None:
    for index, subset in enumerate(endpoints.subsets):
        at = ("subsets", index)
        if not subset.addresses and not subset.not_ready_addresses:
            found.append(required(at, "must specify `addresses` or `notReadyAddresses`"))
        for place, it in enumerate(subset.addresses):
            _check_subset_address(it, nodes, (*at, "addresses", place), found)
        for place, it in enumerate(subset.not_ready_addresses):
            _check_subset_address(it, nodes, (*at, "notReadyAddresses", place), found)
        _check_subset_ports(subset, (*at, "ports"), found)


def _check_subset_address(
    it: EndpointAddress, nodes: Mapping[str, str], at: Path, found: list[Cause]
) -> None:
    faults = len(found)
    if (why := address(it.ip)) is not None:
        found.append(invalid((*at, "ip"), it.ip, why))
    if it.hostname and (why := dns_label(it.hostname)) is not None:
        found.append(invalid((*at, "hostname"), it.hostname, why))
    if it.HasField("node_name"):
        here = (*at, "nodeName")
        if (why := dns_subdomain(it.node_name)) is not None:
            found.append(invalid(here, it.node_name, why))
        if nodes.get(it.ip, it.node_name) != it.node_name:
            found.append(forbidden(here, f"Cannot change NodeName for {it.ip} to {it.node_name}"))
    if len(found) == faults and (why := special_address(it.ip)) is not None:
        found.append(invalid((*at, "ip"), it.ip, why))


def _check_subset_ports(subset: EndpointSubset, at: Path, found: list[Cause]) -> None:
    for index, port in enumerate(subset.ports):
        if port.name:
            if (why := dns_label(port.name)) is not None:
                found.append(invalid((*at, index, "name"), port.name, why))
        elif len(subset.ports) > 1:
            found.append(required((*at, index, "name")))
        if (why := port_number(port.port)) is not None:
            found.append(invalid((*at, index, "port"), port.port, why))
        _check_protocol(port, (*at, index), found)


def _check_protocol(port: EndpointPort | SubsetPort, at: Path, found: list[Cause]) -> None:
    protocol, here = port.protocol, (*at, "protocol")
    if protocol not in PROTOCOLS:
        found.append(unsupported(here, protocol, PROTOCOLS) if protocol else required(here))
    if port.HasField("app_protocol") and (why := qualified_name(port.app_protocol)) is not None:
        found.append(invalid((*at, "appProtocol"), port.app_protocol, why))
