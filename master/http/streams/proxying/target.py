"""What a proxied path names: a scheme, a pod or service, a port of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pilothouse.objects.errors import BadRequest, ServiceUnavailable
from protos.core_v1_pb2 import Pod, Service
from protos.discovery_v1_pb2 import EndpointSlice

DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """`https:web:443`; an empty port is the object's own."""

    scheme: str
    name: str
    port: str


@dataclass(frozen=True, slots=True)
class Backend:
    """A pod behind a service, and its port."""

    pod: str
    port: int


def address_of(text: str) -> Address:
    """The parts of [scheme:]name[:port]. BadRequest."""
    parts = text.split(":")
    if len(parts) == 3:
        scheme, name, port = parts
    elif len(parts) == 2 and parts[0] in DEFAULT_PORTS:
        # A name alone may not be "http" and have a port: as in Kubernetes, the port wins.
        scheme, name, port = "", *parts
    else:
        scheme, name, port = "", parts[0], parts[1] if len(parts) == 2 else ""
    if len(parts) > 3 or not name or scheme not in ("", *DEFAULT_PORTS):
        raise BadRequest(f'invalid request "{text[:256]}": must be [http:|https:]name[:port]')
    return Address(scheme or "http", name, port)


def port_of_pod(pod: Pod, address: Address) -> int:
    """The number of the port that is meant: a number, a name, or the first there is."""
    ports = [port for container in pod.spec.containers for port in container.ports]
    if not address.port:
        return ports[0].container_port if ports else DEFAULT_PORTS[address.scheme]
    number = _number(address.port)
    if number is not None:
        return number
    for port in ports:
        if port.name == address.port:
            return port.container_port
    raise BadRequest(f'pod "{address.name}" has no port named "{address.port[:64]}"')


def port_name_of(service: Service, address: Address) -> str:
    """The name of the service's port that is meant. ServiceUnavailable."""
    number = _number(address.port)
    ports = service.spec.ports
    if number is not None:
        for port in ports:
            if port.port == number:
                return port.name
        raise ServiceUnavailable(f'no service port {number} found for service "{address.name}"')
    if not address.port and len(ports) == 1:
        return ports[0].name
    return address.port


def backends_of(slices: Iterable[EndpointSlice], port_name: str) -> Sequence[Backend]:
    """The pods that are ready behind a port, each once, in order."""
    found = [
        Backend(endpoint.target_ref.name, port.port)
        for each in slices
        for port in each.ports
        if port.name == port_name and port.protocol in ("", "TCP")
        for endpoint in each.endpoints
        if endpoint.target_ref.kind == "Pod"
        and (endpoint.conditions.ready or not endpoint.conditions.HasField("ready"))
    ]
    return sorted(set(found), key=lambda backend: (backend.pod, backend.port))


def _number(text: str) -> int | None:
    if text.isascii() and text.isdigit() and 1 <= len(text) <= 5 and 1 <= int(text) <= 65_535:
        return int(text)
    return None
