"""Ends the pods that are in the way of more important ones.

In: victims, as often as they are chosen. Out: for each its condition DisruptionTarget, an event
and its deletion, with its own grace. Another pod of the same name is left alone.
"""

from __future__ import annotations

import asyncio
import logging

from master.scheduler.preemption import Preemption
from master.scheduler.request import PodKey, Request
from pilothouse.client.interface import ResourceClient
from pilothouse.objects.disruption import disrupted
from pilothouse.objects.errors import ApiError, Conflict, NotFound
from pilothouse.process.clock import Clock
from pilothouse.process.events import EventRecorder
from pilothouse.process.workqueue import WorkQueue
from protos.core_v1_pb2 import Pod
from protos.meta_v1_pb2 import DeleteOptions, Preconditions

WORKERS = 4
MARK = "default-scheduler: preempting to accommodate a higher priority pod"

logger = logging.getLogger(__name__)


class Preempting:
    """See the module."""

    def __init__(self, client: ResourceClient, recorder: EventRecorder, clock: Clock) -> None:
        self._client = client
        self._recorder = recorder
        self._clock = clock
        self._queue: WorkQueue[PodKey] = WorkQueue()
        self._victims: dict[PodKey, tuple[str, str]] = {}  # uid, and why

    def end(self, preemption: Preemption, preemptor: Request) -> None:
        """End the victims."""
        why = f"Preempted by pod {preemptor.uid} on node {preemption.node}"
        for victim in preemption.victims:
            self._victims[victim.key] = (victim.uid, why)
            self._queue.add(victim.key)

    async def run(self) -> None:
        """End victims until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(self._work(), name="preempting-worker")

    async def _work(self) -> None:
        while True:
            key = await self._queue.get()
            try:
                await self._end(key)
                self._forget(key)
            except NotFound:
                self._forget(key)
            except ApiError as error:
                if not isinstance(error, Conflict):
                    logger.warning("cannot end %s/%s for a more important pod: %s", *key, error)
                self._queue.retry(key)
            finally:
                self._queue.done(key)

    def _forget(self, key: PodKey) -> None:
        self._victims.pop(key, None)
        self._queue.forget(key)

    async def _end(self, key: PodKey) -> None:
        uid, why = self._victims[key]
        namespace, name = key
        pod = await self._client.get(Pod, name, namespace)
        if pod.metadata.uid != uid or pod.metadata.HasField("deletion_timestamp"):
            return
        mark = disrupted(pod, "PreemptionByScheduler", MARK, int(self._clock.now()))
        await self._client.update_status(mark)
        options = DeleteOptions(preconditions=Preconditions(uid=uid))
        await self._client.delete(Pod, name, namespace, options=options)
        logger.info("pod %s/%s: %s", namespace, name, why)
        self._recorder.event(pod, "Normal", "Preempted", why)
