"""A directory of a few services, and the zone that reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from netproxy.dns.zone import Zone
from protos.core_v1_pb2 import Service
from protos.discovery_v1_pb2 import EndpointSlice
from tests.netproxy.objects import endpoint, endpoint_slice, service

SERVER = "10.96.0.10"
RANGES = ("10.96.0.0/12", "10.244.0.0/16")


@dataclass
class Services:
    """A Directory of what it holds. One slice a service, by the service's name."""

    services: list[Service] = field(default_factory=list)
    held: dict[str, EndpointSlice] = field(default_factory=dict)
    is_ready: bool = True

    def service(self, namespace: str, name: str) -> Service | None:
        named = (s for s in self.services if s.metadata.name == name)
        return next((s for s in named if s.metadata.namespace == namespace), None)

    def slices(self, namespace: str, name: str) -> Sequence[EndpointSlice]:
        return [self.held[name]] if name in self.held else []

    def has_namespace(self, namespace: str) -> bool:
        return any(s.metadata.namespace == namespace for s in self.services)

    def service_at(self, address: str) -> Service | None:
        return next((s for s in self.services if address in s.spec.cluster_ips), None)

    def headless_at(self, address: str) -> Sequence[Service]:
        return [
            s
            for s in self.services
            if s.spec.cluster_ip == "None"
            for e in self.held[s.metadata.name].endpoints
            if address in e.addresses
        ]


def cluster() -> Services:
    web = service(ports=(("http", "TCP", 80), ("dns", "UDP", 53), ("", "TCP", 81)))
    web.spec.cluster_ips.append("fd00::7")
    db = service("db", "None", ports=(("sql", "TCP", 5432),))
    empty = service("empty", "None")
    slices = {
        "web": endpoint_slice("web", endpoint("10.244.1.9", ready=True)),
        "empty": endpoint_slice("empty", endpoint("10.244.1.8", ready=False), headless=True),
        "db": endpoint_slice(
            "db",
            endpoint("10.244.1.2", ready=True, hostname="db-0"),
            endpoint("10.244.2.3", hostname="db-1"),
            endpoint("10.244.1.4", ready=True),
            endpoint("10.244.1.5", ready=False, serving=True, terminating=True, hostname="db-9"),
            ports=(("sql", "TCP", 5433),),
            headless=True,
        ),
    }
    outside = service("outside", "", type="ExternalName", external_name="db.example.com")
    inside = service("inside", "", type="ExternalName", external_name="web.default.svc.c.test")
    dangling = service("dangling", "", type="ExternalName", external_name="no.default.svc.c.test")
    loop = service("loop", "", type="ExternalName", external_name="loop.default.svc.c.test")
    broken = service("broken", "", type="ExternalName", external_name=f"{'x' * 64}.example")
    return Services([web, db, empty, outside, inside, dangling, loop, broken], slices)


def zone(directory: Services | None = None) -> Zone:
    """With the domain c.test."""
    return Zone("C.test.", directory or cluster(), server=SERVER, ranges=RANGES)
