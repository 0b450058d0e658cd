"""The variables by which a container finds services: pure, by Kubernetes' and Docker's rules.

A service "web-db" at 10.96.0.7 with the port "sql" 5432 gives WEB_DB_SERVICE_HOST,
WEB_DB_SERVICE_PORT, WEB_DB_SERVICE_PORT_SQL, WEB_DB_PORT=tcp://10.96.0.7:5432 and, for each port,
WEB_DB_PORT_5432_TCP with _PROTO, _PORT and _ADDR. They are those of when the container is created.
"""

from __future__ import annotations

from collections.abc import Iterator

from agent.volumes.contract import Sources
from protos.core_v1_pb2 import Pod, Service

MASTER = ("default", "kubernetes")


def service_variables(pod: Pod, sources: Sources) -> dict[str, str]:
    """Of the pod's namespace, unless enableServiceLinks is false; of the master's in any case."""
    namespace, spec = pod.metadata.namespace, pod.spec
    place, name = MASTER
    shown = {s.metadata.name: s for s in sources.services(place) if s.metadata.name == name}
    if spec.enable_service_links or not spec.HasField("enable_service_links"):
        shown |= {s.metadata.name: s for s in sources.services(namespace)}
    return {key: value for _, service in sorted(shown.items()) for key, value in links(service)}


def links(service: Service) -> Iterator[tuple[str, str]]:
    """The variables of one service."""
    prefix, address = _variable(service.metadata.name), service.spec.cluster_ip
    yield f"{prefix}_SERVICE_HOST", address
    for number, port in enumerate(service.spec.ports):
        protocol = port.protocol or "TCP"
        url = f"{protocol.lower()}://{_host(address)}:{port.port}"
        if number == 0:
            yield f"{prefix}_SERVICE_PORT", str(port.port)
            yield f"{prefix}_PORT", url
        if port.name:
            yield f"{prefix}_SERVICE_PORT_{_variable(port.name)}", str(port.port)
        own = f"{prefix}_PORT_{port.port}_{protocol.upper()}"
        yield own, url
        yield f"{own}_PROTO", protocol.lower()
        yield f"{own}_PORT", str(port.port)
        yield f"{own}_ADDR", address


def _variable(name: str) -> str:
    return name.upper().replace("-", "_")


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
