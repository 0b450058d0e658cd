"""The runtime on Podman: sandboxes by system calls, containers by the engine.

Put together here: the service (service.py) that is kept answering, calls on it (engine.py),
sandboxes (../sandboxes.py), containers (containers.py), logs from files, commands by the OCI
runtime, terminals on the engine's bare socket. The engine may die at any time: what runs, runs
on; calls fail with EngineUnavailable until it is back, then everything is looked at again. Use it
inside the node's mount and network namespace.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from agent.files import disk_usage
from agent.network.contract import NodeNetwork
from agent.runtime import crun, log_files
from agent.runtime.cgroups import detect
from agent.runtime.changes import Changes
from agent.runtime.contract import (
    EXEC_OUTPUT_LIMIT,
    TERMINATION_MESSAGE_LIMIT,
    Connection,
    Session,
)
from agent.runtime.crun_sessions import open_session
from agent.runtime.errors import (
    EngineRefused,
    EngineUnavailable,
    NotRunning,
    StreamBroken,
)
from agent.runtime.kernel import socket_in
from agent.runtime.log_files import LogFiles
from agent.runtime.podman.containers import Containers
from agent.runtime.podman.engine import Engine
from agent.runtime.podman.images import Images
from agent.runtime.podman.interactive import Interactive
from agent.runtime.podman.options import PodmanOptions
from agent.runtime.podman.pauses import Pauses
from agent.runtime.podman.preparation import Preparation
from agent.runtime.podman.pulling import Pulls
from agent.runtime.podman.service import Service
from agent.runtime.podman.stats import pod_stats
from agent.runtime.podman.wire import SocketConnection
from agent.runtime.sandboxes import Sandboxes
from agent.runtime.specs import (
    ContainerID,
    ContainerSpec,
    ImageSpec,
    LogOptions,
    PodUID,
    SandboxSpec,
    StreamSpec,
)
from agent.runtime.states import (
    Change,
    ContainerPhase,
    ContainerState,
    ExecResult,
    Image,
    PodStats,
    Sandbox,
    Version,
)

logger = logging.getLogger(__name__)

RESYNC_PERIOD = 10.0  # seconds between looks at everything
ROTATION_PERIOD = 5.0
CONNECT_LIMIT = 10.0


class PodmanRuntime:
    """Runtime; see the module."""

    def __init__(self, options: PodmanOptions, network: NodeNetwork) -> None:
        self._options = options
        self._service = Service(options)
        self._engine = Engine(options.socket, options.workers)
        self._cgroups = detect()
        self._changes = Changes()
        self._logs = LogFiles(options.logs)
        self._sandboxes = Sandboxes(options.pods, network, self._cgroups)
        pulls = Pulls(options.socket, options.pull_silence)
        self._images = Images(self._engine, pulls)
        self._pauses = Pauses(self._engine, options.data_dir / "pause")
        self._preparation = Preparation(self._images, self._pauses, self._sandboxes, self._logs)
        self._containers = Containers(
            self._engine,
            self._preparation,
            self._pauses,
            self._sandboxes,
            self._cgroups,
            self._changes.publish,
        )
        self._interactive = Interactive(self._engine, options.socket, self._containers.wait)

    async def run(self, ready: asyncio.Event) -> None:
        """See the contract."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._service.run(), name="podman-service")
                # However long it takes: the node says meanwhile that its engine is away.
                await self._service.available.wait()
                await self._sandboxes.adopt()
                tasks.create_task(self._containers.settle(), name="container-ends")
                await self._containers.resync()
                ready.set()
                tasks.create_task(self._keep_in_step(), name="container-resync")
                tasks.create_task(self._rotate(), name="log-rotation")
        finally:
            self._containers.close()
            self._engine.close()

    async def _keep_in_step(self) -> None:
        behind = False
        while True:
            if not self._service.available.is_set():
                behind = True
                await self._service.available.wait()
            if not await self._resynced():
                behind = True
                self._service.trouble()
                continue
            if behind:
                behind = False
                self._changes.publish(None)
            await self._service.unavailable_or(RESYNC_PERIOD)

    async def _resynced(self) -> bool:
        try:
            await self._containers.resync()
        except (EngineUnavailable, EngineRefused) as error:
            logger.warning("looking at the containers: %s", error)
            return False
        return True

    async def _rotate(self) -> None:
        while True:
            await asyncio.sleep(ROTATION_PERIOD)
            for path in await asyncio.to_thread(self._logs.oversized, self._options.log_bytes):
                await self._rotate_one(path)

    async def _rotate_one(self, path: Path) -> None:
        pod, name, attempt = PodUID(path.parent.parent.name), path.parent.name, int(path.stem)
        for state in self._containers.of(pod):
            writes = state.phase is ContainerPhase.RUNNING
            if writes and (state.name, state.attempt) == (name, attempt):
                try:
                    keep = self._options.log_files - 1
                    await self._containers.rotate_log(state, path, keep)
                except OSError as error:
                    logger.info("log of container %s is not rotated yet: %s", name, error)

    async def version(self) -> Version:
        """Podman's."""
        return Version("podman", *await self._engine.ping())

    # Sandboxes

    async def list_sandboxes(self) -> tuple[Sandbox, ...]:
        """All that exist."""
        return self._sandboxes.all()

    async def ensure_sandbox(self, spec: SandboxSpec) -> Sandbox:
        """See the contract."""
        return await self._sandboxes.ensure(spec)

    async def remove_sandbox(self, pod: PodUID) -> None:
        """See the contract."""
        await self._containers.remove_all(pod)
        await self._sandboxes.remove(pod)
        await asyncio.to_thread(self._logs.remove, pod)

    # Images

    async def ensure_image(self, spec: ImageSpec) -> Image:
        """See the contract."""
        return await self._images.ensure(spec)

    async def image(self, reference: str) -> Image | None:
        """See the contract."""
        return await self._images.get(reference)

    async def list_images(self) -> tuple[Image, ...]:
        """See the contract."""
        return await self._images.all()

    async def remove_image(self, image_id: str) -> None:
        """See the contract."""
        await self._images.remove(image_id)

    # Containers

    async def create_container(self, spec: ContainerSpec) -> ContainerState:
        """See the contract."""
        return await self._containers.create(spec)

    async def start_container(self, container: ContainerID) -> ContainerState:
        """See the contract."""
        return await self._containers.start(container)

    async def run_container(self, spec: ContainerSpec) -> ContainerState:
        """See the contract."""
        return await self._containers.start((await self._containers.create(spec)).id)

    async def stop_container(self, container: ContainerID, grace: float) -> ContainerState:
        """See the contract."""
        return await self._containers.stop(container, grace)

    async def kill_container(self, container: ContainerID, signal: int) -> None:
        """See the contract."""
        await self._containers.kill(container, signal)

    async def remove_container(self, container: ContainerID) -> None:
        """See the contract."""
        await self._containers.remove(container)

    async def list_containers(self, pod: PodUID | None = None) -> tuple[ContainerState, ...]:
        """As of the last look."""
        return self._containers.of(pod)

    async def container(self, container: ContainerID) -> ContainerState:
        """As of the last look."""
        return self._containers.get(container)

    async def wait(self, container: ContainerID) -> ContainerState:
        """See the contract."""
        return await self._containers.wait(container)

    def events(self) -> AsyncIterator[Change]:
        """See the contract."""
        return self._changes.read()

    async def termination_message(self, container: ContainerID) -> str:
        """See the contract."""
        state = self._containers.get(container)
        file = self._preparation.message_file(state.pod, state.name, state.attempt)
        return await asyncio.to_thread(_last_bytes, file, TERMINATION_MESSAGE_LIMIT)

    # Streams

    def _running(self, container: ContainerID) -> ContainerState:
        state = self._containers.get(container)
        if state.phase is not ContainerPhase.RUNNING:
            raise NotRunning(f"container {state.name} is {state.phase}")
        return state

    async def exec(
        self,
        container: ContainerID,
        command: Sequence[str],
        timeout: float,  # noqa: ASYNC109 - as in the contract
        limit: int = EXEC_OUTPUT_LIMIT,
    ) -> ExecResult:
        """See the contract."""
        self._running(container)
        execution = crun.Execution(
            container, self._containers.oci_config(container), tuple(command), timeout, limit
        )
        return await crun.execute(execution)

    async def open_exec(
        self, container: ContainerID, command: Sequence[str], streams: StreamSpec
    ) -> Session:
        """See the contract."""
        self._running(container)
        if streams.tty:
            return await self._interactive.open_exec(container, command)
        config = self._containers.oci_config(container)
        return await open_session(container, config, command, stdin=streams.stdin)

    async def attach(self, container: ContainerID, streams: StreamSpec) -> Session:
        """See the contract."""
        self._running(container)
        return await self._interactive.attach(container, streams)

    async def logs(self, pod: PodUID, name: str, options: LogOptions) -> AsyncIterator[bytes]:
        """See the contract."""
        path = self._logs.newest(pod, name, options.previous)
        attempt = int(path.stem)

        def ended() -> bool:
            return not any(
                (s.name, s.attempt) == (name, attempt) and s.phase is not ContainerPhase.EXITED
                for s in self._containers.of(pod)
            )

        async for piece in log_files.read(path, options, ended):
            yield piece

    async def connect(self, pod: PodUID, port: int) -> Connection:
        """See the contract."""
        sandbox = self._sandboxes.record(pod).sandbox
        channel = (
            await socket_in(sandbox.netns, socket.AF_INET, socket.SOCK_STREAM)
            if sandbox.netns
            else _own_socket()
        )
        try:
            async with asyncio.timeout(CONNECT_LIMIT):
                loop = asyncio.get_running_loop()
                await loop.sock_connect(channel, ("127.0.0.1", port))
                reader, writer = await asyncio.open_connection(sock=channel)
        except (OSError, TimeoutError) as error:
            channel.close()
            raise StreamBroken(f"port {port}: {error}") from error
        return SocketConnection(reader, writer)

    async def written(self, pod: PodUID) -> dict[str, int]:
        """See the contract."""
        self._sandboxes.record(pod)
        newest = {state.name: state.id for state in self._containers.of(pod)}  # by attempt
        found = {}
        for name, container in newest.items():
            layer = await self._containers.writable_layer(container)
            places = [self._logs.directory / pod / name, *([layer] if layer else [])]
            found[name] = sum([await asyncio.to_thread(disk_usage, place) for place in places])
        return found

    async def stats(self, pod: PodUID) -> PodStats:
        """See the contract."""
        self._sandboxes.record(pod)
        states = self._containers.of(pod)
        groups = {state.id: self._containers.group(state) for state in states}
        return await asyncio.to_thread(pod_stats, pod, states, groups, self._cgroups)


def _own_socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    made.setblocking(False)
    return made


def _last_bytes(file: Path, limit: int) -> str:
    try:
        with file.open("rb") as opened:
            opened.seek(0, 2)
            opened.seek(max(opened.tell() - limit, 0))
            return opened.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
