"""One pod on this node: one task that looks, decides and starts what was decided.

In come newer assignments, runtime changes, probe verdicts and ends of actions; each only
wakes the task. It looks at its containers again if they may have changed, takes one lifecycle
step, and performs the step's actions beside each other in tasks of its own, so that a
call that hangs holds up nothing but what depends on it. Out go the status, whenever it
changed, and events. Level-triggered: a wake that is lost in another costs nothing.

The task ends when the pod has left the assignments and nothing of it is left on the node. If
the agent dies, everything here is found again from runtime, ledger and assignment.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from agent.checks import Target
from agent.ledger import Ledger
from agent.lifecycle.conditions import OWNED
from agent.lifecycle.learning import engine_is_back, learn
from agent.lifecycle.phase import TERMINAL
from agent.lifecycle.runs import container_named
from agent.lifecycle.step import step
from agent.lifecycle.view import (
    Action,
    Health,
    Memory,
    NodeFacts,
    RemovePod,
    RemoveRun,
    Ruling,
    Step,
    View,
)
from agent.operations import Operations, Result
from agent.probes import Prober, Unhealthy
from agent.runtime.errors import NotFound, RuntimeFault
from agent.runtime.specs import ContainerID, LogOptions, PodUID
from agent.runtime.states import ContainerPhase, ContainerState, Sandbox
from protos.core_v1_pb2 import Pod, PodStatus
from protos.dispatch_pb2 import PodStatuses

logger = logging.getLogger(__name__)

LOOK_LIMIT = 30.0
LOOK_AGAIN = 1.0
MESSAGE_LIMIT = 4096
FALLBACK_LINES, FALLBACK_BYTES = 80, 2048


@dataclass(frozen=True, slots=True)
class Found:
    """What an earlier agent left of a pod."""

    sandbox: Sandbox | None = None
    runs: tuple[ContainerState, ...] = ()
    status: PodStatus | None = None


class PodTask:
    """See the module. Constructed with what is known; run() does everything."""

    def __init__(
        self,
        pod: Pod,
        operations: Operations,
        ledger: Ledger,
        report: Callable[[PodStatuses.Entry], None],
        found: Found,
    ) -> None:
        self.uid = PodUID(pod.metadata.uid)
        self._pod = pod
        self._operations = operations
        self._ledger = ledger
        self._report = report
        self._clock = operations.clock
        self._sandbox = found.sandbox
        self._runs: dict[str, tuple[ContainerState, ...]] = {}
        self._take(found.runs)
        self._status = found.status if found.status is not None else pod.status
        self._reported = found.status is not None and _agrees(pod.status, found.status)
        self._memory = Memory()
        self._generation = 1
        self._evicted = False
        self._ruling: Ruling | None = None
        self._ended = False
        self._stale = False
        self._health: dict[ContainerID, Health] = {}
        self._messages: dict[ContainerID, str] = {}
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._alarm: tuple[float, asyncio.Task[None]] | None = None
        self._wake = asyncio.Event()
        self._prober = Prober(operations.checks, self._clock, self._verdict, self._unhealthy)

    @property
    def status(self) -> PodStatus:
        """The newest; never to be changed."""
        return self._status

    @property
    def pod(self) -> Pod:
        """As assigned."""
        return self._pod

    @property
    def sandbox(self) -> Sandbox | None:
        """Where its containers are."""
        return self._sandbox

    def newest_run(self, container: str) -> ContainerState | None:
        """The newest run that was seen of a container."""
        runs = self._runs.get(container)
        return runs[-1] if runs else None

    def assign(self, pod: Pod, *, sources_changed: bool, complete: bool) -> None:
        """A newer state of the pod, or of what it names. Where its status is not this node's
        it is reported again: a master that was behind may have declared the node lost just
        after it was back. complete: the master shows all it has, so that an end that was
        reported has not reached it."""
        if sources_changed or _differs(self._pod, pod):
            self._generation += 1
        self._pod = pod
        if (complete and self._ended) or not _agrees(pod.status, self._status):
            self._reported = False
        self._wake.set()

    def evict(self) -> None:
        """The pod left the assignments: end it at once."""
        self._evicted = True
        self._wake.set()

    def rule(self, ruling: Ruling) -> None:
        """The node does not take the pod, or ends it; the first ruling stays."""
        if self._ruling is None:
            self._ruling = ruling
            self._wake.set()

    @property
    def is_over(self) -> bool:
        """It has ended for good and takes nothing of the node."""
        return self._status.phase in TERMINAL or self._ruling is not None

    def look(self, *, engine_back: bool = False) -> None:
        """Its containers may have changed."""
        if engine_back:
            self._memory = engine_is_back(self._memory)
        self._stale = True
        self._wake.set()

    async def run(self) -> None:
        """Until nothing is left of a pod that left."""
        self._alarm = None
        self._prober = Prober(self._operations.checks, self._clock, self._verdict, self._unhealthy)
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                await self._look_again()
                now = step(self._view(), self._memory)
                self._memory = now.memory
                self._carry_out(now, group)
                self._publish(now)
                if now.ended and self._evicted:
                    break
                self._set_alarm(now.wake, group)
                await self._wake.wait()
            self._finish()

    def _finish(self) -> None:
        self._ledger.put(f"status/{self.uid}", None)
        if self._alarm is not None:
            self._alarm[1].cancel()
        for task in self._busy.values():
            task.cancel()

    # Looking

    async def _look_again(self) -> None:
        if self._stale:
            self._stale = False
            try:
                async with asyncio.timeout(LOOK_LIMIT):
                    self._take(await self._operations.runtime.list_containers(self.uid))
            except (RuntimeFault, TimeoutError) as fault:
                # What was seen last holds until the engine answers; its return wakes us too.
                logger.debug("cannot look at pod %s: %s", self.uid, fault)
                self._stale = True
        await self._read_messages()

    def _take(self, runs: Iterable[ContainerState]) -> None:
        taken: dict[str, tuple[ContainerState, ...]] = {}
        for run in sorted(runs, key=lambda run: run.attempt):
            taken[run.name] = (*taken.get(run.name, ()), run)
        self._runs = taken

    def _merge(self, run: ContainerState) -> None:
        others = [known for known in self._runs.get(run.name, ()) if known.id != run.id]
        merged = sorted((*others, run), key=lambda known: known.attempt)
        self._runs = {**self._runs, run.name: tuple(merged)}

    async def _read_messages(self) -> None:
        for runs in self._runs.values():
            newest = runs[-1]
            if newest.phase is ContainerPhase.EXITED and newest.id not in self._messages:
                self._messages[newest.id] = await self._message(newest)
        alive = {run.id for runs in self._runs.values() for run in runs}
        if len(self._messages) > len(alive):
            self._messages = {i: m for i, m in self._messages.items() if i in alive}

    async def _message(self, run: ContainerState) -> str:
        try:
            container = container_named(self._pod, run.name)
            async with asyncio.timeout(LOOK_LIMIT):
                message = await self._operations.runtime.termination_message(run.id)
                falls_back = container.termination_message_policy == "FallbackToLogsOnError"
                if not message and run.exit_code != 0 and falls_back:
                    message = await self._last_lines(run.name)
        except (RuntimeFault, TimeoutError, KeyError) as fault:
            logger.debug("no termination message of %s: %s", run.name, fault)
            return ""
        return message[-MESSAGE_LIMIT:]

    async def _last_lines(self, name: str) -> str:
        options = LogOptions(tail=FALLBACK_LINES)
        kept = b""
        try:
            async for piece in self._operations.runtime.logs(self.uid, name, options):
                kept = (kept + piece)[-FALLBACK_BYTES:]
        except NotFound:
            return ""
        return kept.decode(errors="replace")

    def _view(self) -> View:
        return View(
            pod=self._pod,
            previous=self._status,
            now=self._clock.now(),
            sandbox=self._sandbox,
            runs=self._runs,
            health=self._health,
            messages=self._messages,
            busy=frozenset(self._busy),
            generation=self._generation,
            evicted=self._evicted,
            ruling=self._ruling,
            node=NodeFacts(self._operations.node().host_ips),
        )

    # Acting

    def _carry_out(self, now: Step, group: asyncio.TaskGroup) -> None:
        for key in now.cancel:
            self._busy[key].cancel()
        for action in now.actions:
            # Registered before it runs: a step that comes first must not issue it again.
            self._busy[action.key] = group.create_task(self._perform(action), name=action.key)
        for notice in now.notices:
            self._operations.events.of_pod(
                self._pod,
                notice.reason,
                notice.message,
                warning=notice.warning,
                container=notice.container,
            )
        self._probe(now, group)

    async def _perform(self, action: Action) -> None:
        result = None
        try:
            result = await self._operations.perform(
                self._pod, action, self._sandbox, self._generation
            )
        finally:
            del self._busy[action.key]
            if result is None:
                self._stale = True  # it was cut off: it may or may not have happened
            else:
                self._learn(action, result)
            self._wake.set()

    def _learn(self, action: Action, result: Result) -> None:
        now = self._clock.now()
        self._memory = learn(self._memory, result.outcome, now)
        if result.sandbox is not None:
            self._sandbox = result.sandbox
        if result.run is not None:
            self._merge(result.run)
        if result.outcome.reason:
            self._stale = True
        elif isinstance(action, RemovePod):
            self._sandbox, self._runs = None, {}
        elif isinstance(action, RemoveRun):
            self._take(
                run for runs in self._runs.values() for run in runs if run.id != action.container
            )

    def _set_alarm(self, at: float | None, group: asyncio.TaskGroup) -> None:
        if self._stale:
            soon = self._clock.now() + LOOK_AGAIN
            at = soon if at is None else min(at, soon)
        if self._alarm is not None:
            if self._alarm[0] == at and not self._alarm[1].done():
                return
            self._alarm[1].cancel()
            self._alarm = None
        if at is not None:
            self._alarm = (at, group.create_task(self._ring(at), name="alarm"))

    async def _ring(self, at: float) -> None:
        await self._clock.sleep(at - self._clock.now())
        self._wake.set()

    # Probes

    def _probe(self, now: Step, group: asyncio.TaskGroup) -> None:
        if self._sandbox is None:
            self._prober.want({}, group)
            return
        targets: dict[ContainerID, Target] = {}
        for name, run in now.probed.items():
            container = container_named(self._pod, name)
            targets[run] = self._operations.target(self._pod, container, run, self._sandbox)
        self._prober.want(targets, group)
        self._health = {run: health for run, health in self._health.items() if run in targets}

    def _verdict(self, run: ContainerID, health: Health) -> None:
        self._health[run] = health
        self._wake.set()

    def _unhealthy(self, complaint: Unhealthy) -> None:
        self._operations.events.of_pod(
            self._pod, "Unhealthy", complaint.message, warning=True, container=complaint.container
        )

    # Reporting

    def _publish(self, now: Step) -> None:
        changed = now.status != self._status or now.ended != self._ended
        if now.status.phase != self._status.phase:
            before = self._status.phase or "new"
            logger.info("pod %s: %s → %s", self._pod.metadata.name, before, now.status.phase)
        self._status, self._ended = now.status, now.ended
        if self._evicted or (self._reported and not changed):
            return
        self._reported = True
        meta = self._pod.metadata
        self._ledger.put(f"status/{self.uid}", now.status.SerializeToString())
        self._report(
            PodStatuses.Entry(
                namespace=meta.namespace,
                name=meta.name,
                uid=meta.uid,
                status=now.status,
                terminated=now.ended,
            )
        )


def _differs(old: Pod, new: Pod) -> bool:
    """Whether more than the status changed."""
    before, after = old.metadata, new.metadata
    return (
        old.spec != new.spec
        or before.labels != after.labels
        or before.annotations != after.annotations
        or before.HasField("deletion_timestamp") != after.HasField("deletion_timestamp")
    )


def _agrees(theirs: PodStatus, ours: PodStatus) -> bool:
    """Whether the master's status shows what this node decides."""
    verdicts = {c.type: c.status for c in theirs.conditions if c.type in OWNED}
    return (
        theirs.phase == ours.phase
        and theirs.pod_ip == ours.pod_ip
        and theirs.container_statuses == ours.container_statuses
        and theirs.init_container_statuses == ours.init_container_statuses
        and theirs.ephemeral_container_statuses == ours.ephemeral_container_statuses
        and verdicts == {c.type: c.status for c in ours.conditions if c.type in OWNED}
    )
