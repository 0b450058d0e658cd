"""Watches over nodes: lost ones are marked and tainted, and their pods leave in time.

In: leases, nodes, pods. Out: node conditions and taints, not-ready pods, evictions.

When most of a larger cluster seems lost at once, it is more likely that the network to this
master is broken: then nodes are marked but no pod is evicted for it until some come back.
"""

from __future__ import annotations

import asyncio
import logging

from master.controllers.nodehealth import (
    UNREACHABLE,
    eviction_time,
    wanted_taints,
    with_not_ready,
    with_unknown_conditions,
)
from master.controllers.ownership import copy_of
from master.controllers.podstate import is_terminating
from master.controllers.reconciling import Key, ReconcileLoop
from pilothouse.client.interface import ResourceClient
from pilothouse.objects.disruption import disrupted
from pilothouse.objects.errors import Conflict, NotFound
from pilothouse.process.clock import Clock
from pilothouse.process.events import EventRecorder
from pilothouse.process.informer import Informer, key_of
from protos.coordination_v1_pb2 import Lease
from protos.core_v1_pb2 import Node, Pod
from protos.meta_v1_pb2 import DeleteOptions, Preconditions

LEASE_NAMESPACE = "kube-node-lease"

# With at least so many nodes, and so large a share of them lost, evictions pause.
LARGE = 4
MOST = 0.55

TAINTED = "Taint manager: deleting due to NoExecute taint"

logger = logging.getLogger(__name__)


class NodeController:
    """Pods are indexed by "node". `lost_after` in seconds."""

    def __init__(
        self,
        client: ResourceClient,
        nodes: Informer[Node],
        pods: Informer[Pod],
        leases: Informer[Lease],
        recorder: EventRecorder,
        clock: Clock,
        *,
        lost_after: float = 15.0,
    ) -> None:
        self._client = client
        self._nodes = nodes
        self._pods = pods
        self._leases = leases
        self._recorder = recorder
        self._clock = clock
        self._lost_after = lost_after
        self._lost: set[str] = set()
        self._heard: dict[str, float] = {}  # node → when it was last heard of (monotonic)
        self._loop: ReconcileLoop[Key] = ReconcileLoop(
            "node", self._reconcile, (nodes, pods, leases), workers=4
        )
        self._evictions: ReconcileLoop[Key] = ReconcileLoop(
            "eviction", self._evict, (nodes, pods), workers=4
        )

    async def run(self) -> None:
        """Watch over nodes until cancelled."""
        self._nodes.subscribe(self._node_changed)
        self._leases.subscribe(self._lease_changed)
        self._pods.subscribe(self._pod_changed)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._loop.run(), name="node-health")
            group.create_task(self._evictions.run(), name="node-evictions")

    def _node_changed(self, old: Node | None, new: Node | None) -> None:
        if new is None:
            assert old is not None
            self._lost.discard(old.metadata.name)
            self._heard.pop(old.metadata.name, None)
            return
        # Being registered, or known when this master starts, counts as a sign of life.
        self._heard.setdefault(new.metadata.name, self._clock.monotonic())
        self._loop.queue.add(key_of(new))
        if old is None or old.spec.taints != new.spec.taints:
            for pod in self._pods.index("node", new.metadata.name):
                self._evictions.queue.add(key_of(pod))

    def _lease_changed(self, old: Lease | None, new: Lease | None) -> None:
        if new is None or new.metadata.namespace != LEASE_NAMESPACE:
            return
        # When it arrives here counts, not its renew time: clocks of nodes need not agree.
        self._heard[new.metadata.name] = self._clock.monotonic()
        if new.metadata.name in self._lost:
            self._loop.queue.add(("", new.metadata.name))

    def _pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        if new is not None and new.spec.node_name and not is_terminating(new):
            node = self._nodes.get("", new.spec.node_name)
            if node is None or any(t.effect == "NoExecute" for t in node.spec.taints):
                self._evictions.queue.add(key_of(new))

    def _silence(self, name: str) -> float:
        """Seconds since the node was last heard of, as far as this master can know."""
        now = self._clock.monotonic()
        return now - self._heard.get(name, now)

    async def _reconcile(self, key: Key) -> None:
        node = self._nodes.get(*key)
        if node is None:
            return
        name = key[1]
        silence = self._silence(name)
        lost = silence > self._lost_after
        await self._mark(node, lost=lost)
        if not lost:
            self._loop.queue.add_after(key, self._lost_after - silence + 0.1)

    async def _mark(self, node: Node, *, lost: bool) -> None:
        name, now = node.metadata.name, int(self._clock.now())
        if lost and name not in self._lost:
            self._lost.add(name)
            logger.info("node %s: ready → lost (no heartbeat for %.0f s)", name, self._lost_after)
            message = f"Node {name} status is now: NodeNotReady"
            self._recorder.event(node, "Normal", "NodeNotReady", message)
        elif not lost and name in self._lost:
            self._lost.discard(name)
            logger.info("node %s: lost → heard of again", name)
            self._recorder.event(node, "Normal", "NodeReady", f"Node {name} sends heartbeats again")
        if lost:
            unknown = with_unknown_conditions(node, now)
            if unknown is not None:
                node = await self._client.update_status(unknown)
        taints = wanted_taints(node, lost=lost, now=now)
        if taints != list(node.spec.taints):
            copy: Node = copy_of(node)
            del copy.spec.taints[:]
            copy.spec.taints.extend(taints)
            await self._client.update(copy)
        if lost:
            await self._mark_pods(name, now)

    async def _mark_pods(self, node: str, now: int) -> None:
        """Services must stop sending traffic to pods that nobody can vouch for."""
        for pod in self._pods.index("node", node):
            changed = with_not_ready(pod, now)
            if changed is not None:
                try:
                    await self._client.update_status(changed)
                except (NotFound, Conflict):
                    continue  # it changed meanwhile: that change brings it here again

    def _evictions_paused(self) -> bool:
        total = len(self._nodes)
        return total >= LARGE and len(self._lost) > MOST * total

    async def _evict(self, key: Key) -> None:
        pod = self._pods.get(*key)
        if pod is None or is_terminating(pod) or not pod.spec.node_name:
            return
        node = self._nodes.get("", pod.spec.node_name)
        if node is None:
            return  # the pod clean-up's business
        due = eviction_time(pod, node.spec.taints)
        if due is None:
            return
        wait = due - self._clock.now()
        unreachable = any(t.key == UNREACHABLE for t in node.spec.taints)
        if wait > 0 or (unreachable and self._evictions_paused()):
            self._evictions.queue.add_after(key, max(wait, 1.0))
            return
        options = DeleteOptions(preconditions=Preconditions(uid=pod.metadata.uid))
        mark = disrupted(pod, "DeletionByTaintManager", TAINTED, int(self._clock.now()))
        try:
            await self._client.update_status(mark)
            self._tell_of_eviction(pod, node)
            await self._client.delete(Pod, key[1], key[0], options=options)
        except NotFound:
            return

    def _tell_of_eviction(self, pod: Pod, node: Node) -> None:
        namespace, name = key_of(pod)
        message = f"Marking for deletion Pod {namespace}/{name}: its node {node.metadata.name} has"
        self._recorder.event(
            pod, "Normal", "TaintManagerEviction", f"{message} a taint it does not tolerate"
        )
