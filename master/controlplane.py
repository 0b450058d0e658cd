"""The parts of a master that decide: the scheduler and the control loops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from master.api.local import LocalClient
from master.api.registry import Registry
from master.config import MasterConfig
from master.controllers.control import Controllers
from master.controllers.informers import Informers
from master.controllers.masterservice import Doors
from master.identity.user import component
from master.names import HTTPS_PORT, endpoint_addresses, first_service_address
from master.scheduler.preempting import Preempting
from master.scheduler.scheduling import Scheduler
from master.scheduler.unschedulable import Unschedulable
from master.scheduler.why import Why
from pilothouse.process.clock import Clock
from pilothouse.process.events import EventRecorder


class ControlPlane:
    """run() until cancelled; the informers are run by the caller. `certificate`: the CA's, PEM."""

    def __init__(
        self,
        registry: Registry,
        informers: Informers,
        config: MasterConfig,
        certificate: bytes,
        clock: Clock,
    ) -> None:
        scheduling = LocalClient(registry, component("scheduler"))
        controlling = LocalClient(registry, component("controllers"))
        self._recorders = [EventRecorder(scheduling, "default-scheduler", clock=clock)]
        unschedulable = Unschedulable(scheduling, self._recorders[0], clock)
        self._scheduler = Scheduler(
            registry,
            informers.pods,
            informers.nodes,
            informers.namespaces,
            informers.disruption_budgets,
            unschedulable,
            Preempting(scheduling, self._recorders[0], clock),
            self._recorders[0],
            clock,
        )
        self.why = Why(scheduling, self._scheduler)
        self._controllers = Controllers(
            controlling,
            informers,
            registry,
            self._recorder_of(controlling, clock),
            clock,
            lost_after=config.lost_after,
            event_retention=config.event_retention,
            doors=Doors(
                cluster_ip=first_service_address(config),
                addresses=endpoint_addresses(config),
                port=config.https_port or HTTPS_PORT,
            ),
            certificate=certificate,
        )

    def _recorder_of(self, client: LocalClient, clock: Clock) -> Callable[[str], EventRecorder]:
        def recorder(component: str) -> EventRecorder:
            made = EventRecorder(client, component, clock=clock)
            self._recorders.append(made)
            return made

        return recorder

    async def run(self) -> None:
        """Decide until cancelled."""
        async with asyncio.TaskGroup() as group:
            for recorder in self._recorders:
                group.create_task(recorder.run(), name="events")
            group.create_task(self._scheduler.run(), name="scheduler")
            group.create_task(self._controllers.run(), name="controllers")
