"""Removes what would stay for ever: pods of nodes that are gone, old ended pods, old events."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from master.controllers.podstate import is_terminating
from master.controllers.reconciling import Key, ReconcileLoop
from pilothouse.client.interface import ResourceClient
from pilothouse.objects.disruption import disrupted
from pilothouse.objects.errors import Expired, NotFound, Retryable
from pilothouse.process.clock import Clock
from pilothouse.process.informer import Informer, key_of
from protos.core_v1_pb2 import Event, Node, Pod
from protos.meta_v1_pb2 import DeleteOptions, Preconditions

ORPHANED = "PodGC: node no longer exists"

logger = logging.getLogger(__name__)

# A node that vanished may be registering again; its pods are left alone for so long.
NODE_GRACE = 40.0

# Ended pods that nobody owns or has looked at; Kubernetes' default.
ENDED_LIMIT = 12_500

EVENT_PAGE = 200


class PodCleanupController:
    """Pods are indexed by "node"."""

    def __init__(
        self,
        client: ResourceClient,
        pods: Informer[Pod],
        nodes: Informer[Node],
        clock: Clock,
        *,
        ended_limit: int = ENDED_LIMIT,
    ) -> None:
        self._client = client
        self._pods = pods
        self._nodes = nodes
        self._clock = clock
        self._ended_limit = ended_limit
        self._missing: dict[str, float] = {}  # node → since when (monotonic)
        self._ended: set[Key] = set()
        self._loop: ReconcileLoop[Key] = ReconcileLoop("podcleanup", self._reconcile, (pods, nodes))

    async def run(self) -> None:
        """Clean up until cancelled."""
        await self._nodes.synced()
        await self._pods.synced()
        self._nodes.subscribe(self._node_changed)
        self._pods.subscribe(self._pod_changed)
        await self._loop.run()

    def _node_changed(self, old: Node | None, new: Node | None) -> None:
        if new is not None:
            self._missing.pop(new.metadata.name, None)
            return
        assert old is not None
        for pod in self._pods.index("node", old.metadata.name):
            self._loop.queue.add(key_of(pod))

    def _pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        pod = new or old
        assert pod is not None
        key = key_of(pod)
        if new is not None and new.status.phase in ("Succeeded", "Failed"):
            self._ended.add(key)
            if len(self._ended) > self._ended_limit:
                self._loop.queue.add(self._oldest_ended())
        else:
            self._ended.discard(key)
        if new is not None and self._node_is_missing(new):
            self._loop.queue.add(key)

    def _oldest_ended(self) -> Key:
        def created(key: Key) -> tuple[int, Key]:
            pod = self._pods.get(*key)
            return (pod.metadata.creation_timestamp.seconds if pod is not None else 0, key)

        return min(self._ended, key=created)

    def _node_is_missing(self, pod: Pod) -> bool:
        return bool(pod.spec.node_name) and self._nodes.get("", pod.spec.node_name) is None

    async def _reconcile(self, key: Key) -> None:
        pod = self._pods.get(*key)
        if pod is None:
            return
        if key in self._ended and len(self._ended) > self._ended_limit:
            await self._remove(pod)
        elif self._node_is_missing(pod):
            await self._remove_when_sure(key, pod)

    async def _remove_when_sure(self, key: Key, pod: Pod) -> None:
        now = self._clock.monotonic()
        since = self._missing.setdefault(pod.spec.node_name, now)
        left = since + NODE_GRACE - now
        # Nobody is left to end a pod gracefully; one that is to go need not wait for the node.
        if left > 0 and not is_terminating(pod):
            self._loop.queue.add_after(key, left)
            return
        try:
            await self._client.get(Node, pod.spec.node_name)
        except NotFound:
            await self._mark_orphaned(pod)
            await self._remove(pod)

    async def _mark_orphaned(self, pod: Pod) -> None:
        """Its node cannot say any more how it ended: it failed, for its owner not to wait."""
        mark = disrupted(pod, "DeletionByPodGC", ORPHANED, int(self._clock.now()))
        if pod.status.phase not in ("Succeeded", "Failed"):
            mark.status.phase = "Failed"
        with suppress(NotFound):
            await self._client.update_status(mark)

    async def _remove(self, pod: Pod) -> None:
        options = DeleteOptions(
            grace_period_seconds=0, preconditions=Preconditions(uid=pod.metadata.uid)
        )
        try:
            await self._client.delete(
                Pod, pod.metadata.name, pod.metadata.namespace, options=options
            )
        except NotFound:
            return


class EventExpiryController:
    """Deletes events `retention` seconds after they were last seen."""

    def __init__(self, client: ResourceClient, clock: Clock, *, retention: float = 3600.0) -> None:
        self._client = client
        self._clock = clock
        self._retention = retention

    async def run(self) -> None:
        """Look every tenth of the retention, at least once a minute."""
        while True:
            try:
                await self._expire()
            except (Expired, Retryable) as error:  # compacted meanwhile, or the disk fails
                logger.info("old events are deleted next time: %s", error)
            await self._clock.sleep(min(self._retention / 10, 60.0))

    async def _expire(self) -> None:
        limit = self._clock.now() - self._retention
        token = ""
        while True:
            page = await self._client.list(Event, limit=EVENT_PAGE, continue_token=token)
            old = [event for event in page.items if last_seen(event) < limit]
            await asyncio.gather(*map(self._delete, old))  # side by side they are one commit
            token = page.continue_token
            if not token:
                return
            await asyncio.sleep(0)  # others' turn: the pages may come from memory

    async def _delete(self, event: Event) -> None:
        with suppress(NotFound):
            await self._client.delete(Event, event.metadata.name, event.metadata.namespace)


def last_seen(event: Event) -> int:
    """When the event last happened (Unix seconds)."""
    times = (
        event.last_timestamp.seconds,
        event.series.last_observed_time.seconds,
        event.event_time.seconds,
        event.first_timestamp.seconds,
        event.metadata.creation_timestamp.seconds,
    )
    return max(times)
