"""All control loops of a master, over one set of informers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from master.controllers.cleanup import EventExpiryController, PodCleanupController
from master.controllers.deployment import DeploymentController
from master.controllers.disruptionbudget import DisruptionController
from master.controllers.endpointslice import EndpointSliceController
from master.controllers.endpointsobject import EndpointsController
from master.controllers.garbage import Dependents, GarbageController
from master.controllers.informers import Informers
from master.controllers.masterservice import Doors, MasterServiceController
from master.controllers.mirroring import MirroringController
from master.controllers.namespace import NamespaceController, ServiceAccountController
from master.controllers.node import NodeController
from master.controllers.replicaset import ReplicaSetController
from master.controllers.rootcertificate import RootCertificateController
from pilothouse.client.interface import ResourceClient
from pilothouse.process.clock import Clock
from pilothouse.process.events import EventRecorder


class _Runs(Protocol):
    async def run(self) -> None: ...


class Controllers:
    """run() until cancelled. The informers are run by the caller, and so are the recorders, which
    `recorder_of` gives by the component that speaks: events name Kubernetes' controllers."""

    def __init__(
        self,
        client: ResourceClient,
        informers: Informers,
        graph: Dependents,
        recorder_of: Callable[[str], EventRecorder],
        clock: Clock,
        *,
        lost_after: float,
        event_retention: float,
        doors: Doors,
        certificate: bytes,
    ) -> None:
        i = informers
        self._controllers: dict[str, _Runs] = {
            "deployment": DeploymentController(
                client,
                i.deployments,
                i.replica_sets,
                i.pods,
                recorder_of("deployment-controller"),
                clock,
            ),
            "replicaset": ReplicaSetController(
                client, i.replica_sets, i.pods, recorder_of("replicaset-controller"), clock
            ),
            "endpointslice": EndpointSliceController(
                client,
                i.services,
                i.pods,
                i.endpoint_slices,
                i.nodes,
                recorder_of("endpoint-slice-controller"),
            ),
            "endpoints": EndpointsController(client, i.services, i.pods, i.endpoints),
            "mirroring": MirroringController(client, i.services, i.endpoints, i.endpoint_slices),
            "node": NodeController(
                client,
                i.nodes,
                i.pods,
                i.leases,
                recorder_of("node-controller"),
                clock,
                lost_after=lost_after,
            ),
            "namespace": NamespaceController(client, i.namespaces, clock),
            "serviceaccount": ServiceAccountController(client, i.namespaces, i.service_accounts),
            "rootcertificate": RootCertificateController(
                client, i.namespaces, i.config_maps, certificate
            ),
            "garbage": GarbageController(client, i.by_resource, graph),
            "podcleanup": PodCleanupController(client, i.pods, i.nodes, clock),
            "masterservice": MasterServiceController(
                client, i.services, i.endpoint_slices, i.endpoints, doors
            ),
            "disruption": DisruptionController(
                client, i.disruption_budgets, i.pods, i.by_resource, clock
            ),
            "events": EventExpiryController(client, clock, retention=event_retention),
        }

    async def run(self) -> None:
        """Run every loop; the failure of one ends all."""
        async with asyncio.TaskGroup() as group:
            for name, controller in self._controllers.items():
                group.create_task(controller.run(), name=f"controller-{name}")
