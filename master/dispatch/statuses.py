"""What agents observed, into the store.

In: PodStatuses of a session. Out: pod statuses written with a compare on the pod's version, so
that conditions of others are not lost; pods that have ended for good are removed. write()
returns when all of it is durable or no longer matters: then the session acknowledges.

An entry matters if the pod exists, has the entry's uid and is bound to the node. Anything else
is dropped, whatever the reason: gone, replaced under the same name, or another node's. So is a
status that the API refuses, with a line in the log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from master.dispatch.assignments import AssignmentIndex
from master.dispatch.references import PODS, Name
from pilothouse.client.interface import ResourceClient
from pilothouse.objects.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TooLarge,
    TooManyRequests,
)
from pilothouse.process.clock import Clock
from protos.core_v1_pb2 import Pod, PodStatus
from protos.dispatch_pb2 import PodStatuses
from protos.meta_v1_pb2 import DeleteOptions, Preconditions

ATTEMPTS = 5
REFUSED = (BadRequest, Forbidden, Invalid, TooLarge)
AT_ONCE = 256
Written = Callable[[Name, str], None]  # name and resource version of a pod that was written

_ENDED = frozenset({"Succeeded", "Failed"})

logger = logging.getLogger(__name__)


def matters(entry: PodStatuses.Entry, node: str, pod: Pod | None) -> bool:
    """Whether the node may write this entry to the pod as it is stored."""
    return pod is not None and pod.metadata.uid == entry.uid and pod.spec.node_name == node


def merged(stored: PodStatus, said: PodStatus, now: float) -> PodStatus:
    """The status to store. Conditions that the agent does not mention stay, and so does what
    admission and scheduler have written; a pod that has ended does not come back to life.

    A condition that changes does so now (Unix seconds of this clock): controllers count from
    there how long a pod has been ready, and a node's clock may be wrong by hours.
    """
    status = PodStatus()
    status.CopyFrom(said)
    known = {condition.type: condition for condition in stored.conditions}
    for condition in status.conditions:
        before = known.pop(condition.type, None)
        if before is not None and before.status == condition.status:
            condition.last_transition_time.CopyFrom(before.last_transition_time)
        else:
            condition.last_transition_time.Clear()
            condition.last_transition_time.seconds = int(now)
    status.conditions.extend(known.values())
    status.qos_class = said.qos_class or stored.qos_class
    status.nominated_node_name = stored.nominated_node_name
    if stored.phase in _ENDED and said.phase not in _ENDED:
        status.phase, status.reason, status.message = stored.phase, stored.reason, stored.message
    return status


def with_status(pod: Pod, status: PodStatus) -> Pod:
    """A copy of the pod with that status."""
    copy = Pod()
    copy.CopyFrom(pod)
    copy.status.CopyFrom(status)
    return copy


class StatusWriter:
    """See the module."""

    def __init__(self, client: ResourceClient, index: AssignmentIndex, clock: Clock) -> None:
        self._client = client
        self._index = index
        self._clock = clock

    async def write(
        self, node: str, entries: Sequence[PodStatuses.Entry], written: Written
    ) -> None:
        """Write the entries side by side: the store makes one commit of many.

        Raises the first error when those beside it are done; then nothing must be acknowledged.
        """
        newest = list({(entry.namespace, entry.name): entry for entry in entries}.values())
        if len(newest) == 1:  # by far the most
            await self._write(node, newest[0], written)
            return
        for start in range(0, len(newest), AT_ONCE):
            batch = newest[start : start + AT_ONCE]
            results = await asyncio.gather(
                *(self._write(node, entry, written) for entry in batch), return_exceptions=True
            )
            for result in results:
                if isinstance(result, BaseException):
                    raise result

    async def _write(self, node: str, entry: PodStatuses.Entry, written: Written) -> None:
        name = Name(PODS, entry.namespace, entry.name)
        pod: Pod | None = self._known(node, name)
        for _ in range(ATTEMPTS):
            if pod is None or not matters(entry, node, pod):
                pod = await self._read(name)
            if pod is None or not matters(entry, node, pod):
                return
            try:
                await self._apply(name, pod, entry, written)
            except Conflict:
                pod = None
            except NotFound:
                return
            except REFUSED as error:
                # Sent again it would be refused again, and hold up all that comes after it.
                logger.warning("status of pod %s/%s dropped: %s", *name[1:], error)
                return
            else:
                return
        raise TooManyRequests(f"pod {name.namespace}/{name.name} changes too often to write to")

    async def _apply(
        self, name: Name, pod: Pod, entry: PodStatuses.Entry, written: Written
    ) -> None:
        status = merged(pod.status, entry.status, self._clock.now())
        if status != pod.status:
            pod = await self._client.update_status(with_status(pod, status))
            written(name, pod.metadata.resource_version)
        if entry.terminated and pod.metadata.HasField("deletion_timestamp"):
            await self._remove(pod)

    async def _remove(self, pod: Pod) -> None:
        options = DeleteOptions(
            grace_period_seconds=0, preconditions=Preconditions(uid=pod.metadata.uid)
        )
        metadata = pod.metadata
        await self._client.delete(Pod, metadata.name, metadata.namespace, options=options)

    def _known(self, node: str, name: Name) -> Pod | None:
        found = self._index.find(node, name)
        return found if isinstance(found, Pod) else None

    async def _read(self, name: Name) -> Pod | None:
        try:
            return await self._client.get(Pod, name.name, name.namespace)
        except NotFound:
            return None
