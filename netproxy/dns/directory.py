"""The zone's view of the API: services and slices in informers."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence

from netproxy.syncing import service_of
from pilothouse.process.informer import Informer
from protos.core_v1_pb2 import Service
from protos.discovery_v1_pb2 import EndpointSlice

HEADLESS_LABEL = "service.kubernetes.io/headless"


def namespace_of(service: Service) -> Iterable[Hashable]:
    """For an index of services."""
    return (service.metadata.namespace,)


def addresses_of(service: Service) -> Iterable[Hashable]:
    """For an index of services: their cluster IPs."""
    return tuple(service.spec.cluster_ips)


def endpoints_of(endpoint_slice: EndpointSlice) -> Iterable[Hashable]:
    """For an index of slices: the endpoints of headless services, whose addresses have names."""
    if HEADLESS_LABEL not in endpoint_slice.metadata.labels:
        return ()
    return {address for e in endpoint_slice.endpoints for address in e.addresses[:1]}


class InformerDirectory:
    """Services are indexed by "namespace" and "address", slices by "service" and "endpoint".
    `is_ready` tells whether the informers know everything."""

    def __init__(
        self,
        services: Informer[Service],
        slices: Informer[EndpointSlice],
        is_ready: Callable[[], bool],
    ) -> None:
        self._services = services
        self._slices = slices
        self._is_ready = is_ready

    @property
    def is_ready(self) -> bool:
        return self._is_ready()

    def service(self, namespace: str, name: str) -> Service | None:
        return self._services.get(namespace, name)

    def slices(self, namespace: str, name: str) -> Sequence[EndpointSlice]:
        return self._slices.index("service", (namespace, name))

    def has_namespace(self, namespace: str) -> bool:
        return bool(self._services.index("namespace", namespace))

    def service_at(self, address: str) -> Service | None:
        found = self._services.index("address", address)
        return found[0] if found else None

    def headless_at(self, address: str) -> Sequence[Service]:
        slices = self._slices.index("endpoint", address)
        names = {name for found in slices for name in service_of(found)}
        services = [self._services.get(*name) for name in sorted(names)]
        return [service for service in services if service is not None]
