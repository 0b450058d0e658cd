"""What agents observed, into the store.

In: PodStatuses of a session. Out: pod statuses, each decided on the very state that it replaces,
so that conditions of others are not lost; pods that have ended for good are removed. write()
returns when all of it is durable or no longer matters: then the session acknowledges.

An entry matters if the pod exists, has the entry's uid and is bound to the node. Anything else
is dropped, whatever the reason: gone, replaced under the same name, or another node's. So is a
status that the API refuses, with a line in the log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from master.api.local import LocalClient
from master.dispatch.references import PODS, Name
from pilothouse.objects.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TooLarge,
)
from pilothouse.process.clock import Clock
from protos.core_v1_pb2 import Pod, PodStatus
from protos.dispatch_pb2 import PodStatuses
from protos.meta_v1_pb2 import DeleteOptions, Preconditions

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
    status.qos_class = stored.qos_class or said.qos_class
    status.nominated_node_name = stored.nominated_node_name
    if stored.phase in _ENDED and said.phase not in _ENDED:
        status.phase, status.reason, status.message = stored.phase, stored.reason, stored.message
    return status


class StatusWriter:
    """See the module."""

    def __init__(self, client: LocalClient, clock: Clock) -> None:
        self._client = client
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
        before = ""

        def make(pod: Pod) -> PodStatus | None:
            nonlocal before
            before = pod.metadata.resource_version
            return self._status(node, entry, pod)

        name = Name(PODS, entry.namespace, entry.name)
        try:
            pod = await self._client.report_status(Pod, entry.name, entry.namespace, make)
            if pod.metadata.resource_version != before:
                written(name, pod.metadata.resource_version)
            if entry.terminated and matters(entry, node, pod) and _is_ending(pod):
                await self._remove(pod)
        except (NotFound, Conflict):
            return  # gone, or replaced by another of its name
        except REFUSED as error:
            # Sent again it would be refused again, and hold up all that comes after it.
            logger.warning("status of pod %s/%s dropped: %s", *name[1:], error)

    def _status(self, node: str, entry: PodStatuses.Entry, pod: Pod) -> PodStatus | None:
        """What to store for the pod as it stands; None: nothing."""
        return (
            merged(pod.status, entry.status, self._clock.now())
            if matters(entry, node, pod)
            else None
        )

    async def _remove(self, pod: Pod) -> None:
        options = DeleteOptions(
            grace_period_seconds=0, preconditions=Preconditions(uid=pod.metadata.uid)
        )
        metadata = pod.metadata
        await self._client.delete(Pod, metadata.name, metadata.namespace, options=options)


def _is_ending(pod: Pod) -> bool:
    return pod.metadata.HasField("deletion_timestamp")
