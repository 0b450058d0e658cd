"""Mirrors Endpoints that people write, for services without a selector, to endpoint slices.

In: services without a selector, the Endpoints of their names, the slices made from those. Out: one
slice for the addresses of one IP family that share their ports. netproxy reads slices alone;
somebody who writes Endpoints by hand gets the routing all the same. Label
endpointslice.kubernetes.io/skip-mirror=true keeps an object out. A slice has at most SLICE_SIZE
addresses, and what is beyond is not mirrored, as in Kubernetes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from master.controllers.endpoints import MANAGER_LABEL, SERVICE_LABEL
from master.controllers.ownership import copy_of, reference_to
from master.controllers.reconciling import Key, ReconcileLoop
from pilothouse.client.interface import ResourceClient
from pilothouse.objects.errors import NotFound
from pilothouse.process.informer import Informer, key_of
from protos.core_v1_pb2 import EndpointAddress, Endpoints, EndpointSubset, Service
from protos.discovery_v1_pb2 import Endpoint, EndpointSlice

SLICE_SIZE = 1000
MANAGER = "endpointslicemirroring-controller.k8s.io"
SKIP_LABEL = "endpointslice.kubernetes.io/skip-mirror"
# Of elections from before leases: such objects are no endpoints of anything.
LEADER = "control-plane.alpha.kubernetes.io/leader"
_NOT_COPIED = (
    "kubectl.kubernetes.io/last-applied-configuration",
    "endpoints.kubernetes.io/last-change-trigger-time",
)


def is_mirrored(service: Service | None, endpoints: Endpoints | None) -> bool:
    """Somebody writes the endpoints of that service by hand, as Endpoints."""
    if service is None or endpoints is None or service.spec.selector:
        return False
    metadata = endpoints.metadata
    skipped = metadata.labels.get(SKIP_LABEL) == "true" or LEADER in metadata.annotations
    return not skipped and not metadata.HasField("deletion_timestamp")


def slices_of(endpoints: Endpoints) -> dict[str, EndpointSlice]:
    """The slices that show the same, by name."""
    found: dict[str, EndpointSlice] = {}
    for subset in endpoints.subsets:
        for family in ("IPv4", "IPv6"):
            members = list(_members(subset, family))
            if members:
                made = _slice(endpoints, subset, family)
                room = found.setdefault(made.metadata.name, made).endpoints
                room.extend(members[: SLICE_SIZE - len(room)])
    return found


def _members(subset: EndpointSubset, family: str) -> Iterator[Endpoint]:
    for ready, addresses in ((True, subset.addresses), (False, subset.not_ready_addresses)):
        for address in addresses:
            if f"IPv{ip_address(address.ip).version}" == family:
                yield _endpoint(address, ready=ready)


def _endpoint(address: EndpointAddress, *, ready: bool) -> Endpoint:
    made = Endpoint(addresses=[address.ip])
    made.conditions.ready = ready
    if address.hostname:
        made.hostname = address.hostname
    if address.HasField("node_name"):
        made.node_name = address.node_name
    if address.HasField("target_ref"):
        made.target_ref.CopyFrom(address.target_ref)
    return made


def _slice(endpoints: Endpoints, subset: EndpointSubset, family: str) -> EndpointSlice:
    made = EndpointSlice(address_type=family)
    source, metadata = endpoints.metadata, made.metadata
    for port in subset.ports:
        shown = made.ports.add(name=port.name, protocol=port.protocol or "TCP", port=port.port)
        if port.HasField("app_protocol"):
            shown.app_protocol = port.app_protocol
    ports = b"".join(port.SerializeToString(deterministic=True) for port in made.ports)
    content = b"\0".join((source.uid.encode(), family.encode(), ports))
    metadata.name = f"{source.name}-{hashlib.sha256(content).hexdigest()[:8]}"
    metadata.namespace = source.namespace
    metadata.labels.update(source.labels)
    metadata.labels[SERVICE_LABEL] = source.name
    metadata.labels[MANAGER_LABEL] = MANAGER
    metadata.annotations.update(source.annotations)
    for name in _NOT_COPIED:
        metadata.annotations.pop(name, None)
    metadata.owner_references.append(reference_to(endpoints))
    return made


def updated(present: EndpointSlice, wanted: EndpointSlice) -> EndpointSlice:
    """The present slice with the wanted one's content."""
    made: EndpointSlice = copy_of(present)
    del made.endpoints[:]
    made.endpoints.extend(wanted.endpoints)
    metadata = made.metadata
    metadata.labels.clear()
    metadata.labels.update(wanted.metadata.labels)
    metadata.annotations.clear()
    metadata.annotations.update(wanted.metadata.annotations)
    return made


class MirroringController:
    """See the module. Index: slices by "service"."""

    def __init__(
        self,
        client: ResourceClient,
        services: Informer[Service],
        endpoints: Informer[Endpoints],
        endpoint_slices: Informer[EndpointSlice],
    ) -> None:
        self._client = client
        self._services = services
        self._endpoints = endpoints
        self._slices = endpoint_slices
        self._loop: ReconcileLoop[Key] = ReconcileLoop(
            "mirroring", self._reconcile, (services, endpoints, endpoint_slices), workers=1
        )

    async def run(self) -> None:
        """Reconcile until cancelled."""
        self._services.subscribe(self._service_changed)
        self._endpoints.subscribe(self._endpoints_changed)
        self._slices.subscribe(self._slice_changed)
        await self._loop.run()

    def _service_changed(self, old: Service | None, new: Service | None) -> None:
        # One that has, and had, a selector never had anything mirrored.
        unselective = [s for s in (old, new) if s is not None and not s.spec.selector]
        for service in unselective[:1]:
            self._loop.queue.add(key_of(service))

    def _endpoints_changed(self, old: Endpoints | None, new: Endpoints | None) -> None:
        changed = new or old
        assert changed is not None
        service = self._services.get(*key_of(changed))
        if service is None or not service.spec.selector:
            self._loop.queue.add(key_of(changed))

    def _slice_changed(self, old: EndpointSlice | None, new: EndpointSlice | None) -> None:
        for changed in (old, new):
            if changed is not None and changed.metadata.labels.get(MANAGER_LABEL) == MANAGER:
                service = changed.metadata.labels.get(SERVICE_LABEL, "")
                self._loop.queue.add((changed.metadata.namespace, service))

    async def _reconcile(self, key: Key) -> None:
        service, endpoints = self._services.get(*key), self._endpoints.get(*key)
        wanted = {}
        if endpoints is not None and is_mirrored(service, endpoints):
            wanted = slices_of(endpoints)
        present = {s.metadata.name: s for s in self._mirrors(key)}
        for name, made in wanted.items():
            if name not in present:
                await self._client.create(made)
            elif (changed := updated(present[name], made)) != present[name]:
                await self._client.update(changed)
        for name in present.keys() - wanted.keys():
            await self._delete(present[name])

    def _mirrors(self, key: Key) -> Iterable[EndpointSlice]:
        for found in self._slices.index("service", key):
            if found.metadata.labels.get(MANAGER_LABEL) == MANAGER:
                yield found

    async def _delete(self, gone: EndpointSlice) -> None:
        try:
            await self._client.delete(EndpointSlice, gone.metadata.name, gone.metadata.namespace)
        except NotFound:
            return
