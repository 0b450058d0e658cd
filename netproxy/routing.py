"""From a service and its endpoint slices to frontends: pure.

Ready endpoints serve. Where there is none, those that are ending but still answer do, so that a
rollout of a single pod loses no connection. internalTrafficPolicy and externalTrafficPolicy
Local keep to the endpoints of this node, by the same rule; without one, connections are dropped,
for another node may have some. externalTrafficPolicy binds clients outside the cluster alone:
the cluster's own pods and nodes may use every endpoint at an external address too.

The rules are those of Kubernetes' kube-proxy.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from netproxy.table import Backends, Empty, Frontend, Target
from protos.core_v1_pb2 import Service, ServicePort
from protos.discovery_v1_pb2 import Endpoint, EndpointSlice

HEADLESS = "None"
OTHER_PROXY_LABEL = "service.kubernetes.io/service-proxy-name"


def frontends_of(
    service: Service, slices: Sequence[EndpointSlice], node: str
) -> dict[Frontend, Backends]:
    """What this node does for the service; empty for headless and external-name services, and
    for those that another proxy is to serve."""
    spec = service.spec
    if spec.cluster_ip in ("", HEADLESS) or spec.type == "ExternalName":
        return {}
    if OTHER_PROXY_LABEL in service.metadata.labels:
        return {}
    affinity = spec.session_affinity == "ClientIP"
    found: dict[Frontend, Backends] = {}
    for port in spec.ports:
        protocol = (port.protocol or "TCP").lower()
        endpoints = endpoints_of(port, slices, node)
        anywhere = Backends(endpoints.serving, affinity)
        here = _local_backends(endpoints, affinity)
        inside = here if spec.internal_traffic_policy == "Local" else anywhere
        for address in cluster_addresses(service):
            found[Frontend(address, protocol, port.port)] = inside
        places = [(address, port.port) for address in _external_addresses(service)]
        if port.node_port:
            places.append(("", port.node_port))
        for address, number in places:
            found[Frontend(address, protocol, number)] = anywhere
            if spec.external_traffic_policy == "Local":
                found[Frontend(address, protocol, number, outside=True)] = here
    return found


def is_ipv4(text: str) -> bool:
    """Four numbers with dots, and nothing else."""
    try:
        socket.inet_pton(socket.AF_INET, text)
    except (OSError, ValueError):
        return False
    return True


def cluster_addresses(service: Service) -> tuple[str, ...]:
    """The service's own IPv4 addresses."""
    return tuple(filter(is_ipv4, service.spec.cluster_ips or [service.spec.cluster_ip]))


def _external_addresses(service: Service) -> Iterable[str]:
    yield from filter(is_ipv4, service.spec.external_ips)
    for ingress in service.status.load_balancer.ingress:
        if is_ipv4(ingress.ip) and ingress.ip_mode != "Proxy":
            yield ingress.ip


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The endpoints behind one port, in a fixed order. ending: not ready, but still serving."""

    ready: tuple[Target, ...]
    ending: tuple[Target, ...]

    @property
    def serving(self) -> tuple[Target, ...]:
        """Where connections may go, on whatever node."""
        return self.ready or self.ending


def endpoints_of(port: ServicePort, slices: Sequence[EndpointSlice], node: str) -> Endpoints:
    """What the slices say of one port of the service."""
    ready: dict[tuple[str, int], bool] = {}
    ending: dict[tuple[str, int], bool] = {}
    for endpoint_slice in slices:
        if endpoint_slice.address_type != "IPv4":
            continue
        number = _port_number(port, endpoint_slice)
        if not number:
            continue
        for endpoint in endpoint_slice.endpoints:
            group = _group(endpoint, ready, ending)
            # All addresses of an endpoint lead to the same pod; discovery.k8s.io/v1.
            for address in filter(is_ipv4, endpoint.addresses[:1]):
                if group is not None:
                    local = endpoint.node_name == node
                    group[address, number] = local or group.get((address, number), False)
    return Endpoints(_targets(ready), _targets(ending))


def _targets(found: dict[tuple[str, int], bool]) -> tuple[Target, ...]:
    return tuple(sorted(Target(*place, local) for place, local in found.items()))


def _group(
    endpoint: Endpoint, ready: dict[tuple[str, int], bool], ending: dict[tuple[str, int], bool]
) -> dict[tuple[str, int], bool] | None:
    conditions = endpoint.conditions
    # Unset means unknown, which counts as ready and serving; discovery.k8s.io/v1.
    if not conditions.HasField("ready") or conditions.ready:
        return ready
    serving = not conditions.HasField("serving") or conditions.serving
    return ending if serving and conditions.terminating else None


def _port_number(port: ServicePort, endpoint_slice: EndpointSlice) -> int:
    for candidate in endpoint_slice.ports:
        same_protocol = (candidate.protocol or "TCP") == (port.protocol or "TCP")
        if candidate.name == port.name and same_protocol:
            number: int = candidate.port
            return number
    return 0


def _local_backends(endpoints: Endpoints, affinity: bool) -> Backends:
    ready = tuple(target for target in endpoints.ready if target.local)
    ending = tuple(target for target in endpoints.ending if target.local)
    return Backends(ready or ending, affinity, Empty.DROP if endpoints.serving else Empty.REJECT)
