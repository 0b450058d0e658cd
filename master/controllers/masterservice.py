"""Keeps the service "kubernetes" in namespace default, by which pods find the master's API.

Client libraries in pods dial it: it has the first address of the service range, port 443, and its
endpoints are the HTTPS ports of the masters. It has no selector, because masters are no pods; so
its endpoint slice is kept here, under the service's own name, as in Kubernetes, and so are its
Endpoints.

What somebody changes or deletes of the three comes back. Not mended: a service of that name with
another cluster IP, which cannot be changed; it has to be deleted by hand.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

from master.controllers.endpoints import SERVICE_LABEL
from master.controllers.mirroring import SKIP_LABEL
from master.controllers.ownership import copy_of
from master.controllers.reconciling import Key, ReconcileLoop
from pilothouse.client.interface import ResourceClient
from pilothouse.process.informer import Informer, key_of
from protos.core_v1_pb2 import Endpoints, Service
from protos.discovery_v1_pb2 import EndpointSlice

KEY: Final[Key] = ("default", "kubernetes")
PORT: Final = 443
PORT_NAME: Final = "https"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Doors:
    """Where the masters are reached: IPv4 addresses with one HTTPS port, behind a cluster IP."""

    cluster_ip: str
    addresses: tuple[str, ...]
    port: int


class MasterServiceController:
    """See the module."""

    def __init__(
        self,
        client: ResourceClient,
        services: Informer[Service],
        endpoint_slices: Informer[EndpointSlice],
        endpoints: Informer[Endpoints],
        doors: Doors,
    ) -> None:
        self._client = client
        self._services = services
        self._slices = endpoint_slices
        self._endpoints = endpoints
        self._doors = doors
        self._loop: ReconcileLoop[Key] = ReconcileLoop(
            "masterservice", self._reconcile, (services, endpoint_slices, endpoints), workers=1
        )

    async def run(self) -> None:
        """Reconcile until cancelled."""
        self._services.subscribe(self._changed)
        self._slices.subscribe(self._changed)
        self._endpoints.subscribe(self._changed)
        self._loop.queue.add(KEY)
        await self._loop.run()

    def _changed(self, old: Any, new: Any) -> None:
        if key_of(new if new is not None else old) == KEY:
            self._loop.queue.add(KEY)

    async def _reconcile(self, key: Key) -> None:
        service, shown = self._services.get(*key), self._slices.get(*key)
        await self._write(service, service_of(service, self._doors))
        await self._write(shown, slice_of(shown, self._doors))
        endpoints = self._endpoints.get(*key)
        await self._write(endpoints, endpoints_of(endpoints, self._doors))

    async def _write(self, present: Any, wanted: Any) -> None:
        if present is None:
            await self._client.create(wanted)
        elif wanted != present and not present.metadata.HasField("deletion_timestamp"):
            await self._client.update(wanted)


def service_of(present: Service | None, doors: Doors) -> Service:
    """The service as it should be, with what else is set in the present one."""
    made: Service = copy_of(present) if present is not None else Service()
    made.metadata.namespace, made.metadata.name = KEY
    made.metadata.labels["component"] = "apiserver"
    made.metadata.labels["provider"] = "kubernetes"
    if present is None:
        made.spec.type = "ClusterIP"
        made.spec.cluster_ip = doors.cluster_ip
    elif present.spec.cluster_ip != doors.cluster_ip:
        logger.warning(
            "service %s/%s has address %s and not %s: delete it, and it is made anew",
            *KEY,
            present.spec.cluster_ip,
            doors.cluster_ip,
        )
    made.spec.selector.clear()
    if [_numbers(port) for port in made.spec.ports] != [(PORT_NAME, "TCP", PORT, doors.port)]:
        del made.spec.ports[:]
        port = made.spec.ports.add(name=PORT_NAME, protocol="TCP", port=PORT)
        port.target_port.int_val = doors.port
    return made


def slice_of(present: EndpointSlice | None, doors: Doors) -> EndpointSlice:
    """The same of the endpoint slice."""
    made: EndpointSlice = copy_of(present) if present is not None else EndpointSlice()
    made.metadata.namespace, made.metadata.name = KEY
    made.metadata.labels[SERVICE_LABEL] = KEY[1]
    made.address_type = "IPv4"
    del made.endpoints[:]
    for address in reachable(doors.addresses):
        made.endpoints.add(addresses=[address]).conditions.ready = True
    del made.ports[:]
    made.ports.add(name=PORT_NAME, protocol="TCP", port=doors.port)
    return made


def endpoints_of(present: Endpoints | None, doors: Doors) -> Endpoints:
    """The same of the Endpoints, which are not mirrored: the slice is there."""
    made: Endpoints = copy_of(present) if present is not None else Endpoints()
    made.metadata.namespace, made.metadata.name = KEY
    made.metadata.labels[SKIP_LABEL] = "true"
    del made.subsets[:]
    addresses = reachable(doors.addresses)
    if addresses:
        subset = made.subsets.add()
        for address in addresses:
            subset.addresses.add(ip=address)
        subset.ports.add(name=PORT_NAME, protocol="TCP", port=doors.port)
    return made


def reachable(addresses: Sequence[str]) -> list[str]:
    """Those that pods can reach, in order: the loopback address is their own."""
    return sorted({a for a in addresses if not ip_address(a).is_loopback}, key=ip_address)


def _numbers(port: Any) -> tuple[str, str, int, int]:
    return (port.name, port.protocol, port.port, port.target_port.int_val)
