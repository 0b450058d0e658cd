"""Keeps the Endpoints object of every service that selects pods, for clients that still read it.

In: services and pods. Out: one object a service, of the service's name. The whole of it is written
for every change of a pod, so that a large one waits for more changes first: a millisecond for each
address that it shows. Nothing in Pilothouse reads them.

The object goes with its service: by owner reference, and, as in Kubernetes, also where its
author was somebody else.
"""

from __future__ import annotations

from master.controllers.endpoints import has_endpoints
from master.controllers.endpointslice import concerned_pairs, selected
from master.controllers.reconciling import Key, ReconcileLoop
from master.controllers.subsets import count, endpoints_of
from pilothouse.client.interface import ResourceClient
from pilothouse.objects.errors import NotFound
from pilothouse.process.informer import Informer, key_of
from protos.core_v1_pb2 import Endpoints, Pod, Service

SECONDS_AN_ADDRESS = 0.001


class EndpointsController:
    """Indexes: services by "selector", pods by "label"."""

    def __init__(
        self,
        client: ResourceClient,
        services: Informer[Service],
        pods: Informer[Pod],
        endpoints: Informer[Endpoints],
    ) -> None:
        self._client = client
        self._services = services
        self._pods = pods
        self._endpoints = endpoints
        self._loop: ReconcileLoop[Key] = ReconcileLoop(
            "endpoints", self._reconcile, (services, pods, endpoints), workers=2
        )

    async def run(self) -> None:
        """Reconcile until cancelled."""
        self._services.subscribe(self._service_changed)
        self._pods.subscribe(self._pod_changed)
        self._endpoints.subscribe(self._endpoints_changed)
        await self._loop.run()

    def _service_changed(self, old: Service | None, new: Service | None) -> None:
        changed = new or old
        assert changed is not None
        if new is None or has_endpoints(new):
            self._loop.queue.add(key_of(changed))

    def _pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        for pair in concerned_pairs(old, new):
            for service in self._services.index("selector", pair):
                self._loop.queue.add_after(key_of(service), self._patience(service))

    def _patience(self, service: Service) -> float:
        present = self._endpoints.get(*key_of(service))
        return count(present) * SECONDS_AN_ADDRESS if present is not None else 0.0

    def _endpoints_changed(self, old: Endpoints | None, new: Endpoints | None) -> None:
        changed = new or old
        assert changed is not None
        service = self._services.get(*key_of(changed))
        if service is not None and has_endpoints(service):
            self._loop.queue.add(key_of(changed))

    async def _reconcile(self, key: Key) -> None:
        service, present = self._services.get(*key), self._endpoints.get(*key)
        if service is None:
            await self._delete(present)
        elif has_endpoints(service) and not service.metadata.HasField("deletion_timestamp"):
            wanted = endpoints_of(service, selected(service, self._pods), present)
            if present is None:
                await self._client.create(wanted)
            elif wanted != present:
                await self._client.update(wanted)

    async def _delete(self, present: Endpoints | None) -> None:
        if present is None:
            return
        try:
            metadata = present.metadata
            await self._client.delete(Endpoints, metadata.name, metadata.namespace)
        except NotFound:
            return
