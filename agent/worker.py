"""From assignments to running pods: one task a pod.

In come the master's assignments and the runtime's changes; out go a PodTask for every
assigned pod, and an end for every pod that left. At start it takes up what an earlier
agent left: assignments from the ledger, sandboxes and containers from the runtime; pods
run on and are restarted with no master in sight. What is on the node but in no assignment
is left alone until a COMPLETE set proves that nobody wants it.

Not promised: an order among pods. A pod's own bug ends its task, which is started anew after
a while; nothing of one pod reaches another.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping

from agent.admitting import refusal
from agent.assignments import AssignmentSet, Changes, Key
from agent.cancellation import stay_cancelled
from agent.eviction import watch_storage
from agent.ledger import Ledger
from agent.lifecycle.view import Ruling
from agent.operations import Operations
from agent.pod import Found, PodTask
from agent.runtime.errors import RuntimeFault
from agent.runtime.specs import PodUID
from agent.runtime.states import Change, ContainerState, Sandbox
from pilothouse.process import logs
from protos.core_v1_pb2 import ConfigMap, Pod, PodStatus, Secret, Service
from protos.dispatch_pb2 import Assignments, PodStatuses

logger = logging.getLogger(__name__)

LOOK_LIMIT = 60.0
AGAIN_SECONDS = 5.0
_KINDS: dict[str, type[Pod | ConfigMap | Secret | Service]] = {
    "pods": Pod,
    "configmaps": ConfigMap,
    "secrets": Secret,
    "services": Service,
}


class Worker:
    """See the module. restore() first, then run() beside the session."""

    def __init__(
        self,
        operations: Operations,
        assignments: AssignmentSet,
        ledger: Ledger,
        report: Callable[[PodStatuses.Entry], None],
    ) -> None:
        self._operations = operations
        self._assignments = assignments
        self._ledger = ledger
        self._report = report
        self._tasks: dict[PodUID, PodTask] = {}
        self._statuses: dict[PodUID, PodStatus] = {}
        self._found: dict[PodUID, Found] = {}
        self._group: asyncio.TaskGroup | None = None  # set once what exists is adopted
        self._complete = asyncio.Event()

    def pod(self, uid: PodUID) -> PodTask | None:
        """The pod's task, for streams and metrics."""
        return self._tasks.get(uid)

    def pods(self) -> Mapping[PodUID, PodTask]:
        """All of them."""
        return self._tasks

    def restore(self, kept: Mapping[str, bytes]) -> None:
        """Take up what the ledger kept."""
        objects: list[Pod | ConfigMap | Secret | Service] = []
        for key, value in kept.items():
            kind, _, rest = key.partition("/")
            if kind in _KINDS:
                objects.append(_KINDS[kind].FromString(value))
            elif kind == "status":
                self._statuses[PodUID(rest)] = PodStatus.FromString(value)
        self._assignments.restore(objects)

    def assigned(self, update: Assignments) -> bool:
        """Act on an update of the set; False: there is a gap before it, nothing was done."""
        changes = self._assignments.apply(update)
        if changes is None:
            return False
        self._keep(changes)
        if self._group is not None:
            self._follow(changes)
        if changes.complete:
            self._complete.set()
        return True

    def _keep(self, changes: Changes) -> None:
        for key in changes.stored:
            message = self._assignments.object(key)
            if message is not None:
                self._ledger.put(_path(key), message.SerializeToString())
        for key in changes.dropped:
            self._ledger.put(_path(key), None)

    def _follow(self, changes: Changes) -> None:
        for uid in changes.began:
            self._begin(uid)
        moved = {key for key in (*changes.stored, *changes.dropped) if key[0] != "pods"}
        touched = self._tasks if changes.complete else changes.changed
        for uid in touched:
            pod = self._assignments.pod(uid)
            if pod is not None and uid in self._tasks:
                self._tasks[uid].assign(
                    pod,
                    sources_changed=bool(moved) and uid in changes.changed,
                    complete=changes.complete,
                )
        for uid in changes.left:
            if uid in self._tasks:
                self._tasks[uid].evict()

    async def run(self, runtime_ready: asyncio.Event) -> None:
        """Adopt what exists once the runtime answers, then run pods until cancelled."""
        await runtime_ready.wait()
        changes = self._operations.runtime.events()  # before looking: nothing is missed between
        await self._adopt()
        async with asyncio.TaskGroup() as group:
            self._group = group
            # What ran before is there already; what is new has to fit beside it.
            for uid, pod in sorted(self._assignments.pods(), key=lambda p: self._is_new(*p)):
                self._begin(uid, pod)
            group.create_task(self._follow_runtime(changes), name="runtime-changes")
            group.create_task(self._clean_up(), name="clean-up")
            group.create_task(self._watch_storage(), name="watch-storage")

    async def _watch_storage(self) -> None:
        with_ = self._operations
        await watch_storage(self._tasks.values, with_.volumes, with_.runtime, with_.clock)

    async def _adopt(self) -> None:
        sandboxes, runs = await self._observe()
        by_pod: dict[PodUID, list[ContainerState]] = {}
        for run in runs:
            by_pod.setdefault(run.pod, []).append(run)
        for uid in {*sandboxes, *by_pod, *self._statuses}:
            self._found[uid] = Found(
                sandboxes.get(uid), tuple(by_pod.get(uid, ())), self._statuses.get(uid)
            )
        self._statuses.clear()
        if sandboxes:
            logger.info("adopted %d pods with %d containers", len(sandboxes), len(runs))

    async def _observe(self) -> tuple[dict[PodUID, Sandbox], tuple[ContainerState, ...]]:
        while True:
            try:
                async with asyncio.timeout(LOOK_LIMIT):
                    sandboxes = await self._operations.runtime.list_sandboxes()
                    runs = await self._operations.runtime.list_containers()
            except (RuntimeFault, TimeoutError) as fault:
                logger.warning("cannot see what runs: %s", fault)
                await self._operations.clock.sleep(AGAIN_SECONDS)
            else:
                return {sandbox.uid: sandbox for sandbox in sandboxes}, runs

    def _begin(self, uid: PodUID, pod: Pod | None = None) -> PodTask | None:
        pod = pod if pod is not None else self._assignments.pod(uid)
        if pod is None or self._group is None or uid in self._tasks:
            return None
        refused = self._refusal(pod) if self._is_new(uid, pod) else None
        task = PodTask(
            pod, self._operations, self._ledger, self._report, self._found.pop(uid, Found())
        )
        if refused is not None:
            task.rule(refused)
        self._tasks[uid] = task
        self._group.create_task(self._care(task), name=f"pod-{pod.metadata.name}")
        return task

    def _is_new(self, uid: PodUID, pod: Pod) -> bool:
        """No agent of this node has taken it yet."""
        return uid not in self._found and not pod.status.HasField("start_time")

    def _refusal(self, pod: Pod) -> Ruling | None:
        others = [
            task.pod
            for uid, task in self._tasks.items()
            if not task.is_over and self._assignments.pod(uid) is not None
        ]
        allocatable = self._operations.node().allocatable or {}
        return refusal(pod, others, allocatable, self._operations.unsafe_sysctls)

    async def _care(self, task: PodTask) -> None:
        meta = task.pod.metadata
        with logs.bind(pod=f"{meta.namespace}/{meta.name}"):
            while True:
                try:
                    await task.run()
                except Exception:  # the loop's boundary: one pod's bug stays with it
                    stay_cancelled()
                    logger.exception("the pod's task failed; it is started again")
                    await self._operations.clock.sleep(AGAIN_SECONDS)
                    task.look()
                else:
                    break
        del self._tasks[task.uid]
        self._begin(task.uid)  # where it came back while it was ending

    async def _follow_runtime(self, changes: AsyncIterator[Change]) -> None:
        async for change in changes:
            if change.pod is not None:
                task = self._tasks.get(change.pod)
                if task is not None:
                    task.look()
                continue
            for task in self._tasks.values():
                task.look(engine_back=True)

    async def _clean_up(self) -> None:
        """Once, when the master has told everything that it wants: end what it does not."""
        await self._complete.wait()
        for uid in [*self._found, *await self._operations.volumes.known()]:
            if uid not in self._tasks:
                self._end_stranger(uid)

    def _end_stranger(self, uid: PodUID) -> None:
        found = self._found.setdefault(uid, Found())
        pod = Pod()
        pod.metadata.uid = uid
        if found.sandbox is not None:
            pod.metadata.name = found.sandbox.name
            pod.metadata.namespace = found.sandbox.namespace
        logger.info("pod %s is not assigned to this node any more: removing it", uid)
        task = self._begin(uid, pod)
        if task is not None:
            task.evict()


def _path(key: Key) -> str:
    return "/".join(key)
