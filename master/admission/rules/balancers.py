"""Rules of where a load balancer says that it can be reached."""

from __future__ import annotations

from collections.abc import Iterable

from master.admission.faults import Path, invalid
from master.admission.grammar import address, dns_subdomain
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import LoadBalancerIngress
from protos.networking_v1_pb2 import IngressLoadBalancerIngress


def check_balancers(
    points: Iterable[LoadBalancerIngress | IngressLoadBalancerIngress],
    at: Path,
    found: list[Cause],
) -> None:
    """Each by an address or a name."""
    for index, point in enumerate(points):
        here = (*at, index)
        if point.ip and (why := address(point.ip)) is not None:
            found.append(invalid((*here, "ip"), point.ip, why))
        if point.hostname:
            check_host(point.hostname, (*here, "hostname"), found)


def check_host(name: str, at: Path, found: list[Cause]) -> None:
    """A host by its name, which no address is."""
    if (why := dns_subdomain(name)) is not None:
        found.append(invalid(at, name, why))
    elif address(name) is None:
        found.append(invalid(at, name, "must be a DNS name, not an IP address"))
