"""Tells users about pods that fit nowhere: the PodScheduled condition and an event.

In: reports, as often as a pod is refused. Out: one status write per change of the message. A
pod's newest report wins; there is at most one waiting per pod.
"""

from __future__ import annotations

import asyncio
import logging

from master.scheduler.request import PodKey
from pilothouse.client.interface import ResourceClient
from pilothouse.objects.errors import ApiError, Conflict, NotFound
from pilothouse.process.clock import Clock
from pilothouse.process.events import EventRecorder
from pilothouse.process.workqueue import WorkQueue
from protos.core_v1_pb2 import Pod, PodCondition

WORKERS = 4
CONDITION = "PodScheduled"

logger = logging.getLogger(__name__)


class Unschedulable:
    """See the module."""

    def __init__(self, client: ResourceClient, recorder: EventRecorder, clock: Clock) -> None:
        self._client = client
        self._recorder = recorder
        self._clock = clock
        self._queue: WorkQueue[PodKey] = WorkQueue()
        self._messages: dict[PodKey, tuple[str, str, str]] = {}

    def report(self, key: PodKey, uid: str, message: str, nominated: str = "") -> None:
        """The pod was refused, for this reason; on the node `nominated` it holds a place."""
        if self._messages.get(key) != (uid, message, nominated):
            self._messages[key] = (uid, message, nominated)
            self._queue.add(key)

    def forget(self, key: PodKey) -> None:
        """The pod was placed or is gone."""
        self._messages.pop(key, None)

    async def run(self) -> None:
        """Write reports until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(self._work(), name="unschedulable-worker")

    async def _work(self) -> None:
        while True:
            key = await self._queue.get()
            try:
                await self._write(key)
                self._queue.forget(key)
            except NotFound:
                self.forget(key)
            except Conflict:
                self._queue.retry(key)
            except ApiError as error:
                logger.warning("cannot report that %s/%s is unschedulable: %s", *key, error)
                self._queue.retry(key)
            finally:
                self._queue.done(key)

    async def _write(self, key: PodKey) -> None:
        report = self._messages.get(key)
        if report is None:
            return
        uid, message, nominated = report
        namespace, name = key
        pod = await self._client.get(Pod, name, namespace)
        if pod.metadata.uid != uid or pod.spec.node_name:
            self.forget(key)
            return
        changed = with_condition(pod, message, int(self._clock.now()), nominated)
        if changed is not None:
            await self._client.update_status(changed)
            self._recorder.event(pod, "Warning", "FailedScheduling", message)


def with_condition(pod: Pod, message: str, now: int, nominated: str = "") -> Pod | None:
    """A copy of the pod that says it is unschedulable, and where it holds a place; None where it
    says so already."""
    wanted = PodCondition(type=CONDITION, status="False", reason="Unschedulable", message=message)
    present = next((c for c in pod.status.conditions if c.type == CONDITION), None)
    if present is not None and present.status == "False":
        if (present.message, present.reason) == (message, wanted.reason) and (
            pod.status.nominated_node_name == nominated
        ):
            return None
        wanted.last_transition_time.CopyFrom(present.last_transition_time)
    else:
        wanted.last_transition_time.seconds = now
    copy = Pod()
    copy.CopyFrom(pod)
    others = [c for c in pod.status.conditions if c.type != CONDITION]
    del copy.status.conditions[:]
    copy.status.conditions.extend([*others, wanted])
    copy.status.nominated_node_name = nominated
    return copy
