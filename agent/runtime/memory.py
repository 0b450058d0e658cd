"""The runtime in memory: a working engine of scripted containers, for simulation, hollow
nodes and tests.

It does what the contract says over a Machine, which outlives it as a real machine outlives
the agent: a second MemoryRuntime over the same machine adopts everything. One task in all,
however many containers: `run` sleeps until the next timeline ends.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from agent.runtime import references
from agent.runtime.changes import Changes
from agent.runtime.contract import EXEC_OUTPUT_LIMIT, Connection, Session
from agent.runtime.errors import (
    CreateContainerError,
    ErrImageNeverPull,
    ErrImagePull,
    ExecTimeout,
    NotFound,
    NotRunning,
    RunContainerError,
    StreamBroken,
)
from agent.runtime.machine import STOPPED_BY_KILL, Machine, Pod, Run
from agent.runtime.memory_logs import MemoryLogs
from agent.runtime.memory_streams import AttachedSession, EchoConnection, ScriptSession
from agent.runtime.script import Line, Script
from agent.runtime.specs import (
    Channel,
    ContainerID,
    ContainerSpec,
    ImageSpec,
    LogOptions,
    PodUID,
    PullPolicy,
    SandboxSpec,
    StreamSpec,
)
from agent.runtime.states import (
    Change,
    ContainerPhase,
    ContainerState,
    ContainerStats,
    ExecResult,
    ExitReason,
    Image,
    PodStats,
    Sandbox,
    Version,
)

_TERMINATE, _KILL = 15, 9


class MemoryRuntime:
    """Runtime over a Machine; see the module."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._changes = Changes()
        self._waiting: dict[ContainerID, list[asyncio.Future[None]]] = {}
        self._earlier = asyncio.Event()
        self._logs = MemoryLogs(machine, self.wait)

    async def run(self, ready: asyncio.Event) -> None:
        """End timelines as they come due, until cancelled."""
        ready.set()
        while True:
            self._settle()
            self._earlier.clear()
            due = self.machine.next_end()
            pause = None if due is None else due - self.machine.clock.now()
            await self._pause(pause)

    async def _pause(self, seconds: float | None) -> None:
        """Until so much time has passed, or a timeline has begun."""
        async with asyncio.TaskGroup() as tasks:
            waits = [tasks.create_task(self._until_earlier())]
            if seconds is not None:
                waits.append(tasks.create_task(self.machine.clock.sleep(seconds)))
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()

    async def _until_earlier(self) -> None:
        await self._earlier.wait()

    def _settle(self) -> None:
        for run in self.machine.settle():
            self._announce(run)

    def _announce(self, run: Run) -> None:
        self._changes.publish(run.spec.pod)
        if run.state.phase is ContainerPhase.EXITED:
            for future in self._waiting.pop(run.state.id, []):
                if not future.done():
                    future.set_result(None)

    async def version(self) -> Version:
        """The simulated engine's."""
        return Version(name="memory", version="1", api_version="1")

    # Sandboxes

    async def list_sandboxes(self) -> tuple[Sandbox, ...]:
        """All of them."""
        return tuple(pod.sandbox for pod in self.machine.pods.values())

    async def ensure_sandbox(self, spec: SandboxSpec) -> Sandbox:
        """Made at once."""
        pod = self.machine.pods.get(spec.uid)
        if pod is not None:
            return pod.sandbox
        ip = ""
        if not spec.host_network:
            ip = (await self.machine.network.attach(spec.uid, "", spec.ports)).ip
        sandbox = Sandbox(
            uid=spec.uid,
            namespace=spec.namespace,
            name=spec.name,
            ip=ip,
            ready=True,
            created_at=self.machine.clock.now(),
            cgroup=f"{spec.cgroup_parent}/pod{spec.uid}",
        )
        self.machine.pods[spec.uid] = Pod(spec, sandbox)
        return sandbox

    async def remove_sandbox(self, pod: PodUID) -> None:
        """With its containers."""
        for run in self._runs_of(pod):
            self._end(run, STOPPED_BY_KILL)
            del self.machine.runs[run.state.id]
        if self.machine.pods.pop(pod, None) is not None:
            await self.machine.network.detach(pod)

    def _pod(self, uid: PodUID) -> Pod:
        pod = self.machine.pods.get(uid)
        if pod is None:
            raise NotFound(f"pod {uid}: no sandbox")
        return pod

    # Images

    async def ensure_image(self, spec: ImageSpec) -> Image:
        """Every image exists but those that the machine says are absent."""
        present = await self.image(spec.reference)
        if present is not None and spec.policy is not PullPolicy.ALWAYS:
            return present
        if spec.policy is PullPolicy.NEVER:
            raise ErrImageNeverPull(f"image {spec.reference} is not present, policy is Never")
        if spec.reference in self.machine.absent:
            raise ErrImagePull(f"image {spec.reference}: not found")
        digest = "sha256:" + hashlib.sha256(spec.reference.encode()).hexdigest()
        image = Image(
            id=digest,
            names=(spec.reference,),
            digests=(f"{spec.reference.split('@')[0]}@{digest}",),
            size=1 << 20,
        )
        self.machine.images[spec.reference] = image
        return image

    async def image(self, reference: str) -> Image | None:
        """By reference or id."""
        if not references.is_id(reference):
            references.parse(reference)
        found = self.machine.images.get(reference)
        if found is not None:
            return found
        return next((i for i in self.machine.images.values() if i.id == reference), None)

    async def list_images(self) -> tuple[Image, ...]:
        """All of them."""
        return tuple(self.machine.images.values())

    async def remove_image(self, image_id: str) -> None:
        """Unless a container uses it."""
        used = {run.state.image_id for run in self.machine.runs.values()}
        kept = {k: i for k, i in self.machine.images.items() if i.id != image_id or i.id in used}
        self.machine.images = kept

    # Containers

    async def create_container(self, spec: ContainerSpec) -> ContainerState:
        """In phase CREATED."""
        self._pod(spec.pod)
        for run in self._runs_of(spec.pod):
            if (run.spec.name, run.spec.attempt) == (spec.name, spec.attempt):
                return run.state
        image = await self.image(spec.image)
        if image is None:
            raise CreateContainerError(f"image {spec.image} is not present")
        return self.machine.create(spec, image).state

    async def start_container(self, container: ContainerID) -> ContainerState:
        """Begin its timeline."""
        run = self._run(container)
        if run.state.phase is not ContainerPhase.CREATED:
            return run.state
        if run.script.cannot_run:
            self._cannot_run(run)
        self.machine.start(run)
        self._announce(run)
        self._earlier.set()
        return run.state

    def _cannot_run(self, run: Run) -> None:
        self._end(run, 127, ExitReason.CANNOT_RUN)
        run.state = replace(run.state, message=run.script.cannot_run)
        raise RunContainerError(f"container {run.spec.name}: {run.script.cannot_run}")

    async def run_container(self, spec: ContainerSpec) -> ContainerState:
        """Create and start."""
        return await self.start_container((await self.create_container(spec)).id)

    async def stop_container(self, container: ContainerID, grace: float) -> ContainerState:
        """SIGTERM, the grace period, SIGKILL."""
        run = self._run(container)
        await self.kill_container(container, _TERMINATE if grace > 0 else _KILL)
        if run.state.phase is ContainerPhase.EXITED:
            return run.state
        if run.ends_at is not None and run.ends_at <= self.machine.clock.now() + grace:
            return await self.wait(container)
        await self.machine.clock.sleep(grace)
        self._end(run, STOPPED_BY_KILL)
        return run.state

    async def kill_container(self, container: ContainerID, signal: int) -> None:
        """SIGKILL ends it, SIGTERM as its script says, others do nothing."""
        self._settle()
        run = self._run(container)
        if run.state.phase is ContainerPhase.CREATED or signal == _KILL:
            self._end(run, STOPPED_BY_KILL)
        elif signal == _TERMINATE and run.script.on_term is not None:
            self._end(run, run.script.on_term)

    def oom_kill(self, container: ContainerID) -> None:
        """The machine's kernel ends the run for want of memory."""
        self._end(self._run(container), STOPPED_BY_KILL, ExitReason.OOM_KILLED)

    async def remove_container(self, container: ContainerID) -> None:
        """Its log stays until the second run after it."""
        run = self.machine.runs.pop(container, None)
        if run is None:
            return
        self._end(run, STOPPED_BY_KILL)
        kept = self.machine.pods[run.spec.pod].kept
        newer = sum(
            1 for name, attempt in kept if name == run.spec.name and attempt > run.spec.attempt
        )
        if newer >= 2:
            del kept[run.spec.name, run.spec.attempt]

    async def list_containers(self, pod: PodUID | None = None) -> tuple[ContainerState, ...]:
        """Of one pod or all."""
        self._settle()
        runs = self.machine.runs.values() if pod is None else self._runs_of(pod)
        states = [run.state for run in runs]
        return tuple(sorted(states, key=lambda s: (s.pod, s.name, s.attempt)))

    async def container(self, container: ContainerID) -> ContainerState:
        """Its state now."""
        self._settle()
        return self._run(container).state

    async def wait(self, container: ContainerID) -> ContainerState:
        """Once it has ended."""
        self._settle()
        run = self._run(container)
        if run.state.phase is not ContainerPhase.EXITED:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(container, []).append(future)
            await future
        return run.state

    def events(self) -> AsyncIterator[Change]:
        """Changes from now on."""
        return self._changes.read()

    async def termination_message(self, container: ContainerID) -> str:
        """What its script leaves there."""
        run = self._run(container)
        return run.script.message if run.state.started_at else ""

    def _run(self, container: ContainerID) -> Run:
        run = self.machine.runs.get(container)
        if run is None:
            raise NotFound(f"container {container}: not found")
        return run

    def _runs_of(self, pod: PodUID) -> list[Run]:
        held = self.machine.pods.get(pod)
        if held is None:
            return []
        return [run for run in held.kept.values() if run.state.id in self.machine.runs]

    def _end(self, run: Run, code: int, reason: ExitReason | None = None) -> None:
        self.machine.end(run, code, reason)
        self._announce(run)

    # Streams

    def _running(self, container: ContainerID) -> Run:
        self._settle()
        run = self._run(container)
        if run.state.phase is not ContainerPhase.RUNNING:
            raise NotRunning(f"container {run.spec.name} is {run.state.phase}")
        return run

    def _exec_script(self, command: Sequence[str]) -> Script:
        return self.machine.script_of(
            ContainerSpec(PodUID(""), "", 0, image="", command=tuple(command))
        )

    async def exec(
        self,
        container: ContainerID,
        command: Sequence[str],
        timeout: float,  # noqa: ASYNC109 - as in the contract
        limit: int = EXEC_OUTPUT_LIMIT,
    ) -> ExecResult:
        """Its script, in the clock's time."""
        self._running(container)
        script = self._exec_script(command)
        if script.cannot_run:
            return ExecResult(127, b"", script.cannot_run.encode())
        if script.ends_after is None or script.ends_after > timeout:
            await self.machine.clock.sleep(timeout)
            raise ExecTimeout(f"command timed out after {timeout:g}s")
        await self.machine.clock.sleep(script.ends_after)
        out = b"".join(line.data for line in script.lines if line.channel is Channel.STDOUT)
        err = b"".join(line.data for line in script.lines if line.channel is Channel.STDERR)
        return ExecResult(script.exit_code, out[:limit], err[:limit])

    async def open_exec(
        self, container: ContainerID, command: Sequence[str], streams: StreamSpec
    ) -> Session:
        """A session with its script."""
        self._running(container)
        script = self._exec_script(command)
        if script.cannot_run:
            said = Line(0.0, Channel.STDERR, script.cannot_run.encode())
            script = Script(lines=(said,), ends_after=0.0, exit_code=127)
        return ScriptSession(script, self.machine.clock, streams.tty)

    async def attach(self, container: ContainerID, streams: StreamSpec) -> Session:
        """What the run does from now on."""
        run = self._running(container)
        since = self.machine.clock.now() - run.state.started_at
        return AttachedSession(
            ScriptSession(_rest(run.script, since), self.machine.clock, streams.tty),
            self._input_end(run),
        )

    def _input_end(self, run: Run) -> Callable[[], None]:
        def end() -> None:
            if run.script.reads_input and run.spec.stdin_once:
                self._end(run, run.script.exit_code)

        return end

    def logs(self, pod: PodUID, name: str, options: LogOptions) -> AsyncIterator[bytes]:
        """See the contract."""
        return self._logs.read(pod, name, options)

    async def connect(self, pod: PodUID, port: int) -> Connection:
        """To a script that listens."""
        self._pod(pod)
        for run in self._runs_of(pod):
            if run.state.phase is ContainerPhase.RUNNING and port in run.script.listens:
                return EchoConnection()
        raise StreamBroken(f"port {port}: connection refused")

    async def written(self, pod: PodUID) -> dict[str, int]:
        """Nothing."""
        self._pod(pod)
        return {run.spec.name: 0 for run in self._runs_of(pod)}

    async def stats(self, pod: PodUID) -> PodStats:
        """Steady figures: a hundredth of a core and a MiB each."""
        self._pod(pod)
        now = self.machine.clock.now()
        running = [
            ContainerStats(
                id=run.state.id,
                name=run.spec.name,
                cpu_nanoseconds=int((now - run.state.started_at) * 1e7),
                memory_bytes=1 << 20,
                memory_working_set=1 << 20,
                pids=1,
            )
            for run in self._runs_of(pod)
            if run.state.phase is ContainerPhase.RUNNING
        ]
        return PodStats(uid=pod, at=now, containers=tuple(running))


def _rest(script: Script, since: float) -> Script:
    """The script from that many seconds after its start on."""
    lines = tuple(replace(line, at=line.at - since) for line in script.lines if line.at >= since)
    ends = None if script.ends_after is None else max(script.ends_after - since, 0.0)
    return replace(script, lines=lines, ends_after=ends)
