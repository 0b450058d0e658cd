"""The loop around the decisions.

In: pods, nodes, namespaces and disruption budgets from informers. Out: bindings, written in
batches, the PodScheduled condition of pods that fit nowhere, and the ends of less important pods
where that makes room for them. A pod that was decided takes its place in the snapshot at once; if
its binding is refused, the place is given back and the pod decided again. Up to BATCHES batches
are being written while the next is decided, and the event loop gets a turn after each, because
the API answers on the same loop.

Not promised: order among pods of one priority once a batch is under way.
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Sequence

from master.scheduler.backlog import Backlog, Waiting
from master.scheduler.binding import Binder, Binding
from master.scheduler.filters import Watches
from master.scheduler.nominations import Nominations
from master.scheduler.placement import Placement
from master.scheduler.preempting import Preempting
from master.scheduler.preemption import JUDGED, Preemption, choose
from master.scheduler.request import PodKey, Request, request_of
from master.scheduler.snapshot import Snapshot
from master.scheduler.unschedulable import Unschedulable
from pilothouse.objects.errors import ApiError, NotFound
from pilothouse.process.clock import Clock
from pilothouse.process.events import EventRecorder
from pilothouse.process.informer import Informer
from protos.core_v1_pb2 import Namespace, Node, Pod
from protos.policy_v1_pb2 import PodDisruptionBudget

SCHEDULER_NAME = "default-scheduler"
BATCH = 64
BATCHES = 4

logger = logging.getLogger(__name__)


def draw_of(uid: str) -> int:
    """The tie-break among equal nodes: from the pod alone, so a decision can be replayed."""
    return zlib.crc32(uid.encode())


def wants_scheduling(pod: Pod) -> bool:
    """The pod is this scheduler's, has no node, and nothing holds it back."""
    return (
        not pod.spec.node_name
        and pod.spec.scheduler_name in ("", SCHEDULER_NAME)
        and not pod.metadata.HasField("deletion_timestamp")
        and not pod.spec.scheduling_gates
        and not is_over(pod)
    )


def is_over(pod: Pod) -> bool:
    """The pod has ended for good and takes nothing from its node."""
    return pod.status.phase in ("Succeeded", "Failed")


class Scheduler:
    """See the module. The informers are run by the caller."""

    def __init__(
        self,
        binder: Binder,
        pods: Informer[Pod],
        nodes: Informer[Node],
        namespaces: Informer[Namespace],
        budgets: Informer[PodDisruptionBudget],
        unschedulable: Unschedulable,
        preempting: Preempting,
        recorder: EventRecorder,
        clock: Clock,
    ) -> None:
        self._binder = binder
        self._pods = pods
        self._nodes = nodes
        self._namespaces = namespaces
        self._budgets = budgets
        self._unschedulable = unschedulable
        self._preempting = preempting
        self._recorder = recorder
        self._clock = clock
        self._work = asyncio.Event()
        self._slots = asyncio.Semaphore(BATCHES)
        self.snapshot = Snapshot()
        self.backlog = Backlog()
        self.placement = Placement(self.snapshot)
        self.nominations = Nominations(self.snapshot)

    async def run(self) -> None:
        """Schedule until cancelled."""
        await self._nodes.synced()
        await self._pods.synced()
        await self._namespaces.synced()
        await self._budgets.synced()
        self._namespaces.subscribe(self._namespace_changed)
        self._nodes.subscribe(self._node_changed)
        self._pods.subscribe(self._pod_changed)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._unschedulable.run(), name="unschedulable")
            group.create_task(self._preempting.run(), name="preempting")
            while True:
                await self._wait_for_work()
                await self._slots.acquire()
                bindings = self._decide_batch()
                if bindings:
                    group.create_task(self._bind(bindings), name="bind")
                else:
                    self._slots.release()
                await asyncio.sleep(0)

    async def _wait_for_work(self) -> None:
        while True:
            now = self._clock.monotonic()
            due = self.backlog.advance(now)
            if self.backlog.ready:
                return
            self._work.clear()
            try:
                async with asyncio.timeout(None if due is None else max(due - now, 0.001)):
                    await self._work.wait()
            except TimeoutError:
                continue

    def _decide_batch(self) -> list[Binding]:
        bindings: list[Binding] = []
        for _ in range(BATCH):
            waiting = self.backlog.pop()
            if waiting is None:
                break
            binding = self._decide(waiting)
            if binding is not None:
                bindings.append(binding)
        return bindings

    def _decide(self, waiting: Waiting) -> Binding | None:
        request = waiting.request
        with self.nominations.aside(request):
            decision = self.placement.decide(request, draw_of(request.uid))
            if decision.node is None:
                self._make_room(waiting)
        if decision.node is None:
            self.backlog.refuse(request.key, decision, self._clock.monotonic())
            nominated = self.nominations.node_of(request.key) or ""
            self._unschedulable.report(request.key, request.uid, decision.message, nominated)
            return None
        self.nominations.drop(request.key)
        self.snapshot.place(request, decision.node)
        namespace, name = request.key
        return Binding(namespace, name, request.uid, decision.node)

    def _make_room(self, waiting: Waiting) -> None:
        """Have less important pods ended for the pod, if that helps, and hold their place."""
        request = waiting.request
        if self._waits_for_victims(request):
            return
        preemption = self._preemption(request, waiting.attempts)
        if preemption is None:
            self.nominations.drop(request.key)
            return
        self.nominations.hold(request, preemption.node)
        self._preempting.end(preemption, request)

    def _waits_for_victims(self, request: Request) -> bool:
        node = self.nominations.node_of(request.key)
        slot = None if node is None else self.snapshot.slots.get(node)
        if slot is None:
            return False
        pods = self.snapshot.column(slot).pods.items()
        lower = (self._pods.get(*k) for k, r in pods if r.priority < request.priority)
        return any(p is not None and p.metadata.HasField("deletion_timestamp") for p in lower)

    def _preemption(self, request: Request, attempts: int) -> Preemption | None:
        lowest = min(self.snapshot.priorities, default=request.priority)
        if request.pod.spec.preemption_policy == "Never" or lowest >= request.priority:
            return None
        slots = self.placement.hopeful(request).tolist()
        # Each attempt begins where the one before has ended, if that was not at the last node.
        start = (draw_of(request.uid) + attempts * JUDGED) % max(len(slots), 1)
        turned = (*slots[start:], *slots[:start])
        return choose(request, self.snapshot, turned, tuple(self._budgets.values()))

    async def _bind(self, bindings: list[Binding]) -> None:
        try:
            answers: Sequence[Pod | ApiError] = await self._binder.bind_many(bindings)
        except ApiError as error:
            answers = [error] * len(bindings)
        finally:
            self._slots.release()
        for binding, answer in zip(bindings, answers, strict=True):
            key = (binding.namespace, binding.name)
            if isinstance(answer, ApiError):
                self._bind_failed(key, answer)
            else:
                self._unschedulable.forget(key)
                message = f"Successfully assigned {key[0]}/{key[1]} to {binding.node}"
                self._recorder.event(answer, "Normal", "Scheduled", message)

    def _bind_failed(self, key: PodKey, error: ApiError) -> None:
        logger.info("binding of %s/%s was refused: %s", *key, error)
        self.snapshot.displace(key)
        if isinstance(error, NotFound):
            self.backlog.remove(key)
        else:
            self.backlog.retry(key, self._clock.monotonic())
            self._work.set()

    def _node_changed(self, old: Node | None, new: Node | None) -> None:
        if new is None:
            assert old is not None
            self.snapshot.remove_node(old.metadata.name)
            return
        if old is None or _concerns_placement(old, new):
            self.snapshot.set_node(new)
            self._wake(Watches.NODE)

    def _namespace_changed(self, old: Namespace | None, new: Namespace | None) -> None:
        if new is None:
            assert old is not None
            self.snapshot.namespace_labels.pop(old.metadata.name, None)
        elif old is None or old.metadata.labels != new.metadata.labels:
            self.snapshot.namespace_labels[new.metadata.name] = dict(new.metadata.labels)
            self._wake(Watches.CLUSTER)

    def _pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        pod = new or old
        assert pod is not None
        key = (pod.metadata.namespace, pod.metadata.name)
        if new is None or is_over(new):
            self.backlog.remove(key)
            self.nominations.drop(key)
            self._unschedulable.forget(key)
            placed = self.snapshot.node_of(key) is not None
            self.snapshot.displace(key)
            if placed:
                self._wake(Watches.USAGE)
        elif new.spec.node_name:
            self.backlog.remove(key)
            self.nominations.drop(key)
            if not self.snapshot.holds(key, new.metadata.uid, new.spec.node_name):
                self.snapshot.place(request_of(new), new.spec.node_name)
                self._wake(Watches.CLUSTER)
        elif wants_scheduling(new):
            self._queue(request_of(new))
        else:
            self.backlog.remove(key)
            self.nominations.drop(key)

    def _queue(self, request: Request) -> None:
        # While its binding is being written, news of the unbound pod change nothing.
        key = request.key
        writing = self.snapshot.node_of(key) is not None and key not in self.nominations
        if not writing or self.backlog.get(key) is None:
            self.backlog.put(request, self._clock.monotonic())
            self._work.set()

    def _wake(self, changed: Watches) -> None:
        self.backlog.wake(changed, self._clock.monotonic())
        self._work.set()


def _concerns_placement(old: Node, new: Node) -> bool:
    return (
        old.metadata.labels != new.metadata.labels
        or old.spec != new.spec
        or old.status.allocatable != new.status.allocatable
    )
